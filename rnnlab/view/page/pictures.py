"""Charts as files: PNG and SVG on white, the tables as CSV and JSON.

``python -m rnnlab.view.page.pictures`` draws a picture in a process of its own: the renderer takes 70 MB, and its
first picture would block the server for most of a second.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa

from rnnlab.errors import RunError
from rnnlab.runs.process import command, worker_environment
from rnnlab.view.page import style

FONTS = (
    "'Source Sans 3', 'Source Sans Pro', 'Helvetica Neue', 'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC',"
    " 'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'WenQuanYi Micro Hei', 'Droid Sans Fallback',"
    " 'DejaVu Sans', sans-serif"
)
"""Font family of exported charts: a Latin font, then the Chinese fonts that the machine may have."""
SCALE = 2.0
WIDTH = 640
TIMEOUT = 60.0  # seconds for one picture
PROBE = ("困", "惑")
"""Two characters that look different in any Chinese font."""

Tables = Mapping[str, bytes]

_CHINESE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef\U00020000-\U0003ffff]")
_CONFIG = {
    "background": "white",
    "font": FONTS,
    "padding": 12,
    "axis": {
        "labelColor": "#1E2530",
        "titleColor": "#1E2530",
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 12,
        "gridColor": "#E2E2DB",
        "domain": False,
        "ticks": False,
    },
    "legend": {"labelColor": "#1E2530", "titleColor": "#1E2530", "titleFontWeight": "normal"},
    "header": {"labelColor": "#1E2530", "titleColor": "#1E2530", "titleFontWeight": "normal"},
    "title": {"color": "#1E2530", "fontWeight": "normal"},
    "view": {"stroke": None},
}


def rows(table: bytes) -> list[dict[str, Any]]:
    """Return the rows of a table given as Arrow bytes; values that are not finite become None."""
    with pa.ipc.open_stream(table) as reader:
        read: list[dict[str, Any]] = reader.read_all().to_pylist()
    return [{name: _finite(value) for name, value in row.items()} for row in read]


@lru_cache(maxsize=256)  # all viewers of a run get the same tables
def columns(table: bytes) -> str:
    """Return the columns of a table given as Arrow bytes, as JSON; values that are not finite become null."""
    with pa.ipc.open_stream(table) as reader:
        read: dict[str, list[Any]] = reader.read_all().to_pydict()
    finite = {name: [_finite(value) for value in column] for name, column in read.items()}
    return json.dumps(finite, ensure_ascii=False, separators=(",", ":"))


def as_csv(tables: Tables) -> bytes:
    """Return the tables of a chart as one CSV file; the column ``table`` has the name of the table."""
    data = {name: rows(table) for name, table in tables.items()}
    columns = list(dict.fromkeys(column for table in data.values() for row in table for column in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["table", *columns], restval="", lineterminator="\n")
    writer.writeheader()
    for name, table in data.items():
        for row in table:
            writer.writerow({"table": name} | {column: cell(value) for column, value in row.items()})
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")  # without this mark spreadsheets assume a Latin encoding


def as_json(tables: Tables, finding: str = "") -> bytes:
    """Return the tables of a chart as JSON, with the chart's description."""
    data = {"shows": finding, "tables": {name: rows(table) for name, table in tables.items()}}
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8")


def png(spec: Mapping[str, Any], tables: Tables, finding: str = "") -> bytes:
    """Return a chart as PNG at twice its size on the page.

    Raises:
        RunError: ``picture_no_font`` if the chart contains Chinese and this machine has no Chinese font, or
            ``picture_failed``.
    """
    chart = complete(spec, tables, finding)
    if _CHINESE.search(json.dumps(chart, ensure_ascii=False)) and not draws_chinese():
        raise RunError("picture_no_font", "The server has no Chinese font to draw a PNG with; the SVG needs none.")
    return _draw({"kind": "png", "spec": chart})


def svg(spec: Mapping[str, Any], tables: Tables, finding: str = "") -> bytes:
    """Return a chart as SVG with real text.

    Raises:
        RunError: ``picture_failed``.
    """
    return _draw({"kind": "svg", "spec": complete(spec, tables, finding)})


@cache
def draws_chinese() -> bool:
    """Return whether this machine has a Chinese font: without one, all characters are drawn as the same box."""
    first, second = (_draw({"kind": "text", "text": character}) for character in PROBE)
    return first != second


def complete(spec: Mapping[str, Any], tables: Tables, finding: str = "") -> dict[str, Any]:
    """Return a self-contained chart: with data, a width, and the colours of the light theme on white."""
    chart: dict[str, Any] = _light(dict(spec))
    _set_width(chart, WIDTH)
    chart["datasets"] = {name: rows(table) for name, table in tables.items()}
    chart["config"] = _CONFIG
    if finding:
        chart["description"] = finding
    return chart


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cell(value: Any) -> Any:
    """Return a value for a CSV file; texts that a spreadsheet would read as formulas are quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


@cache
def _light_colors() -> dict[str, str]:
    """Return the map from each colour of the dark theme to the corresponding colour of the light theme."""
    pairs: dict[str, str] = {}
    for palette in vars(style).values():
        if isinstance(palette, dict) and {"light", "dark"} <= set(palette):
            light, dark = palette["light"], palette["dark"]
            names = list(light) if isinstance(light, dict) else range(min(len(light), len(dark)))
            pairs |= {str(dark[name]).lower(): str(light[name]) for name in names}
    return pairs


def _light(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _light(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_light(value) for value in part]
    return _light_colors().get(part.lower(), part) if isinstance(part, str) else part


def _set_width(chart: dict[str, Any], width: int) -> None:
    for name in ("hconcat", "concat", "vconcat"):
        for part in chart.get(name, ()):
            _set_width(part, width if name == "vconcat" else width // max(1, len(chart[name])))
    if "spec" in chart and ("facet" in chart or "repeat" in chart):
        _set_width(chart["spec"], width // 3)
    elif ("mark" in chart or "layer" in chart) and chart.get("width", "container") == "container":
        chart["width"] = width
    chart.pop("autosize", None)


def _draw(order: Mapping[str, Any]) -> bytes:
    try:
        done = subprocess.run(
            command("rnnlab.view.page.pictures"),
            input=json.dumps(order).encode("utf-8"),
            capture_output=True,
            env=worker_environment(),
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        stderr = getattr(error, "stderr", None) or b""
        reason = (stderr.decode("utf-8", "replace").strip().splitlines() or [type(error).__name__])[-1][:200]
        raise RunError("picture_failed", f"The picture could not be drawn: {reason}.", reason=reason) from error
    return done.stdout


def _answer(order: Mapping[str, Any]) -> bytes:
    import vl_convert

    if order["kind"] == "text":
        picture = f'<text x="8" y="40" font-size="32" font-family="{FONTS}">{order["text"]}</text>'
        document = f'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{picture}</svg>'
        return bytes(vl_convert.svg_to_png(document))
    if order["kind"] == "svg":
        document = vl_convert.vegalite_to_svg(order["spec"], allowed_base_urls=[])
        return str(document).encode("utf-8")
    return bytes(vl_convert.vegalite_to_png(order["spec"], scale=SCALE, allowed_base_urls=[]))


def main() -> None:
    """Draw the picture requested on standard input, and write it to standard output."""
    sys.stdout.buffer.write(_answer(json.loads(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
