"""The parts that charts share: layers, axes, hover targets, colours and dashes of series."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from rnnlab.view.language.i18n import t
from rnnlab.view.page.style import LAYER_COLORS, LAYER_DASHES, PALETTE, altair

TICKS = [10**power for power in range(8)]
"""Ticks of a perplexity axis: decades."""

LABEL_WIDTH = 16
"""Maximum width of a label at the end of a curve, in columns; a Chinese character takes two."""

HEADROOM = {"left": 2, "right": 6, "top": 28, "bottom": 2}
"""Padding of a chart without a legend at the top, with space above the plot for the download menu."""


def log_ticks(decades: Sequence[float] = TICKS, finer: Sequence[float] = ()) -> Any:
    """Return the ticks of a logarithmic vertical axis: decades, or finer ones where it spans less than two.

    Args:
        decades: the decades that can be on the axis.
        finer: ticks of a short axis besides 1, 2 and 5 times each decade.
    """
    fine = sorted({*finer, *(base * decade for decade in decades for base in (1, 2, 5))})
    return altair().expr(f"domain('y')[1] > 100 * domain('y')[0] ? {[*decades]} : {fine}")


def power_label(value: str) -> str:
    """Return the expression that labels the tick `value` of a logarithmic axis, with 10⁻¹² instead of 1e-12.

    Args:
        value: an expression of the value.
    """
    exponent = f"round(log({value}) / LN10)"
    digits = "'⁰¹²³⁴⁵⁶⁷⁸⁹'"
    tens = f"floor(abs({exponent}) / 10)"
    raised = (
        f"'10' + ({exponent} < 0 ? '⁻' : '') + ({tens} > 0 ? substring({digits}, {tens}, {tens} + 1) : '')"
        f" + substring({digits}, abs({exponent}) % 10, abs({exponent}) % 10 + 1)"
    )
    plain = f"abs({exponent}) <= 3 || abs({value} / pow(10, {exponent}) - 1) > 1e-6"
    return f"{plain} ? format({value}, '~g') : {raised}"


def layer(table: str) -> Any:
    """Return a layer that draws the table `table`."""
    alt = altair()

    return alt.Chart(alt.NamedData(name=table))


def corners(**axes: Any) -> Any:
    """Return an invisible layer that stretches the axes to the corners in the table ``extent``."""
    return layer("extent").mark_point(opacity=0, size=0).encode(**axes)


def margin(width: int) -> Any:
    """Return an invisible layer that reserves `width` pixels right of the plot for labels, wherever these are.

    Vega adds a padding to the part of the labels that extends beyond the plot, so that the margin would count twice.
    """
    alt = altair()

    ends = {"x": alt.value(alt.expr("width")), "x2": alt.value(alt.expr(f"width + {width}")), "y": alt.value(0)}
    return layer("extent").mark_rule(strokeOpacity=0, clip=False).encode(**ends)


def epoch_axis(lang: str, ticks: int = 8) -> Any:
    """Return the axis of the epochs."""
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
        # padding for whole points at both ends: many curves end at 1, and one that overflows runs along the top
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(values=TICKS, format="~s", labelOverlap="greedy", gridOpacity=0.45),
    )


def line(table: str, width: float, **channels: Any) -> Any:
    """Return a line layer of the table `table`."""
    return layer(table).mark_line(strokeWidth=width).encode(**channels)


def targets(size: int, fields: Sequence[str], otherwise: Any = None, paint: str | None = None, **channels: Any) -> Any:
    """Return the points of the table ``targets``, the nearest of which is selected and shown by the pointer.

    Args:
        size: size of a point, in square pixels.
        fields: the fields that identify a point.
        otherwise: opacity of the points that are not selected, by default 0.
        paint: the colour of all points, if colour is not a channel.
        channels: arguments of `encode`.
    """
    alt = altair()

    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", fields=list(fields), empty=False
    )
    opacity = alt.when(hover).then(alt.value(1)).otherwise(alt.value(0) if otherwise is None else otherwise)
    mark = {"size": size, "filled": True, **({} if paint is None else {"color": paint})}
    return layer("targets").mark_point(**mark).encode(**channels, opacity=opacity).add_params(hover)


def by_series(field: str, theme: str, names: Sequence[str] = (), **options: Any) -> dict[str, Any]:
    """Return the channels that distinguish series by colour and by dash, so that colour is not needed.

    Args:
        field: the field with the name of the series.
        theme: ``"light"`` or ``"dark"``.
        names: the names of all series, which then keep their colours whichever of them have data, in any order.
        options: options of both channels, e.g. `sort` and `legend`.
    """
    alt = altair()

    domain = {"domain": list(names)} if names else {}
    return {
        "color": alt.Color(field, scale=alt.Scale(range=LAYER_COLORS[theme], **domain), **options),
        "strokeDash": alt.StrokeDash(field, scale=alt.Scale(range=LAYER_DASHES, **domain), **options),
    }


def off_scale(x: Any, color: Any, theme: str, right: str = "false") -> list[Any]:
    """Return the layers that draw the table ``off``: arrows at the top for values that the axis does not reach.

    Its columns are those of `x` and `color`, ``value`` (the top of the axis), ``label``, a text or "", and, if there
    are several labels, ``row``, as they are drawn below each other. Where the Vega expression `right` holds, the label
    ends at its arrow, as there is no room to its right.
    """
    alt = altair()

    at = {"x": x, "y": alt.Y("value:Q")}
    place: dict[str, Any] = {
        "align": alt.expr(f"{right} ? 'right' : 'left'"), "dx": alt.expr(f"{right} ? -8 : 8"),
        "baseline": "top", "dy": alt.expr("7 + 15 * (datum.row || 0)"), "fontSize": 12,
    }  # fmt: skip
    arrows = layer("off").mark_point(shape="triangle-up", filled=True, size=70, opacity=1).encode(**at, color=color)
    halo = layer("off").mark_text(**place, stroke=PALETTE[theme]["page"], strokeWidth=4).encode(**at, text="label:N")
    return [arrows, halo, layer("off").mark_text(**place).encode(**at, text="label:N", color=color)]


def cut(text: str, width: int = LABEL_WIDTH) -> str:
    """Return `text`, cut off if it is wider than `width` columns."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def columns(text: str) -> int:
    """Return the width of `text`: two columns for a Chinese character, one for any other."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
