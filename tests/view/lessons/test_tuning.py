"""Exercise X1: the grid around A2, and the sentence on each of its rows."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.data.scale import ARROWS
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.numbers import perplexity_text
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import tuning
from rnnlab.view.lessons.compute.tuning import GRID, Tuned, tuned
from tests.view.lessons.test_exercises import run


def from_recordings(setting: str) -> Tuned:
    line = tuned(
        setting,
        {tuning.value_of(setting, guess): recorded.recording(name).history for guess, name in GRID[setting].items()},
    )
    assert line is not None
    return line


def test_every_line_of_the_grid_changes_its_setting_and_nothing_else() -> None:
    centre = RECIPES["X1"].config
    for setting, guesses in GRID.items():
        for name in guesses.values():
            assert set(RECIPES[name].config.changes_from(centre)) == ({setting} if name != "X1" else set())
        values = [tuning.value_of(setting, guess) for guess in guesses]
        assert values == sorted(set(values))
        # the guesses are named after their values
        assert [float(guess.split("-")[1]) for guess in guesses] == values
    grid = {name for guesses in GRID.values() for name in guesses.values()}
    assert grid == {name for name in RECIPES if name.startswith("X1")}


def test_the_lowest_at_the_last_common_epoch_is_best() -> None:
    line = tuned("learning_rate", {1.0: run(900, 800, 700), 100.0: run(500, 90), 1000.0: run(None, None)})
    assert line is not None
    assert (line.epoch, line.came_true, line.early) == (2, "lr-100", None)
    assert [row.last for row in line.rows] == [800, 90, None]
    other = tuned("learning_rate", {1.0: run(9), 100.0: run(90)})
    assert other is not None
    assert other.came_true == "lr-1"


def test_a_value_that_nobody_could_guess_settles_no_guess() -> None:
    line = tuned("num_hiddens", {16.0: run(9), 256.0: run(90)})
    assert line is not None
    assert line.best is not None
    assert (line.best.value, line.came_true) == (16.0, None)


def test_who_led_before_is_named_where_it_is_another() -> None:
    ahead = [*[100.0] * 39, 20.0, 50.0]
    behind = [*[100.0] * 39, 90.0, 10.0]
    line = tuned("batch_size", {8.0: run(*ahead), 32.0: run(*behind)})
    assert line is not None
    assert line.best is not None
    assert line.early is not None
    assert (line.best.value, line.early.value, line.early.short) == (32.0, 8.0, 20.0)
    same = tuned("batch_size", {8.0: run(*[*[100.0] * 39, 95.0, 50.0]), 32.0: run(*behind)})
    assert same is not None
    assert same.early is None


def test_nothing_is_said_before_there_are_two_to_compare() -> None:
    assert tuned("learning_rate", {1.0: run(9)}) is None
    assert tuned("learning_rate", {1.0: run(9), 100.0: run()}) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_can_be_said(lang: str) -> None:
    overflowed = tuned("learning_rate", {1.0: run(None), 100.0: run(None)})
    assert overflowed is not None
    assert (overflowed.best, overflowed.came_true) == (None, None)
    texts = {sentences.tuned(recording, lang) for recording in (overflowed, *map(from_recordings, GRID))}
    assert len(texts) == 1 + len(GRID)
    assert not [text for text in texts if "{" in text or "None" in text]


def test_the_recordings_show_what_the_hints_say() -> None:
    rates, thetas = from_recordings("learning_rate"), from_recordings("clip_norm")
    assert (rates.came_true, thetas.came_true) == ("lr-100", "clip-0.01")
    # the length of a clipped step is learning rate × θ
    by_rate = {row.value: row.last for row in rates.rows}
    by_theta = {row.value: row.last for row in thetas.rows}
    assert by_theta == {0.001: by_rate[10.0], 0.01: by_rate[100.0], 0.1: by_rate[1000.0]}
    # more rows or time steps mean fewer updates: the setting with the most updates leads early, another one at the end
    for setting, early in (("num_steps", 10.0), ("batch_size", 8.0)):
        line = from_recordings(setting)
        updates = [row.updates or 0 for row in line.rows]
        assert updates == sorted(updates, reverse=True)
        assert line.early is not None
        assert line.early.value == early
    hiddens = from_recordings("num_hiddens")
    assert hiddens.came_true == "hiddens-512"
    seconds = [row.seconds or 0.0 for row in hiddens.rows]
    assert seconds == sorted(seconds)


def test_a_setting_outside_the_grid_is_refused() -> None:
    assert tuning.find("batch_size") == "batch_size"
    with pytest.raises(RNNLabError, match=r"learning_rate.*clip_norm"):
        tuning.find("<b>momentum</b>")


def test_numbers_that_would_lie_on_each_other_are_moved_apart_or_left_out() -> None:
    def labels(*perplexities: float | None) -> list[tuple[str, float]]:
        runs = {str(i): run(value) for i, value in enumerate(perplexities)}
        table = pa.ipc.open_stream(tables.race(runs, 1000.0, 1, "en")["ends"]).read_all()
        return list(zip(table["label"].to_pylist(), table["below"].to_pylist(), strict=True))

    # below its curve if nothing is there
    assert labels(263.7, 235.5, 1.575, None) == [("263.7", 0), ("235.5", 1), ("1.575", 1), ("∞", 0)]
    assert labels(263.7, 235.5, 200.5, 1.575)[:3] == [("263.7", 0), ("", 0), ("200.5", 1)]
    # the label of the lowest point is below its curve, so that it covers nothing
    assert labels(263.7, 235.5) == [("263.7", 0), ("235.5", 1)]


def read(table: bytes) -> list[dict[str, object]]:
    return list(pa.ipc.open_stream(table).read_all().to_pylist())


def test_what_the_axis_does_not_reach_is_an_arrow_and_no_line() -> None:
    """X2's perplexity of 6·10¹⁰ and its overflow are not a flat line at ten thousand."""
    for lang in LANGUAGES:
        drawn = tables.race({"X2": run(500.0, 6e10, None, 900.0), "A2": run(500.0, 400.0)}, 1000.0, 4, lang)
        values = {(row["run"], row["epoch"]): row["value"] for row in read(drawn["race"])}
        assert values["X2", 2.0] is values["X2", 3.0] is None
        assert (values["X2", 4.0], values["A2", 2.0]) == (900.0, 400.0)
        off = read(drawn["off"])
        assert [(row["run"], row["epoch"]) for row in off] == [("X2", 2.0), ("X2", 3.0)]
        assert [row["label"] for row in off] == [t("chart.off_scale", lang, perplexity="∞"), ""]
    tape = recorded.recording("X1-lr-1000").history
    off = read(tables.race({"1000": tape}, 1013.0, 250, "en")["off"])
    assert 2 <= len(off) <= ARROWS
    highest = max(event.perplexity or math.inf for event in tape.epochs)
    assert off[0]["label"] == t("chart.off_scale", "en", perplexity=perplexity_text(highest))


def test_the_labels_of_two_runs_off_the_scale_stand_below_each_other() -> None:
    runs = {"a": run(None, None), "b": run(90.0, 80.0), "c": run(None, 70.0)}
    off = read(tables.race(runs, 1000.0, 2, "en")["off"])
    assert [(row["run"], row["row"]) for row in off if row["label"]] == [("a", 0), ("c", 1)]


def test_a_colour_belongs_to_the_name_of_a_run() -> None:
    """Whichever run has data first, as when one has ended and the other has not begun."""
    names = ("X4: no detach", "A2 (recorded)")
    spec = charts.race("en", "light", names)
    domains = [
        part["encoding"][channel]["scale"]["domain"]
        for part in spec["layer"]
        for channel in ("color", "strokeDash")
        if channel in part.get("encoding", {})
    ]
    assert len(domains) >= 4
    assert all(domain == list(names) for domain in domains)
