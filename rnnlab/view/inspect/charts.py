"""The charts of the Inspect page: states along a text, a single unit along a text, the next character."""

from __future__ import annotations

from typing import Any

from rnnlab.cells import CELLS, ROLES
from rnnlab.view.data.once import each_once
from rnnlab.view.language.i18n import t
from rnnlab.view.page.charts import HEADROOM, layer
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, PALETTE, altair, specification

HEATMAP_TABLES = ("cells", "now")
UNIT_TABLES = ("lines", "now")
CANDIDATE_TABLES = ("candidates",)

STATES = (*dict.fromkeys(state for cell in CELLS.values() for state in cell.states), *ROLES)
"""States and gates, in the order of their colours."""

# colours from -limit over 0 to limit, and from 0 to 1; 0 has the background colour of the theme
_DIVERGING = {
    "light": ["#8A3F0C", "#DB9A62", "#F6F4EE", "#7FAEDD", "#124680"],
    "dark": ["#F2B27C", "#9A5A22", "#20242B", "#2F6AA6", "#A5CBF2"],
}
_SEQUENTIAL = {
    "light": ["#F6F4EE", "#9CC3C0", "#3C8480", "#0E4A4C"],
    "dark": ["#20242B", "#25595B", "#4C9C97", "#C3EBE4"],
}
# pixels to the left of the charts, so that their columns are aligned
_EXTENT = 34
# the label of a position is its character, after the number that keeps the order: "012a"
_CHARACTER = "slice(datum.label, 3)"


@each_once
def heatmap(lang: str, theme: str = "light", limit: float = 0.0, labelled: bool = False) -> dict[str, Any]:
    """Return a heat map with a row per unit or bin and a column per character.

    Args:
        lang: the language.
        theme: "light" or "dark".
        limit: the colour scale goes from -limit to limit; with 0, from 0 to 1.
        labelled: whether each row is a single unit, labelled with its number.

    Tables: ``cells`` (place, row, value, character, units), ``now`` (place).
    """
    alt = altair()

    x = _places()
    y = alt.Y(
        "row:O",
        title=t("inspect.chart.unit" if labelled else "inspect.chart.units", lang),
        axis=alt.Axis(
            minExtent=_EXTENT,
            maxExtent=_EXTENT,
            labels=labelled,
            labelExpr=_CHARACTER,
            ticks=False,
            domain=False,
            labelOverlap=False,
        ),
    )
    stops = [-limit, -limit / 2, 0, limit / 2, limit] if limit else [0, 1 / 3, 2 / 3, 1]
    colors = _DIVERGING[theme] if limit else _SEQUENTIAL[theme]
    scale = alt.Scale(domain=stops, range=colors, interpolate="lab", clamp=True)
    ends = [-limit, 0, limit] if limit else [0, 0.5, 1]
    cells = (
        layer("cells")
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "value:Q",
                title=t("inspect.chart.value", lang),
                scale=scale,
                legend=alt.Legend(
                    orient="top", direction="horizontal", gradientLength=160, gradientThickness=10, values=ends
                ),
            ),
            tooltip=[
                alt.Tooltip("character:N", title=t("inspect.chart.character", lang)),
                alt.Tooltip("units:N", title=t("inspect.chart.unit", lang)),
                alt.Tooltip("value:Q", title=t("inspect.chart.value", lang), format=".3f"),
            ],
        )
    )
    return specification(alt.layer(cells, _now(theme, x)).properties(height=400))


@each_once
def unit_lines(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of a unit along the text, with a line for each state or gate.

    Tables: ``lines`` (place, value, series, character), ``now`` (place).
    """
    alt = altair()

    x = _places()
    order = [t(f"inspect.state.{name}", lang) for name in STATES]
    lines = (
        layer("lines")
        .mark_line(strokeWidth=1.7, point=alt.OverlayMarkDef(size=70, opacity=0))  # to hover over
        .encode(
            x=x,
            y=alt.Y(
                "value:Q",
                title=t("inspect.chart.value", lang),
                scale=alt.Scale(zero=True),
                axis=alt.Axis(tickCount=4, gridOpacity=0.45, minExtent=_EXTENT, maxExtent=_EXTENT),
            ),
            color=alt.Color(
                "series:N",
                title=None,
                sort=order,
                scale=alt.Scale(range=LAYER_COLORS[theme]),
                legend=alt.Legend(
                    orient="top", columns=alt.ExprRef("width < 500 ? 2 : 6"), symbolStrokeWidth=2, symbolType="stroke"
                ),
            ),
            strokeDash=alt.StrokeDash("series:N", title=None, sort=order, scale=alt.Scale(range=LAYER_DASHES)),
            tooltip=[
                alt.Tooltip("character:N", title=t("inspect.chart.character", lang)),
                alt.Tooltip("series:N", title=t("inspect.gate", lang)),
                alt.Tooltip("value:Q", title=t("inspect.chart.value", lang), format=".3f"),
            ],
        )
    )
    return specification(alt.layer(_now(theme, x), lines).properties(height=240))


@each_once
def candidates(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the next characters: bars for the probability, ticks for the share in the training text.

    Table ``candidates`` (rank, probability, share, shown, counted); an unknown share is null.
    """
    alt = altair()

    colors = PALETTE[theme]
    base = layer("candidates")
    y = alt.Y(
        "rank:O",
        title=None,
        axis=alt.Axis(labelExpr="slice(datum.label, 1)", ticks=False, domain=False, labelFontSize=15, labelPadding=8),
        scale=alt.Scale(paddingInner=0.35),
    )
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format=".0%", tickCount=4, gridOpacity=0.45)
    tips = [
        alt.Tooltip("shown:N", title=t("inspect.chart.network", lang)),
        alt.Tooltip("counted:N", title=t("inspect.chart.counted", lang)),
    ]
    bars = base.mark_bar(color=colors["live"], fillOpacity=0.85).encode(
        y=y, x=alt.X("probability:Q", scale=scale, axis=axis, title=None), tooltip=tips
    )
    # inside the bar where it is long, beside it where it is short
    numbers = base.mark_text(
        align=alt.expr("datum.probability > 0.8 ? 'right' : 'left'"),
        dx=alt.expr("datum.probability > 0.8 ? -8 : 8"),
        fontSize=12,
    ).encode(
        y=y,
        x=alt.X("probability:Q", scale=scale),
        text="shown:N",
        color=alt.condition("datum.probability > 0.8", alt.value(colors["page"]), alt.value(colors["text"])),
    )
    ticks = (
        base.transform_filter("isValid(datum.share)")
        .mark_tick(color=colors["book"], thickness=3, height={"band": 1.0})
        .encode(y=y, x=alt.X("share:Q", scale=scale), tooltip=tips)
    )
    return specification(alt.layer(bars, ticks, numbers).properties(height=234, padding=HEADROOM))


def _places() -> Any:
    alt = altair()

    return alt.X(
        "place:O",
        title=None,
        axis=alt.Axis(
            labelExpr=_CHARACTER, labelAngle=0, labelOverlap="greedy", labelSeparation=0, ticks=False, domain=False,
            labelPadding=4,
        ),
    )  # fmt: skip


def _now(theme: str, x: Any) -> Any:
    """Return a frame around the chosen column."""
    alt = altair()

    return (
        layer("now")
        .mark_bar(fillOpacity=0, stroke=PALETTE[theme]["mark"], strokeWidth=2)
        .encode(x=x, y=alt.value(0), y2=alt.value("height"))
    )
