"""Charts as files: Chinese characters, the colours of the light theme, and the same tables."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import charts as lesson_charts
from rnnlab.view.lessons import tables as lesson_tables
from rnnlab.view.lessons.compute import clipping
from rnnlab.view.page import pictures, style
from rnnlab.view.page.arrow import ipc
from rnnlab.view.watch import charts
from rnnlab.view.watch import tables as watch_tables
from tests.made import epoch

TABLES = {"points": ipc({"x": [1.0, 2.0], "y": [3.0, float("nan")], "z": ["=1+1", "困"]},
                        {"x": pa.float64(), "y": pa.float64(), "z": pa.string()})}  # fmt: skip


def titled(title: str) -> dict[str, Any]:
    x, y = ({"field": name, "type": "quantitative", "title": title} for name in "xy")
    return {"mark": "line", "data": {"name": "points"}, "encoding": {"x": x, "y": y}, "width": 200, "height": 60}


def needs_chinese() -> None:
    if not pictures.draws_chinese():
        pytest.skip("needs a Chinese font: install fonts-noto-cjk")


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use two characters that no font has."""
    pictures.draws_chinese.cache_clear()
    monkeypatch.setattr(pictures, "PROBE", ("\ue000", "\ue001"))
    yield
    pictures.draws_chinese.cache_clear()


def curve(theme: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The curve of a run of three epochs, with Chinese titles."""
    config = RECIPES["A6"].config
    history = History(epoch(number, 400.0 / number, clip_norm=None, clipped_share=0.0) for number in (1, 2, 3))
    tables = watch_tables.gradient_tables(history, "zh")
    tables |= watch_tables.curve_tables(history, 1027, "zh")
    tables |= watch_tables.reference_tables(config, {0: 1027.0, 1: 270.0}, (), (), True, "zh")
    return charts.perplexity_curve("zh", theme), {**tables, "now": watch_tables.now_table(history, 2, 1027)}


def test_a_png_of_a_chart_with_chinese_titles_has_no_boxes() -> None:
    needs_chinese()
    image, other = pictures.png(titled("困惑度"), TABLES), pictures.png(titled("时间步"), TABLES)
    boxes = pictures.png(titled("\ue000\ue001\ue002"), TABLES)
    assert image.startswith(b"\x89PNG")
    assert image == pictures.png(titled("困惑度"), TABLES)
    assert len({image, other, boxes}) == 3


def test_an_svg_keeps_its_text() -> None:
    text = pictures.svg(titled("困惑度"), TABLES, "困惑度从 3 开始").decode("utf-8")
    words = [element.text for element in ElementTree.fromstring(text).iter() if element.tag.endswith("text")]
    assert words.count("困惑度") == 2
    assert "Noto Sans CJK SC" in text


@pytest.mark.parametrize("width", [300, 640])
def test_the_circle_of_the_clipping_lesson_is_round_at_every_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "WIDTH", width)
    tables = lesson_tables.gradient(clipping.clip((3.0, -2.0), 2.0, 0.5), "en")
    text = pictures.svg(lesson_charts.vectors("lesson.clipping.before", "en"), tables).decode("utf-8")
    (circle,) = (part for part in ElementTree.fromstring(text).iter() if part.get("stroke-dasharray") == "2,3")
    points = np.array(re.findall(r"(-?[\d.]+),(-?[\d.]+)", str(circle.get("d"))), dtype=float)
    across, upwards = np.ptp(points, axis=0)
    assert upwards > 80
    assert across == pytest.approx(upwards, rel=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curve_of_a_run_is_drawn_in_the_light_theme(theme: str) -> None:
    spec, tables = curve(theme)
    before = json.dumps(spec)
    text = pictures.svg(spec, tables).decode("utf-8")
    assert t("chart.perplexity_log", "zh") in text
    for light, dark in zip(style.PALETTE["light"].values(), style.PALETTE["dark"].values(), strict=True):
        if dark in before:
            assert dark not in text
        if light in json.dumps(charts.perplexity_curve("zh", "light")) and light == style.PALETTE["light"]["live"]:
            assert light in text
    assert 'fill="white"' in text
    assert json.dumps(spec) == before, "the specification is shared with the page"


def test_every_chart_of_a_run_can_be_a_picture() -> None:
    _, tables = curve("light")
    for spec in (charts.gradient_curve("zh", "dark"), charts.clipped_curve("zh", "dark")):
        text = pictures.svg(spec, tables).decode("utf-8")
        assert t("chart.epoch", "zh") in text
        assert not any(color in text for color in style.LAYER_COLORS["dark"])


@pytest.mark.usefixtures("no_font")
def test_where_there_is_no_chinese_font_the_png_says_so() -> None:
    assert not pictures.draws_chinese()
    with pytest.raises(RunError) as caught:
        pictures.png(titled("困惑度"), TABLES)
    assert caught.value.code == "picture_no_font"
    assert "困惑度" in pictures.svg(titled("困惑度"), TABLES).decode("utf-8")
    plain = {"points": ipc({"x": [1.0], "y": [2.0]}, {"x": pa.float64(), "y": pa.float64()})}
    assert pictures.png(titled("perplexity"), plain)


def test_the_tables_as_files() -> None:
    read = list(csv.DictReader(io.StringIO(pictures.as_csv(TABLES).decode("utf-8-sig"))))
    assert read == [
        {"table": "points", "x": "1.0", "y": "3.0", "z": "'=1+1"},  # not a formula
        {"table": "points", "x": "2.0", "y": "", "z": "困"},
    ]
    data = json.loads(pictures.as_json(TABLES, "it rises"))
    assert data == {
        "shows": "it rises",
        "tables": {"points": [{"x": 1.0, "y": 3.0, "z": "=1+1"}, {"x": 2.0, "y": None, "z": "困"}]},
    }


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(RunError) as caught:
        pictures.png({"mark": "no such mark"}, {})
    assert caught.value.code == "picture_failed"


def test_the_server_never_loads_the_renderer() -> None:
    code = (
        "import sys; from rnnlab.view.page import pictures; pictures.svg({'mark': 'point', 'encoding': {}}, {});"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "vl_convert" not in loaded
    assert "altair" not in loaded
