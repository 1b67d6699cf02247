"""The wall of a room: all curves over each other, with the guesses as bars at the bottom."""

from __future__ import annotations

from typing import Any

from rnnlab.view.data.once import each_once
from rnnlab.view.language.i18n import t
from rnnlab.view.page.charts import corners, epoch_axis, layer, margin, perplexity_axis
from rnnlab.view.page.style import LAYER_COLORS, MOVE, PALETTE, ZOOM, altair, specification

SLOTS = list(range(6))
HEIGHT = 420
NAMES = 90
"""Room for the names at the ends of the curves, in pixels."""


@each_once
def wall(lang: str, theme: str = "light") -> dict[str, Any]:
    """Return the curves of a room on one log axis; the tables are `tables.WALL`."""
    alt = altair()

    colors = PALETTE[theme]
    x, y = epoch_axis(lang), perplexity_axis(lang)
    color = alt.Color("slot:N", scale=alt.Scale(domain=SLOTS, range=LAYER_COLORS[theme][:6]), legend=None)
    rules = layer("ladder").mark_rule(color=colors["rule"], strokeWidth=1, strokeDash=[6, 4]).encode(y=y)
    label: dict[str, Any] = {"align": "right", "baseline": "bottom", "dx": -4, "dy": -3, "fontSize": 13}
    at_edge = {"x": alt.X("end:Q"), "y": y, "text": "label:N"}
    halo = layer("ladder").mark_text(**label, stroke=colors["page"], strokeWidth=4, opacity=0.9).encode(**at_edge)
    names = layer("ladder").mark_text(**label, color=colors["text"]).encode(**at_edge)
    lines = (
        layer("line")
        .mark_line(strokeWidth=1.8, opacity=0.85)
        .encode(
            x=x,
            y=y,
            color=color,
            detail="series:N",
            tooltip=[
                alt.Tooltip("name:N", title=t("room.who", lang)),
                alt.Tooltip("epoch:Q", title=t("chart.epoch", lang)),
                alt.Tooltip("shown:N", title=t("chart.perplexity", lang)),
            ],
        )
    )
    place: dict[str, Any] = {"align": "left", "baseline": "middle", "dx": 7, "fontSize": 13, "clip": False}
    # beside the curve, or as near as no other name is in the way
    place_y = y.copy()
    place_y.shorthand = "place:Q"
    at_end = {"x": x, "y": place_y, "text": "label:N"}
    dots = layer("ends").mark_circle(size=40, opacity=1).encode(x=x, y=y, color=color)
    end_halo = layer("ends").mark_text(**place, stroke=colors["page"], strokeWidth=4).encode(**at_end)
    end_names = layer("ends").mark_text(**place, fontWeight=600).encode(**at_end, color=color)
    zoom = alt.selection_interval(name="zoom", bind="scales", zoom=ZOOM, translate=MOVE)
    curves = [corners(x=x, y=y).add_params(zoom), margin(NAMES), rules, lines, halo, names, dots, end_halo, end_names]
    guessed = (
        layer("guesses")
        .mark_bar(color=colors["book"], opacity=0.35, binSpacing=1)
        .encode(
            x=x,
            x2="end:Q",
            y=y,
            y2=alt.datum(1),
            tooltip=[alt.Tooltip("shown:N", title=t("room.guesses", lang))],
        )
    )
    chart = alt.layer(guessed, *curves)
    padding = {"left": 5, "top": 8, "right": 0, "bottom": 5}
    return specification(chart.properties(height=HEIGHT, padding=padding))
