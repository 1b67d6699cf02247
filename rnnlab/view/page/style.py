"""What all charts share: colours, dashes, zoom, and how a chart becomes a specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PALETTE = {
    "light": {
        "live": "#1F5FA6",
        "book": "#B4601A",
        "rule": "#8A8F98",
        "text": "#5B626D",
        "mark": "#7A4E9E",
        "page": "#FDFDFB",
    },
    "dark": {
        "live": "#6FA8E3",
        "book": "#E0985A",
        "rule": "#7A828D",
        "text": "#A4ACB7",
        "mark": "#B893DB",
        "page": "#14171C",
    },
}
LAYER_COLORS = {
    "light": ["#1F5FA6", "#B4601A", "#2E7D4F", "#7A4E9E", "#6B7280", "#B3372F", "#4A8B8B", "#9A7B1F", "#1E2530"],
    "dark": ["#6FA8E3", "#E0985A", "#6CBF8B", "#B893DB", "#9AA3AE", "#E5817A", "#7FBFBF", "#D0B45A", "#E3E6EA"],
}
LAYER_DASHES = [[1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [1, 3], [10, 3], [4, 1], [3, 5], [1, 1]]

# a plain wheel scrolls the page; with Ctrl (a pinch on a trackpad) it zooms, and a drag of the mouse moves
ZOOM = "wheel![event.ctrlKey]"
MOVE = "[mousedown, window:mouseup] > window:mousemove!"


def altair() -> Any:
    """Return Altair, loaded at its first use."""
    # Altair looks whether pandas is loaded, and would use what another session has only begun to load: wait for that
    import pandas  # noqa: F401, I001
    import altair

    return altair


def specification(chart: Any) -> dict[str, Any]:
    """Return a chart as plain data that holds nothing of a run and names its tables.

    The chart as a whole is read aloud by its `alt`; of its marks only those are that a pointer selects.
    """
    spec: dict[str, Any] = chart.to_dict()
    # Streamlit brings its own theme, and the tables come with each tick
    for name in ("config", "datasets", "usermeta"):
        spec.pop(name, None)
    selecting = [one for one in spec.get("params", []) if one.get("select") and one.get("bind") != "scales"]
    _hush(spec, {view for one in selecting for view in one.get("views", [])}, bool(selecting))
    return spec


def _hush(spec: dict[str, Any], spoken: set[str], alone: bool) -> None:
    # Vega announces every mark, also the empty ones, without words; hundreds of cells one by one help nobody.
    # `spoken` names the layers that a pointer selects from; a chart of one layer is not named, only `alone`
    for part in ("layer", "hconcat", "vconcat", "concat"):
        for one in spec.get(part, []):
            _hush(one, spoken, False)
    if isinstance(spec.get("spec"), dict):
        _hush(spec["spec"], spoken, alone)
    mark = spec.get("mark")
    if mark is not None and spec.get("name") not in spoken and not alone:
        spec["mark"] = {"aria": False, **(mark if isinstance(mark, dict) else {"type": mark})}


def enlarged(spec: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Return a chart whose own sizes of type are `factor` times as large; all others follow the page's."""
    return {name: _enlarged(name, value, factor) for name, value in spec.items()}


def _enlarged(name: str, value: Any, factor: float) -> Any:
    if isinstance(value, Mapping):
        return enlarged(value, factor)
    if isinstance(value, list):
        return [_enlarged("", one, factor) for one in value]
    return value * factor if name.endswith("ontSize") and isinstance(value, int | float) else value


def ceiling(vocab_size: float) -> float:
    """Return the perplexity at which the axis ends: ten times blind guessing; more is drawn there, labelled."""
    return 10.0 * max(vocab_size, 2.0)


LARGER = 1.25
"""How much larger the type is in projector mode."""
