"""The chart specifications of the lessons; `rnnlab.view.lessons.tables` provides their data."""

from __future__ import annotations

from typing import Any

from rnnlab.view.data.once import each_once
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
)
from rnnlab.view.page.style import LAYER_COLORS, PALETTE, altair, specification

SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
"""Mark shapes, so that series differ by more than their colour."""


@each_once
def continuations(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a bar chart of the continuations of a context, the most frequent on top; table ``bars``."""
    alt = altair()

    y = alt.Y(
        "character:N",
        title=None,
        sort=alt.SortField("rank"),
        axis=alt.Axis(labelFontSize=14, labelOverlap=False, ticks=False, domain=False),
    )
    x = alt.X("count:Q", title=t("lesson.sequence.count", lang), axis=alt.Axis(tickMinStep=1, format="d", tickCount=5))
    bars = layer("bars").mark_bar(color=PALETTE[theme]["live"], height={"band": 0.62}).encode(x=x, y=y)
    words = (
        layer("bars")
        .mark_text(align="left", dx=6, fontSize=12, color=PALETTE[theme]["text"])
        .encode(x=x, y=y, text="label:N")
    )
    return specification(alt.layer(bars, words).properties(height=260, padding=HEADROOM))


@each_once
def ladder(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the perplexity of n-gram tables by context length; tables ``rungs``, ``now``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("size:O", title=t("lesson.sequence.size", lang), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y(
        "value:Q",
        title=t("chart.perplexity_log", lang),
        scale=alt.Scale(type="log", nice=False, padding=18),
        axis=alt.Axis(values=log_ticks(), format="~s", labelOverlap="greedy", gridOpacity=0.45),
    )
    legend = alt.Legend(orient="top", title=None, columns=2, symbolStrokeWidth=2, symbolType="stroke")
    series = by_series("text:N", theme, sort=None, legend=legend)
    lines = line("rungs", 1.8, x=x, y=y, **series)
    # circles of a thick stroke, as a fill would be in the legend too
    points = layer("rungs").mark_point(size=12, strokeWidth=4, opacity=1).encode(x=x, y=y, color=series["color"])
    words = (
        layer("rungs")
        .mark_text(dy=alt.expr("datum.below ? 14 : -12"), fontSize=12, color=colors["text"])
        .encode(x=x, y=y, text="label:N")
    )
    now = layer("now").mark_point(size=190, strokeWidth=2.4, filled=False, color=colors["book"]).encode(x=x, y=y)
    return specification(alt.layer(lines, points, words, now).properties(height=260))


@each_once
def positions(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the text positions of each minibatch and row; tables ``cells``, ``extent``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X(
        "position:Q",
        title=t("lesson.sampling.position", lang),
        scale=alt.Scale(nice=False, zero=False, padding=0),
        axis=alt.Axis(grid=False, tickMinStep=1, format="d", tickCount=8),
    )
    y = alt.Y("minibatch:O", title=t("lesson.sampling.minibatch", lang), axis=alt.Axis(ticks=False, domain=False))
    extent = corners(x=x)
    cells = (
        layer("cells")
        .mark_bar(cornerRadius=2, height={"band": 0.78})
        .encode(
            x=x,
            x2="end:Q",
            y=y,
            color=alt.Color("row:O", scale=alt.Scale(range=LAYER_COLORS[theme]), legend=None),
            opacity=alt.Opacity("now:Q", scale=alt.Scale(domain=[0, 1], range=[0.28, 1]), legend=None),
        )
    )
    words = (
        layer("cells")
        .mark_text(fontSize=12, fontWeight="bold")
        .encode(
            x=alt.X("middle:Q"),
            y=y,
            text="label:N",
            color=alt.condition("datum.now > 0", alt.value(colors["page"]), alt.value(colors["text"])),
        )
    )
    return specification(alt.layer(extent, cells, words).properties(height={"step": 26}, padding=HEADROOM))


@each_once
def loss_curve(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of -ln p by p with a point per character; tables ``curve``, ``points``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("p:Q", title=t("lesson.perplexity.p", lang), scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5))
    y = alt.Y("loss:Q", title=t("lesson.perplexity.loss", lang), axis=alt.Axis(tickCount=4, gridOpacity=0.45))
    line = layer("curve").mark_line(color=colors["rule"], strokeWidth=1.6).encode(x=x, y=y)
    points = (
        layer("points")
        .mark_point(size=90, filled=True, opacity=1, color=colors["live"])
        .encode(x=x, y=y, shape=alt.Shape("label:N", scale=alt.Scale(range=SHAPES), legend=None))
    )
    words = (
        layer("points")
        .mark_text(align="left", dx=9, dy=-8, fontSize=12, color=colors["live"])
        .encode(x=x, y=y, text="label:N")
    )
    return specification(alt.layer(line, points, words).properties(height=230, padding=HEADROOM))


@each_once
def reach(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a picture of the graph of an epoch: time steps in a row, the path of the gradient, the cuts.

    Its tables are ``steps``, ``links``, ``ways``, ``cuts`` and ``names``.
    """
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("step:Q", title=None, axis=None, scale=alt.Scale(nice=False, zero=False, padding=14))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.5, 1.8]))
    ways = layer("ways").mark_rule(strokeWidth=3.2, color=colors["book"]).encode(x=x, x2="to:Q", y=y)
    heads = (
        layer("ways")
        .mark_point(shape="triangle-left", size=46, filled=True, opacity=1, color=colors["book"])
        .encode(x=alt.X("to:Q", axis=None), y=y)
    )
    steps = (
        layer("steps")
        .mark_point(size=64, strokeWidth=1.6, filled=False, color=colors["live"], fill=colors["live"])
        .encode(x=x, y=y, fillOpacity=alt.FillOpacity("reached:Q", scale=None))
    )
    links = layer("links").mark_rule(strokeWidth=1.2, color=colors["rule"]).encode(x=x, x2="to:Q", y=y)
    cuts = layer("cuts").mark_rule(strokeWidth=1.6, strokeDash=[3, 3], color=colors["mark"]).encode(x=x, y=y, y2="y2:Q")
    cut_words = (
        layer("cuts")
        .mark_text(fontSize=15, color=colors["mark"], dy=-8)
        .encode(x=x, y=alt.Y("y2:Q", axis=None), text="label:N")
    )
    names = layer("names").mark_text(fontSize=12, color=colors["text"]).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(links, steps, ways, heads, cuts, cut_words, names).properties(height=150))


