"""The parts that charts share: layers that draw a table, axes, what can be hovered over, series told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnlab.view.language.i18n import t
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, altair

TICKS = [1, 1.01, 1.02, 1.05, 1.1, 1.2, *(base * 10**power for power in range(7) for base in (2, 5, 10))]
"""Of an axis of perplexities: many a curve ends near 1."""


def layer(table: str) -> Any:
    """Return a layer that draws the table of this name."""
    alt = altair()

    return alt.Chart(alt.NamedData(name=table))


def corners(**axes: Any) -> Any:
    """Return an invisible layer that stretches the axes over the table ``extent``, whatever has been drawn so far."""
    return layer("extent").mark_point(opacity=0, size=0).encode(**axes)


def epoch_axis(lang: str, ticks: int = 8) -> Any:
    """Return the axis of the epochs of a run."""
    alt = altair()

    return alt.X(
        "epoch:Q",
        title=t("chart.epoch", lang),
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(grid=False, tickMinStep=1, tickCount=ticks, format="d"),
    )


def perplexity_axis(lang: str) -> Any:
    """Return a logarithmic axis of perplexities, labelled at `TICKS`."""
    alt = altair()

    return alt.Y(
        "value:Q",
        title=t("chart.perplexity_log", lang),
        # room for whole points at both ends: many a curve ends at 1, and one that overflows runs along the top
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(values=TICKS, format="~s", labelOverlap="greedy", gridOpacity=0.45),
    )


def line(table: str, width: float, **channels: Any) -> Any:
    """Return the lines of a table."""
    return layer(table).mark_line(strokeWidth=width).encode(**channels)


def targets(size: int, fields: Sequence[str], otherwise: Any = None, paint: str | None = None, **channels: Any) -> Any:
    """Return the points of the table ``targets``, of which a pointer selects and shows the nearest.

    Args:
        size: of a point, in square pixels.
        fields: what tells the points apart.
        otherwise: the opacity of those that are not selected; by default they are not seen.
        paint: the colour of all of them, where colour is no channel.
        channels: as `encode` takes them.
    """
    alt = altair()

    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", fields=list(fields), empty=False
    )
    opacity = alt.when(hover).then(alt.value(1)).otherwise(alt.value(0) if otherwise is None else otherwise)
    mark = {"size": size, "filled": True, **({} if paint is None else {"color": paint})}
    return layer("targets").mark_point(**mark).encode(**channels, opacity=opacity).add_params(hover)


def by_series(field: str, theme: str, **options: Any) -> dict[str, Any]:
    """Return the channels that tell series apart by colour and by dash, so that no line is told apart by colour alone.

    Args:
        field: names the series.
        theme: ``"light"`` or ``"dark"``.
        options: of both channels, e.g. `sort` and `legend`.
    """
    alt = altair()

    return {
        "color": alt.Color(field, scale=alt.Scale(range=LAYER_COLORS[theme]), **options),
        "strokeDash": alt.StrokeDash(field, scale=alt.Scale(range=LAYER_DASHES), **options),
    }
