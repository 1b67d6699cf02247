"""The wall's tables, the sentences about guesses, and the files of a room."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pyarrow as pa
import pytest

from rnnlab.config import TrainConfig
from rnnlab.runs.rooms import QUESTIONS, Guess, Question, Room
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import LANGUAGES, t, together
from rnnlab.view.page.style import axis_top, ceiling
from rnnlab.view.room import charts, files, sentences, tables
from tests.made import epoch, started

LADDER = {0: 1000.0, 1: 270.0, 2: 8.0}
NAMES = {"a": "Ann", "b": "Bob", "c": "Cy"}


def history(*perplexities: float | None) -> History:
    return History([started(), *(epoch(number, value) for number, value in enumerate(perplexities, 1))])


def guesses(**values: str) -> list[Guess]:
    return [Guess(1, visitor, value) for visitor, value in values.items()]


def said(
    kind: str, made: list[Guess], run: History, ended: bool, lang: str = "en", cut_short: bool = False
) -> sentences.Result:
    question = Question(1, kind, "run")  # type: ignore[arg-type]
    return sentences.result(question, made, NAMES, run, LADDER, ended, lang, cut_short)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_nearest_guesses_are_named_when_the_line_is_crossed(lang: str) -> None:
    made = guesses(a="2", b="9", c="never")
    early = said("crossing", made, history(900.0, 20.0), False, lang)
    assert not early.known
    assert t("room.result.not_yet", lang, epoch=2) in early.text
    result = said("crossing", made, history(900.0, 20.0, 7.0), False, lang)
    assert result.known
    assert result.text == together(
        lang,
        t("room.result.crossed", lang, epoch=3),
        t("room.result.nearest", lang, names="Ann"),
        t("room.result.middle", lang, epoch=6),
    )
    tie = said("crossing", guesses(a="2", b="4"), history(900.0, 20.0, 7.0), True, lang)
    assert t("room.result.nearest", lang, names=t("list.join", lang).join(["Ann", "Bob"])) in tie.text


def test_whoever_said_never_is_right_where_it_is_so() -> None:
    result = said("crossing", guesses(a="2", c="never"), history(900.0, None), True)
    assert result.known
    assert t("room.result.never", "en", epochs=2) in result.text
    assert t("room.result.right", "en", names="Cy") in result.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_many_are_counted_instead_of_named(lang: str) -> None:
    never = said("crossing", guesses(a="never", b="never", c="never", d="never"), history(900.0), True, lang)
    assert t("room.result.right_many", lang, count=4) in never.text
    near = said("crossing", guesses(a="2", b="2", c="2", d="2"), history(900.0, 20.0, 7.0), True, lang)
    assert t("room.result.nearest_many", lang, count=4) in near.text


def test_learning_is_more_than_frequencies() -> None:
    made = guesses(a="yes", b="no", c="no")
    assert not said("learns", made, history(900.0, 268.0), False).known
    stuck = said("learns", made, history(900.0, 268.0), True)
    assert t("room.result.learns_not", "en", epoch=2) in stuck.text
    assert t("room.result.votes", "en", yes=1, no=2) in stuck.text
    assert t("room.result.learns", "en", epoch=3) in said("learns", made, history(900.0, 268.0, 200.0), False).text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_run_without_a_finished_epoch_says_so(kind: str, lang: str) -> None:
    waiting = said(kind, guesses(a="2"), history(), False, lang)
    assert waiting == (t("room.result.begins", lang), False)


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_run_that_was_stopped_decides_only_what_has_happened(kind: str) -> None:
    made = guesses(a="yes", b="no", c="never")
    run = history(900.0, 268.0)
    run.texts[1] = {"the": "the sea"}
    stopped = said(kind, made, run, True, cut_short=True)
    assert stopped == (t("room.result.cut_short", "en", epoch=2), True)
    low = said(kind, made, history(900.0, 7.0), True, cut_short=True)
    happened = {"crossing": t("room.result.crossed", "en", epoch=2), "learns": t("room.result.learns", "en", epoch=2)}
    assert low.text.startswith(happened.get(kind, t("room.result.cut_short", "en", epoch=2)))


def test_the_wall_ends_above_the_curves_and_grows_when_one_overflows() -> None:
    def top(*perplexities: float | None) -> float:
        return axis_top(LADDER[0], perplexities)

    assert top() == top(900.0, 20.0) == pytest.approx(1400.0)
    assert top(900.0, None) == top(1500.0) == ceiling(LADDER[0])
    # every point brings the corners of the chart, as the point of another run may have moved them
    moved = tables.newest([tables.Line("r", "Ann", history(900.0, None))], top(900.0, None), 50.0)
    assert moved["extent"]["value"] == [1.0, ceiling(LADDER[0])]
    assert moved["extent"]["epoch"][1] > 50.0


def test_the_text_that_is_most_alike_is_nearest() -> None:
    run = history(50.0)
    run.texts[1] = {"the": "the sea the sea"}
    made = guesses(a="the sea", b="the cat", c="xxx")
    assert not said("writes", made, run, False).known
    result = said("writes", made, run, True)
    assert result.text == "It wrote: “the␣sea␣the␣sea”. Nearest: Ann."


def test_guessed_epochs_become_bars_that_stand_on_the_axis() -> None:
    made = [Guess(1, "a", "10"), Guess(1, "b", "9"), Guess(1, "c", "40"), Guess(2, "a", "1"), Guess(1, "d", "never")]
    columns = tables.bars(made, Question(1, "crossing"), 48, 1000.0, "en")
    assert columns["epoch"] == [8.0, 38.0]  # parts of two epochs
    assert columns["end"] == [10.0, 40.0]
    assert columns["value"][0] == pytest.approx(1000**tables.BAR_HEIGHT)
    assert columns["value"][1] == pytest.approx(1000 ** (tables.BAR_HEIGHT / 2))
    assert tables.bars(made, Question(1, "learns"), 48, 1000.0, "en")["epoch"] == []
    assert tables.bars(made, None, 48, 1000.0, "en")["epoch"] == []


def test_what_is_pushed_completes_the_wall() -> None:
    def lines(*counts: int) -> list[tables.Line]:
        curve = [900.0, 300.0, 90.0, 20.0]
        return [tables.Line(f"r{i}", f"N{i}", history(*curve[:count])) for i, count in enumerate(counts)]

    first = tables.points(lines(1, 0, 3), 1000.0)["line"]
    added = tables.points(lines(3, 2, 4), 1000.0, after=(1.0, 0.0, 3.0))["line"]
    whole = tables.points(lines(3, 2, 4), 1000.0)["line"]
    rows = [
        sorted(zip(*table.values(), strict=True))
        for table in ({name: [*first[name], *added[name]] for name in first}, whole)
    ]
    assert rows[0] == rows[1]


def test_names_beside_the_curves_do_not_cover_each_other() -> None:
    def heights(*ends: tuple[str, list[float]]) -> list[float]:
        lines = [tables.Line(name, name, history(*curve)) for name, curve in ends]
        return [math.log(place, 1000.0) for place in tables.newest(lines, 1000.0, 40.0)["ends"]["place"]]

    # all three end near each other, in another order than they are listed
    near = heights(("Ann", [20.0]), ("Bob", [21.0]), ("小明", [19.0]))
    low, middle, high = sorted(near)
    assert near == [middle, high, low]
    assert middle - low == pytest.approx(tables.APART)
    assert high - middle == pytest.approx(tables.APART)
    assert middle == pytest.approx(math.log(20, 1000), abs=0.01)  # around the curves
    # a whole class at the lower edge stays on the chart
    class_ = heights(*((f"N{number}", [1.0]) for number in range(tables.MAX_LABELS)))
    assert class_ == pytest.approx([tables.APART * row for row in range(tables.MAX_LABELS)])
    # two curves that end 39 epochs apart: their labels do not overlap, so each stays at its curve
    far = heights(("Ann", [20.0]), ("Bob", [20.0] * 40))
    assert far == pytest.approx([math.log(20, 1000)] * 2)


def test_a_long_name_is_cut_off_beside_its_curve() -> None:
    shown = tables.newest([tables.Line("r", "Anna-Lena Müller-Lüden", history(20.0))], 1000.0, 4.0)["ends"]["label"]
    assert shown == ["Anna-Lena M…"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_specification_holds_nothing_of_a_room(lang: str, theme: str) -> None:
    text = json.dumps(charts.wall(lang, theme))
    lines, none = [tables.Line("r", "Ann", history(50.0))], tables.bars([], None, 1, 9.0, lang)
    built = tables.wall(lines, LADDER, 1000.0, 10, none, lang)
    assert all(f'"{name}"' in text for name in tables.WALL)
    assert "Ann" not in text
    with pa.ipc.open_stream(built["ends"]) as reader:
        assert reader.read_all().to_pylist()[0]["label"] == "Ann"


def test_a_room_as_files(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "runs.sqlite3") as store, store.atomic():
        config = TrainConfig()
        code = store.open_room("", "teacher", "A2", config, ("cell",))
        store.join_room(code, "a", "=1+1")
        store.create("r1", config.change(cell="gru"), owner="a")
        store.put_into_room("r1", code)
        store.guess(code, 1, "a", "=cmd")
        room = store.room(code)
        runs = list(csv.reader(io.StringIO(files.runs(store, room, "en").decode("utf-8-sig"))))  # type: ignore[arg-type]
        guessed = files.guesses(store, room, "en").decode("utf-8-sig")  # type: ignore[arg-type]
    assert runs[1][:4] == ["r1", "'=1+1", "cell=gru", "queued"]  # no formula for a spreadsheet
    assert "'=cmd" in guessed
    assert isinstance(room, Room)
