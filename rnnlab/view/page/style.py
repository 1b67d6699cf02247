"""The style that charts share: colours, dashes, zoom, and the conversion of a chart to a specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PALETTE = {
    "light": {
        "live": "#1F5FA6",
        "book": "#B4601A",
        "rule": "#8A8F98",
        "text": "#5B626D",
        "mark": "#7A4E9E",
        "page": "#FDFDFB",
        "ink": "#1E2530",
        "grid": "#E2E2DB",
    },
    "dark": {
        "live": "#6FA8E3",
        "book": "#E0985A",
        "rule": "#7A828D",
        "text": "#A4ACB7",
        "mark": "#B893DB",
        "page": "#14171C",
        "ink": "#E3E6EA",
        "grid": "#313741",
    },
}
LAYER_COLORS = {
    "light": ["#1F5FA6", "#B4601A", "#2E7D4F", "#7A4E9E", "#6B7280", "#B3372F", "#4A8B8B", "#9A7B1F", "#1E2530"],
    "dark": ["#6FA8E3", "#E0985A", "#6CBF8B", "#B893DB", "#9AA3AE", "#E5817A", "#7FBFBF", "#D0B45A", "#E3E6EA"],
}
LAYER_DASHES = [[1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [1, 3], [10, 3], [4, 1], [3, 5], [1, 1]]

# the wheel alone scrolls the page; with Ctrl (or a pinch on a trackpad) it zooms, and dragging moves
ZOOM = "wheel![event.ctrlKey]"
MOVE = "[mousedown, window:mouseup] > window:mousemove!"


def altair() -> Any:
    """Return the module Altair, imported at its first use."""
    # Altair uses pandas if it is in sys.modules, even while another thread is still importing it: finish that import
    import pandas  # noqa: F401, I001
    import altair

    return altair


def specification(chart: Any) -> dict[str, Any]:
    """Return a chart as a dictionary without data, in which tables are referred to by name.

    Screen readers read the `alt` of the chart; of its marks, only those that can be selected.
    """
    spec: dict[str, Any] = chart.to_dict()
    # Streamlit applies its own theme, and the tables are sent separately at each update
    for name in ("config", "datasets", "usermeta"):
        spec.pop(name, None)
    selecting = [param for param in spec.get("params", []) if param.get("select") and param.get("bind") != "scales"]
    _hide_marks(spec, {view for param in selecting for view in param.get("views", [])}, bool(selecting))
    return spec


def _hide_marks(spec: dict[str, Any], selectable: set[str], single: bool) -> None:
    # By default Vega exposes every mark to screen readers without a description; hundreds of cells do not help anybody.
    # `selectable` are the names of the layers with a selection; a chart of one layer has no name, so `single` is set.
    for part in ("layer", "hconcat", "vconcat", "concat"):
        for child in spec.get(part, []):
            _hide_marks(child, selectable, False)
    if isinstance(spec.get("spec"), dict):
        _hide_marks(spec["spec"], selectable, single)
    mark = spec.get("mark")
    if mark is not None and spec.get("name") not in selectable and not single:
        spec["mark"] = {"aria": False, **(mark if isinstance(mark, dict) else {"type": mark})}


FONT = (
    "'Source Sans', 'Helvetica Neue', 'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans SC',"
    " 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"
)
"""The font of the theme (`.streamlit/config.toml`); Vega measures texts and cannot take it from the page."""


def config(theme: str, factor: float = 1.0) -> dict[str, Any]:
    """Return the configuration of Vega for charts on a page, in the colours of `theme`, with all sizes by `factor`."""
    colors = PALETTE[theme]
    text = {"labelColor": colors["ink"], "titleColor": colors["ink"], "titleFontWeight": "normal"}
    small, medium = 13 * factor, 14 * factor
    return {
        "background": "transparent",
        "font": FONT,
        "padding": {"left": 2, "right": 6, "top": 6, "bottom": 2},
        "range": {"category": LAYER_COLORS[theme]},
        "axis": {
            **text,
            "labelFontSize": small,
            "titleFontSize": medium,
            "labelPadding": 8,
            "titlePadding": 10,
            "gridColor": colors["grid"],
            "domain": False,
            "ticks": False,
            "labelFlush": True,
            "labelLimit": 160,
            "labelOverlap": True,
        },
        "legend": {**text, "labelFontSize": small, "titleFontSize": medium, "padding": 4},
        "title": {"color": colors["ink"]},
        "header": {**text, "labelFontSize": small, "titleFontSize": medium},
        "view": {"stroke": None},
    }


def enlarged(spec: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Return a chart with its own font sizes multiplied by `factor`; all other sizes follow the page."""
    return {name: _enlarged(name, value, factor) for name, value in spec.items()}


def _enlarged(name: str, value: Any, factor: float) -> Any:
    if isinstance(value, Mapping):
        return enlarged(value, factor)
    if isinstance(value, list):
        return [_enlarged("", item, factor) for item in value]
    return value * factor if name.endswith("ontSize") and isinstance(value, int | float) else value


def ceiling(vocab_size: float) -> float:
    """Return the upper end of a perplexity axis: ten times the uniform perplexity. Larger values are drawn there."""
    return 10.0 * max(vocab_size, 2.0)


def axis_top(vocab_size: float, perplexities: Iterable[float | None]) -> float:
    """Return the upper end of the axis of several curves: just above the uniform perplexity.

    Args:
        vocab_size: the size of the vocabulary, which is the uniform perplexity.
        perplexities: those of all curves; None stands for ∞. If one is far above the uniform perplexity, the axis ends
            at `ceiling`.
    """
    just_above = 1.4 * vocab_size
    over = any(perplexity is None or perplexity > just_above for perplexity in perplexities)
    return ceiling(vocab_size) if over else just_above


LARGER = 1.25
"""Factor of the font size in projector mode."""
