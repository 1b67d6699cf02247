"""The charts of several runs: curves by epoch, seconds or characters, and the band of random seeds."""

from __future__ import annotations

import math
from typing import Any

from rnnlab.view.compare.tables import SMALL_HEIGHT
from rnnlab.view.data.once import each_once
from rnnlab.view.language.i18n import t
from rnnlab.view.page.charts import corners, layer, margin, off_scale, perplexity_axis, targets
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, MOVE, PALETTE, ZOOM, altair, specification

OVERLAY_TABLES = ("extent", "ladder", "raw", "line", "off", "published", "ends", "targets")
BAND_TABLES = ("extent", "ladder", "band", "line", "median", "ends")

SLOTS = list(range(6))
HEIGHT = 440
_COLUMN = 6.2  # width of a column of a label, in pixels


def room(widest: int) -> int:
    """Return the width in pixels that labels need beyond the last point, rounded up to a multiple of 24.

    Args:
        widest: width of the widest label in columns, see `rnnlab.view.page.charts.columns`.
    """
    return 24 * math.ceil((widest * _COLUMN + 14) / 24)


@each_once
def overlay(lang: str, theme: str = "light", by: str = "epoch", room: int = 96) -> dict[str, Any]:
    """Return several perplexity curves on one log axis; the tables are `OVERLAY_TABLES`.

    Args:
        lang: language of the titles.
        theme: ``"light"`` or ``"dark"``.
        by: unit of the horizontal axis, one of `rnnlab.view.compare.measures.AXES`.
        room: pixels for the labels beyond the last point, see the function `room`.
    """
    alt = altair()

    colors = PALETTE[theme]
    x, y = _x(lang, by), perplexity_axis(lang)
    color, dash = _color(theme), _dash()
    raw = layer("raw").mark_line(strokeWidth=1, opacity=0.4).encode(x=x, y=y, color=color, detail="slot:N")
    line = layer("line").mark_line(strokeWidth=2.1).encode(x=x, y=y, color=color, strokeDash=dash, detail="slot:N")
    published = (
        layer("published")
        .mark_point(shape="diamond", size=64, strokeWidth=1.8)
        .encode(
            x=x,
            y=y,
            stroke=alt.Stroke("slot:N", scale=alt.Scale(domain=SLOTS, range=LAYER_COLORS[theme][:6]), legend=None),
            fill=alt.Fill("slot:N", scale=alt.Scale(domain=SLOTS, range=LAYER_COLORS[theme][:6]), legend=None),
            fillOpacity=alt.FillOpacity("fill:Q", scale=None),
            tooltip=[
                alt.Tooltip("run:N", title=t("compare.tip.run", lang)),
                alt.Tooltip("shown:N", title=t("chart.published", lang)),
            ],
        )
    )
    points = targets(
        56,
        ["key"],
        x=x,
        y=y,
        color=color,
        tooltip=[
            alt.Tooltip("run:N", title=t("compare.tip.run", lang)),
            alt.Tooltip("epoch:Q", title=t("chart.epoch", lang), format=".4~f"),
            alt.Tooltip("shown:N", title=t("chart.perplexity", lang)),
            alt.Tooltip("seconds:N", title=t("progress.per_epoch", lang)),
        ],
    )
    zoom = alt.selection_interval(name="zoom", bind="scales", zoom=ZOOM, translate=MOVE)
    rules, *labels = _rules(x, y, colors)
    chart = alt.layer(
        corners(x=x, y=y).add_params(zoom),
        margin(room),
        rules,
        raw,
        line,
        *labels,
        *off_scale(x, _color(theme), theme),
        *_ends(x, theme),
        points,
        published,
    )
    return _framed(chart)