@each_once
def walked(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the time steps each minibatch's gradient passes through, cut and uncut; table ``walked``."""
    alt = altair()

    colors = LAYER_COLORS[theme]
    x = alt.X("minibatch:O", title=t("lesson.truncation.minibatch", lang), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y("steps:Q", title=t("lesson.truncation.steps", lang), axis=alt.Axis(tickCount=4, gridOpacity=0.45))
    series = {"title": None, "sort": None}
    bars = (
        layer("walked")
        .mark_bar()
        .encode(
            x=x,
            y=y,
            xOffset=alt.XOffset("series:N", sort=None),
            color=alt.Color("series:N", scale=alt.Scale(range=colors[:2]), legend=alt.Legend(orient="top"), **series),
        )
    )
    words = (
        layer("walked")
        .mark_text(dy=-7, fontSize=12, color=PALETTE[theme]["text"])
        .encode(x=x, y=y, xOffset=alt.XOffset("series:N", sort=None), text="label:N")
    )
    return specification(alt.layer(bars, words).properties(height=210))


@each_once
def measured(kind: str, lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the cost of each minibatch: `kind` is ``seconds`` or ``memory``; table ``measured``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("minibatch:O", title=t("lesson.truncation.minibatch", lang), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y(
        "value:Q",
        title=t(f"lesson.truncation.{kind}", lang),
        scale=alt.Scale(zero=kind == "seconds"),
        axis=alt.Axis(tickCount=4, gridOpacity=0.45),
    )
    line = (
        layer("measured")
        .mark_line(color=colors["live"], strokeWidth=1.8, point={"size": 50, "filled": True})
        .encode(x=x, y=y)
    )
    words = layer("measured").mark_text(dy=-12, fontSize=12, color=colors["text"]).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(line, words).properties(height=210, padding=HEADROOM))


@each_once
def costs(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return bars of the milliseconds of each minibatch, table ``costs``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("minibatch:O", title=t("lesson.truncation.minibatch", lang), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y("value:Q", title=t("lesson.truncation.seconds", lang), axis=alt.Axis(tickCount=4, gridOpacity=0.45))
    bars = layer("costs").mark_bar(color=colors["live"], width={"band": 0.7}).encode(x=x, y=y)
    words = layer("costs").mark_text(dy=-9, fontSize=12, color=colors["text"]).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(bars, words).properties(height=260, padding=HEADROOM))


@each_once
def vectors(title: str, lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of vectors with a circle that is round at any width; tables ``arrows``, ``circle``, ``extent``.

    Args:
        title: key of the title in the catalogue.
        lang: the language.
        theme: "light" or "dark".
    """
    alt = altair()

    colors = PALETTE[theme]
    axis = alt.Axis(tickCount=5, gridOpacity=0.35)
    x = alt.X("x:Q", title=None, axis=axis, scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("y:Q", title=None, axis=axis, scale=alt.Scale(nice=False, zero=False))
    color = alt.Color(
        "kind:N", title=None, sort=None, scale=alt.Scale(range=[colors["rule"], colors["live"]]), legend=None
    )
    dash = alt.StrokeDash("kind:N", sort=None, scale=alt.Scale(range=[[5, 4], [1, 0]]), legend=None)
    extent = _equal_units(x, y)
    # labels are placed on the side away from the origin
    aside = {
        "align": alt.expr("datum.x < 0 ? 'right' : 'left'"),
        "dx": alt.expr("datum.x < 0 ? -9 : 9"),
        "dy": alt.expr("(datum.y < 0 ? 11 : -11) * (datum.side || 1)"),
        "fontSize": 12,
    }
    circle = (
        layer("circle")
        .mark_line(color=colors["book"], strokeWidth=1.4, strokeDash=[2, 3])
        .encode(x=x, y=y, order="order:Q")
    )
    circle_words = (
        layer("circle")
        .transform_filter("datum.label")
        .mark_text(**aside, color=colors["book"])
        .encode(x=x, y=y, text="label:N")
    )
    lines = (
        layer("arrows")
        .mark_line(strokeWidth=2.6)
        .encode(x=x, y=y, color=color, strokeDash=dash, detail="kind:N", order="order:Q")
    )
    heads = (
        layer("arrows")
        .transform_filter("datum.order > 0")
        .mark_point(size=70, filled=True, opacity=1)
        .encode(x=x, y=y, color=color)
    )
    words = (
        layer("arrows")
        .transform_filter("datum.order > 0")
        .mark_text(**aside)
        .encode(x=x, y=y, color=color, text="label:N")
    )
    return specification(
        alt.layer(extent, circle, circle_words, lines, heads, words).properties(
            height=300, title=alt.TitleParams(t(title, lang), anchor="start", fontSize=13)
        )
    )


def _equal_units(x: Any, y: Any) -> Any:
    """Return a layer that gives both axes equal units; the shorter side shows the ``reach`` in the table ``extent``."""
    return (
        layer("extent")
        .transform_calculate(
            x="datum.reach * width / min(width, height)", y="datum.reach * height / min(width, height)"
        )
        .mark_point(opacity=0, size=0)
        .encode(x=x, y=y)
    )


@each_once
def path(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of a state by time step, of two networks, with the gap between them; tables ``path``, ``gap``."""
    alt = altair()

    x = alt.X(
        "step:Q",
        title=t("lesson.cell.step", lang),
        scale=alt.Scale(nice=False),
        axis=alt.Axis(tickCount=6, format="d", grid=False),
    )
    y = alt.Y(
        "value:Q",
        title=t("lesson.cell.value", lang),
        scale=alt.Scale(nice=True),
        axis=alt.Axis(tickCount=5, gridOpacity=0.45),
    )
    legend = alt.Legend(orient="top", title=None, columns=2, symbolStrokeWidth=2, symbolOpacity=1)
    color = alt.Color("unit:N", sort=None, scale=alt.Scale(range=LAYER_COLORS[theme][:2]), legend=legend)
    # the words above the chart say what is dashed; a second legend would not fit on a phone
    dash = alt.StrokeDash("kind:N", sort=None, scale=alt.Scale(range=[[1, 0], [5, 4]]), legend=None)
    gaps = layer("gap").mark_area(opacity=0.18).encode(x=x, y=y, y2="idle:Q", color=color)
    lines = layer("path").mark_line(strokeWidth=2).encode(x=x, y=y, color=color, strokeDash=dash)
    points = (
        layer("path")
        .transform_filter(alt.datum.kind == t("lesson.cell.read", lang))
        .mark_point(size=34, filled=True, opacity=1)
        .encode(x=x, y=y, color=color)
    )
    return specification(alt.layer(gaps, lines, points).properties(height=300))


@each_once
def norms(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the gradient norm by layer for several runs; zeros are at the bottom; table ``norms``."""
    alt = altair()

    x = alt.X("layer:O", title=t("lesson.depth.layer", lang), axis=alt.Axis(labelAngle=0, grid=False))
    y = alt.Y(
        "value:Q",
        title=t("chart.grad_norm_log", lang),
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(labelExpr=power_label("datum.value"), tickCount=5, gridOpacity=0.45),
    )
    # no outline, as the dashes of the lines would break it up
    legend = alt.Legend(orient="top", title=None, columns=1, symbolStrokeWidth=0, labelLimit=300)
    series = by_series("run:N", theme, sort=None, legend=legend)
    lines = line("norms", 1.8, x=x, y=y, **series)
    points = (
        layer("norms")
        .mark_point(size=70, filled=True, opacity=1)
        .encode(
            x=x,
            y=y,
            color=series["color"],
            shape=alt.Shape("run:N", sort=None, scale=alt.Scale(range=SHAPES), legend=legend),
        )
    )
    words = layer("norms").mark_text(dy=-12, fontSize=12, color=PALETTE[theme]["text"]).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(lines, points, words).properties(height=260))


@each_once
def directions(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a picture of a window of text and which half has read which character; tables ``cells``, ``target``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("position:O", title=None, axis=None)
    y = alt.Y(
        "reader:N",
        title=None,
        sort=None,
        axis=alt.Axis(ticks=False, domain=False, labelFontSize=12, labelLimit=110, labelFlush=False),
    )
    frames = (
        layer("cells")
        .mark_rect(stroke=colors["rule"], strokeWidth=0.8, color=colors["live"])
        .encode(
            x=x,
            y=y,
            fillOpacity=alt.FillOpacity("read:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.28]), legend=None),
        )
    )
    target = layer("target").mark_rect(stroke=colors["book"], strokeWidth=2.6, filled=False).encode(x=x, y=y)
    words = layer("cells").mark_text(fontSize=16, color=colors["text"]).encode(x=x, y=y, text="label:N")
    return specification(alt.layer(frames, target, words).properties(height=156, padding=HEADROOM))


@each_once
def race(lang: str, theme: str = "light", names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a chart of perplexity by epoch of several runs on a log axis; tables: those of `tables.race`.

    Args:
        lang: the language.
        theme: "light" or "dark".
        names: the names of all runs that can be in the chart; the colour belongs to the name.
    """
    alt = altair()

    x = epoch_axis(lang, ticks=6)
    y = alt.Y(
        "value:Q",
        title=t("chart.perplexity_log", lang),
        scale=alt.Scale(type="log", nice=False, padding=10),
        axis=alt.Axis(values=log_ticks(), format="~s", labelOverlap="greedy", gridOpacity=0.45),
    )
    legend = alt.Legend(orient="top", title=None, columns=2, symbolType="stroke", symbolStrokeWidth=2, labelLimit=220)
    series = by_series("run:N", theme, names, sort=None, legend=legend)
    extent = corners(x=x, y=y)
    lines = line("race", 2, x=x, y=y, **series)
    words = (
        layer("ends")
        .mark_text(align="right", dx=-4, dy=alt.expr("datum.below ? 15 : -9"), fontSize=12)
        .encode(x=x, y=y, color=series["color"], text="label:N")
    )
    over = off_scale(x, series["color"], theme)
    return specification(alt.layer(extent, lines, words, *over).properties(height=280))


# tokens


def _log(field: str, title: str, **axis: Any) -> dict[str, Any]:
    """Return the arguments of a logarithmic axis with ticks at powers of ten."""
    alt = altair()

    return {
        "shorthand": field,
        "title": title,
        "scale": alt.Scale(type="log", nice=False, padding=10),
        "axis": alt.Axis(values=[10**power for power in range(7)], format="~s", gridOpacity=0.45, **axis),
    }


@each_once
def zipf(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of counts by rank on log-log axes; tables ``counts``, ``line`` and ``now``."""
    alt = altair()

    x = alt.X(**_log("rank:Q", t("lesson.tokens.rank", lang)))
    y = alt.Y(**_log("count:Q", t("lesson.sequence.count", lang)))
    legend = alt.Legend(orient="top", title=None, columns=3, symbolStrokeWidth=2)
    lines = line("counts", 2, x=x, y=y, **by_series("tokens:N", theme, sort=None, legend=legend))
    fitted = line("line", 1.2, x=x, y=y).mark_line(strokeWidth=1.2, color=PALETTE[theme]["rule"], clip=True)
    return specification(alt.layer(fitted, lines, *_chosen(x, y, theme)).properties(height=260))


def _chosen(x: Any, y: Any, theme: str, **text: Any) -> tuple[Any, Any]:
    """Return the layers of the table ``now``: the chosen point with its label."""
    colors = PALETTE[theme]
    place = {"align": "left", "dx": 9, "dy": -9, **text}
    return (
        layer("now").mark_point(size=150, strokeWidth=2.4, filled=False, color=colors["book"]).encode(x=x, y=y),
        layer("now").mark_text(fontSize=13, color=colors["text"], **place).encode(x=x, y=y, text="label:N"),
    )


@each_once
def coverage(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the share of a text that the k most frequent characters cover; tables ``share``, ``now``."""
    alt = altair()

    x = alt.X(**_log("k:Q", t("lesson.tokens.k", lang)))
    y = alt.Y(
        "share:Q",
        title=t("lesson.tokens.share", lang),
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5, gridOpacity=0.45),
    )
    curve = line("share", 2, x=x, y=y).mark_line(strokeWidth=2, color=PALETTE[theme]["live"])
    # near the top right corner there is room on the other side only
    place = {"align": "right", "dx": -9, "dy": -9}
    return specification(alt.layer(curve, *_chosen(x, y, theme, **place)).properties(height=260, padding=HEADROOM))


# k steps ahead


@each_once
def forecast(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of a series and its predictions by time step; tables ``series`` and ``border``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X(
        "step:Q",
        title=t("lesson.cell.step", lang),
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(tickCount=6, format="d", grid=False),
    )
    y = alt.Y("value:Q", title=t("lesson.cell.value", lang), axis=alt.Axis(tickCount=5, gridOpacity=0.45))
    legend = alt.Legend(orient="top", title=None, columns=3, symbolStrokeWidth=2.4, labelLimit=220)
    kind = {"sort": None, "legend": legend}
    lines = line(
        "series",
        1.8,
        x=x,
        y=y,
        color=alt.Color("kind:N", scale=alt.Scale(range=[colors["rule"], colors["live"], colors["book"]]), **kind),
        strokeDash=alt.StrokeDash("kind:N", scale=alt.Scale(range=[[1, 0], [1, 0], [6, 2]]), **kind),
    )
    border = layer("border").mark_rule(strokeDash=[3, 3], color=colors["mark"]).encode(x=x)
    words = (
        layer("border")
        .mark_text(align="right", dx=-6, fontSize=12, color=colors["mark"], y=8)
        .encode(x=x, text="label:N")
    )
    return specification(alt.layer(border, words, lines).properties(height=260))


@each_once
def errors(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the error of a prediction by k; tables ``errors``, ``levels`` and ``now``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X(
        "k:Q",
        title=t("lesson.k-steps.k", lang),
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(tickCount=8, format="d", grid=False),
    )
    y = alt.Y("error:Q", title=t("lesson.k-steps.error", lang), axis=alt.Axis(tickCount=4, gridOpacity=0.45))
    curve = line("errors", 2, x=x, y=y).mark_line(strokeWidth=2, color=colors["live"])
    levels = layer("levels").mark_rule(strokeDash=[5, 4], color=colors["rule"]).encode(y=y)
    words = (
        layer("levels")
        .mark_text(align="left", dy=alt.expr("datum.below ? 11 : -8"), fontSize=12, color=colors["text"], x=6)
        .encode(y=y, text="label:N")
    )
    place = {"align": "right", "dx": -9, "dy": -10}
    layers = (levels, words, curve, *_chosen(x, y, theme, **place))
    return specification(alt.layer(*layers).properties(height=240, padding=HEADROOM))


# powers of W_hh


@each_once
def eigenvalues(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a picture of eigenvalues and the unit circle; tables ``values``, ``circle`` and ``extent``."""
    alt = altair()

    colors = PALETTE[theme]
    axis = alt.Axis(tickCount=5, gridOpacity=0.35)
    x = alt.X("x:Q", title=t("lesson.powers.real", lang), axis=axis, scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("y:Q", title=t("lesson.powers.imaginary", lang), axis=axis, scale=alt.Scale(nice=False, zero=False))
    circle = (
        layer("circle")
        .mark_line(color=colors["book"], strokeWidth=1.6, strokeDash=[4, 3])
        .encode(x=x, y=y, order="order:Q")
    )
    values = (
        layer("values")
        .mark_point(size=44, filled=True, opacity=0.9)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "largest:Q", scale=alt.Scale(domain=[0, 1], range=[colors["rule"], colors["live"]]), legend=None
            ),
            size=alt.Size("largest:Q", scale=alt.Scale(domain=[0, 1], range=[36, 110]), legend=None),
        )
    )
    return specification(alt.layer(_equal_units(x, y), circle, values).properties(height=290, padding=HEADROOM))


@each_once
def powers(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a chart of the norms of products by number of steps back; tables ``norms``, ``border`` and ``now``."""
    alt = altair()

    x = alt.X(
        "step:Q",
        title=t("lesson.powers.steps", lang),
        scale=alt.Scale(nice=False),
        axis=alt.Axis(tickCount=6, format="d", grid=False),
    )
    y = alt.Y(
        "value:Q",
        title=t("lesson.powers.norm", lang),
        scale=alt.Scale(type="log", nice=False, padding=10),
        axis=alt.Axis(labelExpr=power_label("datum.value"), tickCount=5, gridOpacity=0.45),
    )
    legend = alt.Legend(orient="top", title=None, columns=3, symbolStrokeWidth=2)
    lines = line("norms", 2, x=x, y=y, **by_series("kind:N", theme, sort=None, legend=legend))
    border = layer("border").mark_rule(strokeDash=[3, 3], color=PALETTE[theme]["mark"]).encode(x=x)
    # above its curve, on the side where the curve is lower
    place = {
        "align": alt.expr("datum.value < 1 ? 'left' : 'right'"),
        "dx": alt.expr("datum.value < 1 ? 9 : -9"),
        "dy": -10,
    }
    return specification(alt.layer(border, lines, *_chosen(x, y, theme, **place)).properties(height=290))


# decoding


@each_once
def reshaped(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return bars of a distribution before (pale, wide) and after (dark, narrow) it is reshaped; table ``bars``."""
    alt = altair()

    colors = PALETTE[theme]
    y = alt.Y("rank:O", title=None, axis=None)
    x = alt.X("before:Q", title=t("lesson.decoding.p", lang), axis=alt.Axis(format="%", tickCount=5))
    before = layer("bars").mark_bar(color=colors["rule"], opacity=0.35, height={"band": 0.86}).encode(x=x, y=y)
    after = (
        layer("bars")
        .mark_bar(color=colors["live"], height={"band": 0.42})
        .encode(x=alt.X("after:Q", title=t("lesson.decoding.p", lang)), y=y)
    )
    names = (
        layer("bars")
        .mark_text(align="right", dx=-8, fontSize=15, color=colors["text"], x=0)
        .encode(y=y, text="character:N")
    )
    words = (
        layer("bars")
        .mark_text(align="left", dx=6, fontSize=12, color=colors["text"])
        .encode(x=alt.X("end:Q"), y=y, text="label:N")
    )
    padding = {**HEADROOM, "left": 34, "right": 60}
    return specification(alt.layer(before, after, names, words).properties(height={"step": 25}, padding=padding))


@each_once
def beam(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return a picture of a beam search: the kept candidates by step; tables ``nodes``, ``links`` and ``extent``."""
    alt = altair()

    colors = PALETTE[theme]
    x = alt.X("step:Q", title=None, axis=None, scale=alt.Scale(nice=False, zero=False, padding=12))
    y = alt.Y("rank:Q", title=None, axis=None, scale=alt.Scale(reverse=True, nice=False, zero=False, padding=12))
    stroke = {
        "color": alt.Color(
            "best:Q", scale=alt.Scale(domain=[0, 1], range=[colors["rule"], colors["live"]]), legend=None
        ),
        "size": alt.Size("best:Q", scale=alt.Scale(domain=[0, 1], range=[1.2, 3]), legend=None),
    }
    links = layer("links").mark_rule(opacity=0.8).encode(x=x, x2="to:Q", y=y, y2="to_rank:Q", **stroke)
    # on a phone the 12 steps are so close that larger plates would hide the links between them
    plate = alt.expr("min(620, 0.45 * pow(width / 12, 2))")
    plates = layer("nodes").mark_point(size=plate, filled=True, opacity=1, color=colors["page"]).encode(x=x, y=y)
    names = (
        layer("nodes")
        .mark_text(fontSize=16)
        .encode(
            x=x,
            y=y,
            text="label:N",
            color=alt.Color(
                "best:Q", scale=alt.Scale(domain=[0, 1], range=[colors["text"], colors["live"]]), legend=None
            ),
        )
    )
    scores = (
        layer("nodes")
        .transform_filter("datum.score")
        .mark_text(fontSize=12, dx=16, align="left", color=colors["text"])
        .encode(x=x, y=y, text="score:N")
    )
    return specification(
        alt.layer(corners(x=x, y=y), links, plates, names, scores)
        .resolve_scale(color="independent", size="independent")
        .properties(height=240, padding=HEADROOM)
    )
