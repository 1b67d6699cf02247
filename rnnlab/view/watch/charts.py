"""The charts of a training run: perplexity, gradient norms, clipping."""

from __future__ import annotations

from typing import Any

from rnnlab.view.data.once import each_once
from rnnlab.view.language.i18n import t
from rnnlab.view.page.charts import corners, epoch_axis, layer, line, off_scale, perplexity_axis, power_label, targets
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, MOVE, PALETTE, ZOOM, altair, specification
from rnnlab.view.watch.tables import RIGHT_OF

# dash patterns of the uniform, unigram, bigram and trigram lines, so that colour is not needed to distinguish them
RUNG_DASHES = [[1, 3], [2, 4], [6, 4], [10, 4]]

TABLES = (
    "curve", "head", "targets", "off", "minibatches", "changes", "published", "ladder", "extent", "now",
    "held_out", "best", "names",
)  # fmt: skip
GRADIENT_TABLES = ("layers", "threshold", "extent")
CLIPPED_TABLES = ("clipped", "extent")


@each_once
def perplexity_curve(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the live curve: perplexity by epoch on a log axis, published points, the n-gram ladder, the marker.

    The tables are `TABLES`.
    """
    alt = altair()

    colors = PALETTE[theme]
    x = epoch_axis(lang)
    y = perplexity_axis(lang)
    tips = [
        alt.Tooltip("epoch:Q", title=t("chart.epoch", lang), format=".4~f"),
        alt.Tooltip("shown:N", title=t("chart.perplexity", lang)),
    ]

    # invisible corners: the axes cover the whole run from the start, and grow when the run is continued
    extent = corners(x=x, y=y)
    rules = (
        layer("ladder")
        .mark_rule(color=colors["rule"], strokeWidth=1)
        .encode(
            y=y,
            strokeDash=alt.StrokeDash("order:O", scale=alt.Scale(domain=[0, 1, 2, 3], range=RUNG_DASHES), legend=None),
        )
    )
    # mostly at the right edge, where a falling curve leaves room, on a halo that keeps them readable where it does not;
    # above the points of a network that learned nothing, which lie on the line; on a phone as far right as possible
    rule_label: dict[str, Any] = {
        "align": alt.expr("datum.side"), "baseline": "bottom", "dy": -6, "fontSize": 13,
        "dx": alt.expr("datum.side == 'left' ? 4 : width < 420 ? 4 : -4"),
    }  # fmt: skip
    at_edge = {"x": x, "y": y, "text": "label:N"}
    halo = {"stroke": colors["page"], "strokeWidth": 4, "strokeJoin": "round", "opacity": 0.9}
    rule_halos = layer("names").mark_text(**rule_label, **halo).encode(**at_edge)
    rule_labels = layer("names").mark_text(**rule_label, color=colors["text"]).encode(**at_edge)
    grains = layer("minibatches").mark_circle(size=8, opacity=0.22, color=colors["live"]).encode(x=x, y=y)
    curve = layer("curve").mark_line(strokeWidth=2.2, color=colors["live"], interpolate="linear").encode(x=x, y=y)
    # a line with a single point is invisible; drawn above the halos of the labels
    head = layer("head").mark_circle(size=42, opacity=1, color=colors["live"]).encode(x=x, y=y)
    series = alt.Color(
        "series:N", scale=alt.Scale(domain=["curve", "held_out"], range=[colors["live"], colors["mark"]]), legend=None
    )
    published = (
        layer("published")
        .mark_point(shape="circle", size=64, strokeWidth=1.8, color=colors["book"], fill=colors["book"])
        .encode(
            x=x,
            y=y,
            fillOpacity=alt.FillOpacity("fill:Q", scale=None),
            tooltip=[
                alt.Tooltip("epoch:Q", title=t("chart.epoch", lang)),
                alt.Tooltip("shown:N", title=t("chart.published", lang)),
            ],
        )
    )
    # far enough from the point that a curve which falls above it passes between both
    published_place: dict[str, Any] = {
        "align": alt.expr("datum.epoch > 0.5 * domain('x')[1] ? 'right' : 'left'"),
        "baseline": "bottom",
        "dx": alt.expr("datum.epoch > 0.5 * domain('x')[1] ? -9 : 18"),
        "dy": -8,
        "fontSize": 13,
        # on a phone only the first part of a label that stands left of the labels of the lines
        "text": alt.expr(
            "width >= 420 ? datum.label : datum.epoch > 0.5 * domain('x')[1] ? ''"
            " : split(datum.label, regexp(',|（'))[0]"
        ),
    }
    published_halos = layer("published").mark_text(**published_place, **halo).encode(x=x, y=y)
    published_labels = layer("published").mark_text(**published_place, color=colors["book"]).encode(x=x, y=y)
    # the perplexity on held-out text; its lowest point has a label
    held_out = (
        layer("held_out")
        .mark_line(
            strokeWidth=1.6, strokeDash=[5, 3], color=colors["mark"], point={"size": 14, "color": colors["mark"]}
        )
        .encode(x=x, y=y, tooltip=[tips[0], alt.Tooltip("shown:N", title=t("chart.held_out", lang))])
    )
    best = (
        layer("best")
        .mark_point(shape="diamond", size=70, filled=True, opacity=1, color=colors["mark"])
        .encode(x=x, y=y, tooltip=[tips[0], alt.Tooltip("shown:N", title=t("chart.held_out_best", lang))])
    )
    best_room = layer("best").mark_point(opacity=0, size=0).encode(x=x, y=alt.Y("room:Q"))
    best_place: dict[str, Any] = {
        "align": alt.expr(f"datum.epoch > {RIGHT_OF} * domain('x')[1] ? 'right' : 'left'"),
        "baseline": alt.expr("datum.above ? 'bottom' : 'top'"),
        "dy": alt.expr("datum.above ? -8 : 8"), "fontSize": 13,
    }  # fmt: skip
    # on a phone only the number, as there is no room for the sentence
    best_place["text"] = alt.expr("width < 420 ? datum.shown : datum.label")
    best_halos = layer("best").mark_text(**best_place, **halo).encode(x=x, y=alt.Y("place:Q"))
    best_labels = layer("best").mark_text(**best_place, color=colors["mark"]).encode(x=x, y=alt.Y("place:Q"))
    changes = layer("changes").mark_rule(color=colors["mark"], strokeDash=[4, 3], strokeWidth=1.2).encode(x=x)
    change_labels = (
        layer("changes")
        .mark_text(
            align="left", baseline="bottom", dx=4, dy=alt.expr("-16 * datum.row - 4"), fontSize=13, color=colors["mark"]
        )
        .encode(x=x, y=alt.value("height"), text="label:N")
    )
    now_rule = layer("now").mark_rule(color=colors["live"], strokeWidth=1, opacity=0.45).encode(x=x)
    now = (
        layer("now")
        .mark_point(shape="circle", size=110, strokeWidth=2.2, filled=False, color=colors["live"])
        .encode(x=x, y=y)
    )
    points = targets(50, ["epoch"], paint=colors["live"], x=x, y=y, tooltip=tips)
    zoom = alt.selection_interval(name="zoom", bind="scales", zoom=ZOOM, translate=MOVE)
    chart = alt.layer(
        extent.add_params(zoom),
        rules,
        grains,
        curve,
        held_out,
        *off_scale(x, series, theme, right="datum.epoch > 0.5 * domain('x')[1]"),
        changes,
        change_labels,
        now_rule,
        points,
        rule_halos,
        rule_labels,
        published_halos,
        published,
        published_labels,
        best_room,
        best,
        best_halos,
        best_labels,
        head,
        now,
    ).properties(height=380)
    return specification(chart)


@each_once
def gradient_curve(lang: str, theme: str = "light", names: int = 3) -> dict[str, Any]:
    """Return the gradient norm by layer and epoch, with the threshold θ; the tables are `GRADIENT_TABLES`.

    Args:
        lang: the language.
        theme: "light" or "dark".
        names: number of lines; each further row of the legend makes the chart higher.
    """
    alt = altair()

    x = epoch_axis(lang)
    y = alt.Y(
        "value:Q",
        title=t("chart.grad_norm_log", lang),
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(labelExpr=power_label("datum.value"), tickCount=4, gridOpacity=0.45),
    )
    order = [
        t("chart.all_layers", lang),
        *(t("chart.layer", lang, number=i) for i in range(1, 9)),
        t("chart.output_layer", lang),
        t("chart.all_layers_clipped", lang),
    ]
    lines = line(
        "layers",
        1.6,
        x=x,
        y=y,
        color=alt.Color(
            "layer:N",
            title=None,
            sort=order,
            scale=alt.Scale(range=LAYER_COLORS[theme]),
            legend=alt.Legend(orient="top", columns=3, symbolStrokeWidth=2),  # more columns are cut off on a phone
        ),
        strokeDash=alt.StrokeDash("layer:N", title=None, sort=order, scale=alt.Scale(range=LAYER_DASHES)),
        tooltip=[
            alt.Tooltip("epoch:Q", title=t("chart.epoch", lang)),
            alt.Tooltip("layer:N", title=t("chart.layer_title", lang)),
            alt.Tooltip("value:Q", title=t("chart.grad_norm", lang), format=".3~g"),
            alt.Tooltip("after:N", title=t("chart.grad_norm_clipped", lang)),
        ],
    )
    threshold = (
        layer("threshold")
        .mark_line(strokeWidth=1.2, strokeDash=[2, 3], color=PALETTE[theme]["rule"])
        .encode(x=x, y=y, tooltip=[alt.Tooltip("shown:N", title="θ")])
    )
    return specification(
        alt.layer(corners(x=epoch_axis(lang)), lines, threshold).properties(height=200 + 40 * -(-names // 3))
    )


@each_once
def clipped_curve(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the share of the minibatches whose gradient was clipped, by epoch; the tables are `CLIPPED_TABLES`."""
    alt = altair()

    chart = (
        layer("clipped")
        .mark_area(
            interpolate="step",
            color=PALETTE[theme]["live"],
            fillOpacity=0.18,
            line={"color": PALETTE[theme]["live"], "strokeWidth": 1.6},
        )
        .encode(
            x=epoch_axis(lang),
            y=alt.Y(
                "value:Q",
                title=t("chart.clipped_share", lang),
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", tickCount=3, gridOpacity=0.45),
            ),
            tooltip=[
                alt.Tooltip("epoch:Q", title=t("chart.epoch", lang)),
                alt.Tooltip("shown:N", title=t("chart.clipped_share", lang)),
            ],
        )
    )
    return specification(alt.layer(corners(x=epoch_axis(lang)), chart).properties(height=240))
