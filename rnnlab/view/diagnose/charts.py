"""The charts of a diagnosis: lines of several runs, heat maps of gradients, outputs, losses by position."""

from __future__ import annotations

from typing import Any

from rnnlab.view.data.once import each_once
from rnnlab.view.diagnose.tables import HIGHEST, LOWEST
from rnnlab.view.language.i18n import t
from rnnlab.view.page.charts import (
    HEADROOM,
    by_series,
    corners,
    epoch_axis,
    layer,
    line,
    log_ticks,
    off_scale,
    power_label,
    targets,
)
from rnnlab.view.page.style import PALETTE, altair, specification

LINE_TABLES = ("lines", "targets", "off", "rules", "extent")

# the vertical axis of each kind of line chart: key of its title, whether it is logarithmic, format, fixed domain
_KINDS: dict[str, tuple[str, bool, str, list[float] | None]] = {
    "perplexity": ("chart.perplexity_log", True, "~s", None),
    "grad_norm": ("chart.grad_norm_log", True, "~g", None),
    "clipped": ("chart.clipped_share", False, ".0%", [0, 1]),
    "coverage": ("chart.copied_share", False, ".0%", [0, 1]),
    "seconds": ("chart.seconds", False, "~g", None),
}
_SHORT_TICKS = [1.02, 1.05, 1.1, 1.2, 1.5, 250, 300, 400]
_NORM_DECADES = [10.0**power for power in range(-12, 7)]


@each_once
def lines(kind: str, lang: str, theme: str = "light", height: int = 260) -> dict[str, Any]:
    """Return several runs by epoch on one axis, distinguished by colour and dash; the tables are `LINE_TABLES`.

    Args:
        kind: "perplexity", "grad_norm", "clipped", "coverage" or "seconds".
        lang: the language.
        theme: "light" or "dark".
        height: height in pixels.
    """
    alt = altair()
    title, logarithmic, form, domain = _KINDS[kind]
    colors = PALETTE[theme]
    x = epoch_axis(lang)
    options: dict[str, Any] = {"type": "log"} if logarithmic else {"zero": True}
    if domain:
        options["domain"] = domain
    ticks = {"perplexity": log_ticks(finer=_SHORT_TICKS), "grad_norm": log_ticks(_NORM_DECADES)}
    axis: dict[str, Any] = {"values": ticks[kind]} if kind in ticks else {"tickCount": 4}
    y = alt.Y(
        "value:Q",
        title=t(title, lang),
        scale=alt.Scale(nice=False, padding=8, **options),
        axis=alt.Axis(format=form, gridOpacity=0.45, labelOverlap="greedy", **axis),
    )
    by_order = alt.EncodingSortField(field="order", op="min", order="ascending")
    legend = alt.Legend(orient="top", columns=2, symbolType="stroke", symbolStrokeWidth=2, labelLimit=320, title=None)
    series = by_series("series:N", theme, title=None, sort=by_order, legend=legend)

    extent = corners(x=x, y=y)
    rules = layer("rules").mark_rule(color=colors["rule"], strokeDash=[3, 4], strokeWidth=1.2).encode(y=y)
    label: dict[str, Any] = {"align": "right", "baseline": "top", "dx": -4, "dy": 4, "fontSize": 13}
    labels = layer("rules").mark_text(**label, color=colors["text"]).encode(x=alt.X("end:Q"), y=y, text="label:N")
    drawn = line("lines", 1.9, x=x, y=y, **series)
    over = off_scale(x, series["color"], theme, right="datum.epoch > 0.5 * domain('x')[1]")
    points = targets(
        44,
        ["epoch", "order"],
        alt.Opacity("mark:Q", scale=None),
        x=x,
        y=y,
        color=series["color"],
        tooltip=[
            alt.Tooltip("series:N", title=t("diagnose.series", lang)),
            alt.Tooltip("epoch:Q", title=t("chart.epoch", lang)),
            alt.Tooltip("shown:N", title=t(title, lang)),
        ],
    )
    return specification(alt.layer(extent, rules, drawn, labels, *over, points).properties(height=height))


