"""The parts that charts share, in their specifications."""

from __future__ import annotations

from rnnlab.view.page.charts import by_series, corners, epoch_axis, line, perplexity_axis, targets
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, altair, specification


def test_a_chart_put_together_from_them_names_its_tables_and_covers_its_extent() -> None:
    alt = altair()
    x, y = epoch_axis("en", ticks=5), perplexity_axis("en")
    lines = line("lines", 2.0, x=x, y=y, **by_series("series:N", "dark", sort=None))
    points = targets(50, ["epoch", "series"], x=x, y=y)
    spec = specification(alt.layer(corners(x=x, y=y), lines, points))
    extent, drawn, hovered = spec["layer"]
    assert [part["data"]["name"] for part in spec["layer"]] == ["extent", "lines", "targets"]
    assert (extent["mark"]["opacity"], extent["mark"]["size"]) == (0, 0)
    assert drawn["encoding"]["y"]["scale"]["type"] == "log"
    assert drawn["encoding"]["x"]["axis"]["tickCount"] == 5
    # series do not differ by colour alone
    assert drawn["encoding"]["color"]["scale"]["range"] == LAYER_COLORS["dark"]
    assert drawn["encoding"]["strokeDash"]["scale"]["range"] == LAYER_DASHES
    assert drawn["encoding"]["color"]["field"] == drawn["encoding"]["strokeDash"]["field"] == "series"
    assert hovered["encoding"]["opacity"]["value"] == 0  # until the pointer is near
    (parameter,) = spec["params"]
    assert parameter["select"]["fields"] == ["epoch", "series"]
    assert parameter["select"]["nearest"]