@each_once
def seed_band(lang: str, theme: str = "light", room: int = 96) -> dict[str, Any]:
    """Return the median and the band of runs that differ in their random seed; the tables are `BAND_TABLES`."""
    alt = altair()

    colors = PALETTE[theme]
    x, y = _x(lang, "epoch"), perplexity_axis(lang)
    band = (
        layer("band")
        .mark_area(color=colors["live"], opacity=0.2)
        .encode(
            x=x,
            y=alt.Y("low:Q", title=t("chart.perplexity_log", lang)),
            y2="high:Q",
            tooltip=[
                alt.Tooltip("x:Q", title=t("chart.epoch", lang), format=".4~f"),
                alt.Tooltip("shown:N", title=t("chart.perplexity", lang)),
                alt.Tooltip("count:Q", title=t("compare.tip.seeds", lang)),
            ],
        )
    )
    members = (
        layer("line")
        .mark_line(strokeWidth=1, opacity=0.75)
        .encode(x=x, y=y, color=_color(theme), strokeDash=_dash(), detail="slot:N")
    )
    median = layer("median").mark_line(strokeWidth=2.8, color=colors["live"]).encode(x=x, y=y)
    zoom = alt.selection_interval(name="zoom", bind="scales", zoom=ZOOM, translate=MOVE)
    rules, *labels = _rules(x, y, colors)
    chart = alt.layer(
        corners(x=x, y=y).add_params(zoom), margin(room), rules, band, members, median, *labels, *_ends(x, theme)
    )
    return _framed(chart)


def _framed(chart: Any) -> dict[str, Any]:
    # the rules have their own dash patterns
    padding = {"left": 5, "top": 8, "right": 0, "bottom": 5}
    return specification(chart.resolve_scale(strokeDash="independent").properties(height=HEIGHT, padding=padding))


def _x(lang: str, by: str) -> Any:
    alt = altair()

    axis: dict[str, dict[str, Any]] = {
        "epoch": {"format": "d", "tickMinStep": 1},
        "seconds": {"format": ",~f"},
        "characters": {"format": "~s"},
    }
    return alt.X(
        "x:Q",
        title=t(f"compare.axis.{by}", lang),
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(grid=False, tickCount=7, labelOverlap="greedy", labelSeparation=6, **axis[by]),
    )


def _color(theme: str) -> Any:
    alt = altair()

    return alt.Color("slot:N", scale=alt.Scale(domain=SLOTS, range=LAYER_COLORS[theme][:6]), legend=None)


def _dash() -> Any:
    alt = altair()

    return alt.StrokeDash("slot:N", scale=alt.Scale(domain=SLOTS, range=LAYER_DASHES[:6]), legend=None)


def _rules(x: Any, y: Any, colors: dict[str, str]) -> list[Any]:
    """Return the reference lines, then their labels, which lie over the curves to stay readable."""
    alt = altair()

    rules = (
        layer("ladder")
        .mark_rule(color=colors["rule"], strokeWidth=1)
        .encode(
            y=y,
            strokeDash=alt.StrokeDash("order:O", scale=alt.Scale(domain=[1, 2], range=[[2, 4], [6, 4]]), legend=None),
        )
    )
    # curves fall from the upper left to the lower right: the upper label is on the right, below its line, as networks
    # that learn nothing end on that line; the lower label is on the left
    place: dict[str, Any] = {
        "align": alt.expr("datum.order > 1 ? 'left' : 'right'"),
        "baseline": alt.expr("datum.order > 1 ? 'bottom' : 'top'"),
        "dx": alt.expr("datum.order > 1 ? 16 : -8"),
        "dy": alt.expr("datum.order > 1 ? -3 : 4"),
        "fontSize": 12,
    }
    at = {"x": alt.X("end:Q"), "y": y, "text": "label:N"}
    halo = layer("ladder").mark_text(**place, stroke=colors["page"], strokeWidth=4, opacity=0.85).encode(**at)
    return [rules, halo, layer("ladder").mark_text(**place, color=colors["text"]).encode(**at)]


def _ends(x: Any, theme: str) -> list[Any]:
    alt = altair()

    place: dict[str, Any] = {"align": "left", "baseline": "middle", "dx": 8, "fontSize": 12, "clip": False}
    at = {"x": x, "y": alt.Y("spot:Q"), "text": "label:N"}
    dots = layer("ends").mark_circle(size=42, opacity=1).encode(x=x, y=alt.Y("value:Q"), color=_color(theme))
    # the labels are spaced for a small chart; on a higher axis the same number of pixels is a smaller distance
    nearer = f"pow(datum.place / datum.value, {SMALL_HEIGHT} / max(height, {SMALL_HEIGHT}))"
    labels = layer("ends").transform_calculate(spot=f"datum.value * {nearer}")
    halo = labels.mark_text(**place, stroke=PALETTE[theme]["page"], strokeWidth=4).encode(**at)
    return [dots, halo, labels.mark_text(**place, fontWeight=600).encode(**at, color=_color(theme))]