@each_once
def heat(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the gradient norm by layer and epoch, the first layer at the bottom; the table is ``cells``.

    The colours are viridis, whose lightness is uniform, with a fixed scale from 10⁻¹² to 10. Zero is a grey cell with
    a cross.
    """
    alt = altair()
    colors = PALETTE[theme]
    x = epoch_axis(lang, ticks=6)
    y = alt.Y(
        "layer:N",
        title=None,
        sort=alt.EncodingSortField(field="row", op="min", order="descending"),
        axis=alt.Axis(ticks=False, domain=False, labelPadding=6, labelFlush=False),
    )
    tips = [
        alt.Tooltip("at:N", title=t("chart.epoch", lang)),
        alt.Tooltip("layer:N", title=t("chart.layer_title", lang)),
        alt.Tooltip("shown:N", title=t("chart.grad_norm", lang)),
    ]
    cells = layer("cells")
    values = list(range(int(LOWEST), int(HIGHEST) + 1, 3))
    color = alt.Color(
        "value:Q",
        title=t("chart.grad_norm", lang),
        scale=alt.Scale(domain=[LOWEST, HIGHEST], scheme="viridis", clamp=True),
        legend=alt.Legend(
            orient="top",
            direction="horizontal",
            gradientLength=200,
            gradientThickness=10,
            values=values,
            labelExpr=f"(datum.value <= {LOWEST:g} ? '≤ ' : '') + ({power_label('pow(10, datum.value)')})",
        ),
    )
    norms = (
        cells.transform_filter("datum.zero < 1").mark_rect().encode(x=x, x2="until:Q", y=y, color=color, tooltip=tips)
    )
    zeros = (
        cells.transform_filter("datum.zero > 0")
        .mark_rect(color=colors["rule"], opacity=1)
        .encode(x=x, x2="until:Q", y=y, tooltip=tips)
    )
    crosses = (
        cells.transform_filter("datum.zero > 0")
        .mark_point(shape="cross", size=36, filled=True, angle=45, color=colors["page"])
        .encode(x="middle:Q", y=y, tooltip=tips)
    )
    return specification(alt.layer(norms, zeros, crosses).properties(height={"step": 26}))


@each_once
def outputs(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the characters' frequencies in the text as bars, in the network's output as dots; table ``outputs``."""
    alt = altair()
    colors = PALETTE[theme]
    base = layer("outputs")
    x = alt.X(
        "character:N",
        title=None,
        sort=alt.EncodingSortField(field="rank", op="min", order="ascending"),
        axis=alt.Axis(labelAngle=0, labelFontSize=13, ticks=False, labelOverlap=False),
    )
    tips = [
        alt.Tooltip("character:N", title=t("chart.character", lang)),
        alt.Tooltip("frequency_shown:N", title=t("chart.in_text", lang)),
        alt.Tooltip("mean_shown:N", title=t("chart.in_output", lang)),
    ]
    title = t("chart.share", lang)
    axis = alt.Axis(format=".0%", tickCount=4, gridOpacity=0.45)
    bars = base.mark_bar(color=colors["rule"], opacity=0.55).encode(
        x=x, y=alt.Y("frequency:Q", title=title, axis=axis), tooltip=tips
    )
    dots = base.mark_point(size=46, filled=True, opacity=1, color=colors["live"]).encode(
        x=x, y=alt.Y("mean:Q", title=title, axis=axis), tooltip=tips
    )
    return specification(alt.layer(bars, dots).properties(height=240))


@each_once
def positions(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the loss at each position of the window, the last one highlighted; table ``positions``."""
    alt = altair()
    colors = PALETTE[theme]
    base = layer("positions")
    x = alt.X(
        "position:O",
        title=t("chart.position", lang),
        axis=alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=3, format="d"),
    )
    y = alt.Y(
        "value:Q", title=t("chart.loss", lang), scale=alt.Scale(zero=True, padding=8), axis=alt.Axis(gridOpacity=0.45)
    )
    bars = base.mark_bar().encode(
        x=x,
        y=y,
        color=alt.condition("datum.last > 0", alt.value(colors["book"]), alt.value(colors["live"])),
        tooltip=[
            alt.Tooltip("position:Q", title=t("chart.position", lang)),
            alt.Tooltip("shown:N", title=t("chart.loss", lang)),
        ],
    )
    labels = base.mark_text(
        baseline="bottom", align="right", dx=6, dy=-3, fontSize=12, fontWeight=600, color=colors["book"]
    ).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(bars, labels).properties(height=260, padding=HEADROOM))


@each_once
def denormals(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the share of denormal numbers by layer, the first layer at the bottom; table ``layers``."""
    return _bars(
        "layers", "layer", "row", "descending", t("chart.denormal_share", lang), PALETTE[theme]["live"], theme, 24
    )


@each_once
def choices(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the characters that a network would fill into a gap, the most probable first; table ``choices``."""
    return _bars(
        "choices", "character", "rank", "ascending", t("chart.probability", lang), PALETTE[theme]["live"], theme, 30, 15
    )


def _bars(
    table: str, name: str, order: str, direction: str, title: str, color: str, theme: str, step: int, size: int = 12
) -> dict[str, Any]:
    """Return labelled horizontal bars from 0 to 1."""
    alt = altair()
    base = layer(table)
    y = alt.Y(
        f"{name}:N",
        title=None,
        sort=alt.EncodingSortField(field=order, op="min", order=direction),
        axis=alt.Axis(ticks=False, domain=False, labelPadding=6, labelFontSize=size, labelFlush=False),
    )
    x = alt.X(
        "value:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=4, grid=False)
    )
    bars = base.mark_bar(color=color, height={"band": 0.6}).encode(x=x, y=y)
    labels = base.mark_text(
        align=alt.expr("datum.value > 0.8 ? 'right' : 'left'"),
        dx=alt.expr("datum.value > 0.8 ? -5 : 5"),
        fontSize=12,
        color=alt.expr(f"datum.value > 0.8 ? '{PALETTE[theme]['page']}' : '{PALETTE[theme]['text']}'"),
    ).encode(x=x, y=y, text="shown:N")
    return specification(alt.layer(bars, labels).properties(height={"step": step}, padding=HEADROOM))
