"""The tables built from events, and specifications without data of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from rnnlab.config import TrainConfig
from rnnlab.events import (
    MinibatchFinished,
    RunDiverged,
    RunPaused,
    RunResumed,
    SettingChanged,
    TextGenerated,
)
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.watch import charts
from rnnlab.view.watch import tables as watch_tables
from tests.made import epoch, started

LADDER = {0: 1000.0, 1: 270.0, 2: 8.0, 3: 1.6, 4: 1.1}


def minibatch(number: int, of: int) -> MinibatchFinished:
    return MinibatchFinished(
        epoch=number, minibatch=of, num_minibatches=8, loss=5.0, grad_norm=1.0, clipped=True, seconds=0.1
    )


def changed(done: int, minibatch: int) -> SettingChanged:
    return SettingChanged(epoch=done, minibatch=minibatch, name="learning_rate", value=5.0)


def rows(data: bytes) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = pa.ipc.open_stream(data).read_all().to_pylist()
    return read


def test_an_epoch_that_was_repeated_counts_once_with_its_last_value() -> None:
    history = History([started(), epoch(1, 900.0), epoch(2, 500.0), epoch(3, 400.0)])
    history.add([started(1), epoch(2, 450.0), epoch(3, 350.0), epoch(4, 300.0)])
    assert [(event.epoch, event.perplexity) for event in history.epochs] == [
        (1, 900.0),
        (2, 450.0),
        (3, 350.0),
        (4, 300.0),
    ]
    assert history.at(2) is not None
    assert history.at(9) is None


def test_progress_counts_the_minibatches_of_the_epoch_at_work() -> None:
    history = History([started(), epoch(1), minibatch(2, 4)])
    assert history.progress == 1.5
    history.add([epoch(2)])
    assert history.progress == 2.0


def test_a_continuation_forgets_what_it_will_repeat() -> None:
    history = History([started(), epoch(1), minibatch(2, 1), minibatch(2, 6), RunPaused(epoch=1, minibatch=6)])
    assert history.paused
    history.add([changed(0, 7), changed(1, 6), RunResumed(epoch=1, minibatch=6)])
    history.add([started(1)])
    assert not history.paused
    assert [(event.epoch, event.minibatch) for event in history.minibatches] == []
    assert [(event.epoch, event.minibatch) for event in history.changes] == [(0, 7)]


def test_a_copy_does_not_grow_with_its_origin() -> None:
    history = History([epoch(1), TextGenerated(epoch=1, prefix="分", text="分开")])
    copied = history.copy()
    history.add([epoch(2), TextGenerated(epoch=1, prefix="不", text="不分")])
    assert (len(copied.epochs), copied.texts) == (1, {1: {"分": "分开"}})


def test_a_recording_stands_as_it_stood() -> None:
    history = History([started(), *(epoch(i) for i in range(1, 6)), TextGenerated(epoch=4, prefix="a", text="ab")])
    assert [event.epoch for event in history.until(3).epochs] == [1, 2, 3]
    assert history.until(3).written() == []
    assert history.until(4).written() == [4]


def test_where_the_axis_does_not_reach_the_line_is_interrupted_and_an_arrow_says_so() -> None:
    history = History([started(), *(epoch(i, value) for i, value in enumerate((90.0, 5e6, None, 7e6, 80.0), 1))])
    tables = watch_tables.curve_tables(history, 1000, "en")
    drawn = [90.0, 10_000.0, None, 10_000.0, 80.0]
    assert [row["value"] for row in rows(tables["curve"])] == drawn
    # the points that a browser gets later are the same
    assert [watch_tables.curve_points(history, 1000, after=float(i))["curve"]["value"] for i in range(5)] == [
        drawn[i:] for i in range(5)
    ]
    label = t("chart.off_scale", "en", perplexity="∞")
    assert [(row["epoch"], row["label"]) for row in rows(tables["off"])] == [(2.0, label), (3.0, ""), (4.0, "")]
    assert {row["series"] for row in rows(tables["off"])} == {"curve"}
    assert [row["epoch"] for row in rows(tables["head"])] == [5.0]


def test_a_run_that_overflows_from_first_to_last_has_no_line_at_all() -> None:
    beyond = minibatch(3, 1).model_copy(update={"loss": 400.0})
    tables = watch_tables.curve_tables(History([started(), epoch(1, None), epoch(2, None), beyond]), 1000, "en")
    assert {row["value"] for row in rows(tables["curve"])} == {None}
    assert rows(tables["head"]) == rows(tables["minibatches"]) == []
    assert len(rows(tables["off"])) == 2


def test_held_out_text_off_the_scale_has_arrows_of_its_own() -> None:
    events = [epoch(i, 5.0).model_copy(update={"held_out_perplexity": value}) for i, value in ((1, 90.0), (2, 13028.0))]
    tables = watch_tables.curve_tables(History([started(), *events]), 1000, "en")
    (arrow,) = rows(tables["off"])
    assert (arrow["series"], arrow["label"]) == ("held_out", t("chart.off_scale", "en", perplexity="13,028"))


def test_the_perplexity_on_held_out_text_has_its_own_line_and_its_lowest_point_a_label() -> None:
    measured = {1: None, 2: 80.0, 3: None, 4: 60.0, 5: 5e9}
    history = History(
        [started(), *(epoch(i).model_copy(update={"held_out_perplexity": value}) for i, value in measured.items())]
    )
    tables = watch_tables.curve_tables(history, 1000, "en")
    assert [(row["epoch"], row["value"]) for row in rows(tables["held_out"])] == [(2, 80), (4, 60), (5, 10_000)]
    (best,) = rows(tables["best"])
    assert (best["epoch"], best["value"]) == (4, 60)
    assert best["label"] == t("chart.held_out_lowest", "en", perplexity="60", epoch=4)
    # a browser that has the first three epochs gets the others
    assert watch_tables.curve_points(history, 1000, after=3.0)["held_out"]["epoch"] == [4.0, 5.0]
    nothing = watch_tables.curve_tables(History([started(), epoch(1)]), 1000, "en")
    assert rows(nothing["held_out"]) == rows(nothing["best"]) == []


def test_the_label_of_the_lowest_perplexity_on_held_out_text_stands_above_both_curves() -> None:
    # the label is as wide as 35 epochs: of the point of epoch 60 it ends there, of the others it begins there
    measured = [(10, 200.0, 120.0), (40, 300.0, 50.0), (60, 150.0, 20.0), (70, 500.0, 10.0), (100, 5000.0, 2.0)]
    for count, place in ((1, 200), (2, 300), (3, 300)):
        events = [epoch(i, curve).model_copy(update={"held_out_perplexity": value}) for i, value, curve in measured]
        history = History([started().model_copy(update={"num_epochs": 100}), *events[:count]])
        (best,) = rows(watch_tables.curve_tables(history, 1000, "en")["best"])
        assert (best["place"], best["above"]) == (place, 1)


def test_where_there_is_no_room_above_it_stands_below_a_curve_that_is_just_below() -> None:
    for curve, place in ((80.0, 60), (30.0, 30), (2.0, 60)):
        low = epoch(4, curve).model_copy(update={"held_out_perplexity": 60.0})
        high = epoch(5, curve).model_copy(update={"held_out_perplexity": 9000.0})
        plan = started().model_copy(update={"num_epochs": 100})
        (best,) = rows(watch_tables.curve_tables(History([plan, low, high]), 1000, "en")["best"])
        assert (best["place"], best["above"]) == (place, 0)


def test_the_label_of_a_reference_line_makes_room_for_a_curve_that_ends_on_it() -> None:
    around = watch_tables.Surroundings({0: 1000.0, 1: 200.0, 2: 10.0, 3: 1.5})
    plan = started().model_copy(update={"num_epochs": 100})

    def sides(*perplexities: float) -> list[object]:
        events = [epoch(10 * i, value) for i, value in enumerate(perplexities, 1)]
        names = rows(watch_tables.curve_tables(History([plan, *events]), 1000, "en", around)["names"])
        assert [row["value"] for row in names] == [1000, 200, 10, 1.5]
        assert all((row["epoch"] == 0) == (row["side"] == "left") for row in names)
        return [row["side"] for row in names]

    assert sides(900.0, 90.0) == ["right"] * 4
    # it falls through the label of the bigrams at the very end
    assert sides(900, 800, 700, 600, 500, 400, 300, 100, 14, 8) == ["right", "left", "left", "right"]
    # a curve that stays on the line is in the way everywhere
    assert sides(*[201.0] * 10) == ["right"] * 4
    falling = [epoch(10 * i, value) for i, value in enumerate((900, 800, 700, 600, 500, 400, 300, 100, 14, 8), 1)]
    history = History([plan, *falling])
    # of the pushed points, only those carry the labels at which one moves
    pushed = [
        watch_tables.newest_points(History([plan, *falling[:n]]), 1000, "en", around, 10.0 * n - 10)
        for n in range(1, 11)
    ]
    moves = ["names" in tables for tables in pushed]
    assert moves.index(True) > 5
    assert sum(moves) == 2
    assert "names" not in watch_tables.newest_points(history, 1000, "en", around, after=100.0)


def test_of_the_pushed_points_only_those_off_the_scale_carry_the_arrows() -> None:
    perplexities = (900.0, 20_000.0, None, 800.0, 700.0)
    events = [epoch(number, value) for number, value in enumerate(perplexities, 1)]
    events[4] = events[4].model_copy(update={"held_out_perplexity": 30_000.0})
    pushed = [
        watch_tables.newest_points(History([started(), *events[:n]]), 1000, "en", after=n - 1.0) for n in range(1, 6)
    ]
    assert ["off" in tables for tables in pushed] == [False, True, True, False, True]
    assert ["best" in tables for tables in pushed] == [False, False, False, False, True]


def test_before_a_run_the_reference_lines_have_their_labels_at_the_end_of_the_axis() -> None:
    around = watch_tables.Surroundings({0: 1000.0, 1: 200.0, 2: 10.0, 3: 1.5}, num_epochs=250)
    names = rows(watch_tables.curve_tables(History([]), 1000, "en", around)["names"])
    assert [(row["epoch"], row["side"]) for row in names] == [(250, "right")] * 4


def test_the_label_of_the_lowest_perplexity_stands_above_that_of_the_published_points() -> None:
    low = epoch(20, 100.0).model_copy(update={"held_out_perplexity": 200.0})
    history = History([started().model_copy(update={"num_epochs": 100}), epoch(10, 300.0), low])

    def place(*published: tuple[int, float]) -> float:
        around = watch_tables.Surroundings(published=published)
        return float(rows(watch_tables.curve_tables(history, 1000, "en", around)["best"])[0]["place"])

    assert place() == place((95, 200.0)) == place((30, 20.0)) == 200
    assert place((30, 190.0)) > 1.5 * 190


def test_labels_of_two_published_runs_that_are_near_stand_at_different_ends() -> None:
    config = TrainConfig.make(num_epochs=100)
    tables = watch_tables.reference_tables(
        config, LADDER, [(50, 1.02), (100, 1.01)], [(50, 1.03), (100, 1.02)], True, "en"
    )
    assert [bool(row["label"]) for row in rows(tables["published"])] == [True, False, False, True]


def test_changes_stand_where_they_were_made() -> None:
    history = History(
        [
            started(),
            epoch(1),
            SettingChanged(epoch=1, minibatch=4, name="learning_rate", value=50.0),  # after one epoch
            SettingChanged(epoch=1, minibatch=6, name="clip_norm", value=None),
        ]
    )
    changes = rows(watch_tables.curve_tables(history, 1000, "en")["changes"])
    assert [(row["epoch"], row["label"], row["row"]) for row in changes] == [(1.5, "lr 50", 0), (1.75, "θ off", 1)]


@pytest.mark.parametrize("same", [True, False])
def test_published_points_are_filled_on_the_books_corpus_only(same: bool) -> None:
    config = TrainConfig.make(num_epochs=100)
    tables = watch_tables.reference_tables(config, LADDER, [(50, 9.0), (100, 2.0)], [(50, 1.5)], same, "en")
    points = rows(tables["published"])
    assert [row["fill"] for row in points] == ([1.0, 1.0, 0.0] if same else [0.0, 0.0, 0.0])
    labels = [
        t("chart.published_here" if same else "chart.published_books", "en"),
        "",
        t("chart.published_second", "en"),
    ]
    assert [row["label"] for row in points] == labels
    assert [row["order"] for row in rows(tables["ladder"])] == [0, 1, 2, 3]
    assert rows(tables["extent"])[1]["epoch"] > 100


def test_published_points_beyond_the_end_of_a_run_wait_until_it_goes_on() -> None:
    for epochs, shown in ((49, []), (80, [50]), (250, [50, 100])):
        config = TrainConfig.make(num_epochs=epochs)
        tables = watch_tables.reference_tables(config, LADDER, [(50, 9.0), (100, 2.0)], [], False, "en")
        assert [row["epoch"] for row in rows(tables["published"])] == shown


def test_reference_lines_that_nearly_meet_share_a_label() -> None:
    around = watch_tables.Surroundings({0: 18.0, 1: 16.3, 2: 1.4, 3: 1.0})
    names = watch_tables.curve_tables(History([]), 18, "en", around)["names"]
    labels = [row["label"] for row in rows(names)]
    assert labels == ["uniform 18 · unigram 16.3", "", "bigram 1.4", "trigram 1"]


def test_the_marker_is_one_point_or_none() -> None:
    history = History([epoch(1), epoch(2, 30.0)])
    assert rows(watch_tables.now_table(history, 2, 1000)) == [{"epoch": 2.0, "value": 30.0, "shown": "30"}]
    assert rows(watch_tables.now_table(history, None, 1000)) == []


def test_gradients_by_layer_leave_out_what_a_log_axis_cannot_show() -> None:
    history = History([epoch(1), epoch(2, grad_norm_by_layer=(0.0, 0.2), clip_norm=None)])
    tables = watch_tables.gradient_tables(history, "en")
    assert {row["layer"] for row in rows(tables["layers"])} == {"whole network", "layer 1", "output layer"}
    assert len(rows(tables["layers"])) == 5
    assert [row["epoch"] for row in rows(tables["threshold"])] == [1.0]
    assert [row["value"] for row in rows(tables["clipped"])] == [0.75, 0.75]


def test_gradients_stand_before_and_after_clipping_where_both_were_recorded() -> None:
    measured = {"grad_norm_clipped": 0.01, "grad_norm_clipped_by_layer": (0.004, 0.006)}
    free = {"clipped_share": 0.0}
    history = History([epoch(1), epoch(2, **measured), epoch(3, **free), epoch(4, clip_norm=None, **free)])
    table = rows(watch_tables.gradient_tables(history, "en")["layers"])
    after = {(row["epoch"], row["layer"]): row["after"] for row in table}
    assert after[1.0, "whole network"] == ""
    assert (after[2.0, "whole network"], after[2.0, "layer 1"], after[2.0, "output layer"]) == (
        "0.01",
        "0.004",
        "0.006",
    )
    whole = {row["epoch"]: row["value"] for row in table if row["layer"] == "whole network"}
    clipped = {row["epoch"]: row["value"] for row in table if row["layer"] == "clipped"}
    assert clipped == {2.0: 0.01, 3.0: whole[3.0]}  # an epoch without the value has no point
    assert float(after[4.0, "whole network"]) == pytest.approx(whole[4.0], rel=1e-2)
    never = rows(watch_tables.gradient_tables(History([epoch(1, **free), epoch(2, **free)]), "en")["layers"])
    assert "clipped" not in {row["layer"] for row in never}


def test_an_ended_run_keeps_its_ending() -> None:
    history = History([started(), epoch(1), RunDiverged(epoch=2, minibatch=1, grad_norm=3.0)])
    assert isinstance(history.ending, RunDiverged)


def names(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["data"]["name"]} if isinstance(node.get("data"), dict) and "name" in node["data"] else set()
        return own.union(*(names(child) for child in node.values())) if node else own
    return set().union(*(names(child) for child in node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_specification_names_exactly_its_tables_and_is_always_the_same(lang: str, theme: str) -> None:
    for build, tables in (
        (charts.perplexity_curve, charts.TABLES),
        (charts.gradient_curve, charts.GRADIENT_TABLES),
        (charts.clipped_curve, charts.CLIPPED_TABLES),
    ):
        spec = build(lang, theme)
        assert names(spec) == set(tables)
        assert "datasets" not in spec
        text = json.dumps(spec)
        anew: Callable[..., object] = build.__wrapped__  # type: ignore[attr-defined]
        assert json.dumps(anew(lang, theme)) == text
        assert t("chart.epoch", lang) in json.loads(text)["layer"][0]["encoding"]["x"]["title"]


def test_every_column_that_a_chart_reads_is_in_its_table() -> None:
    history = History([started(), epoch(1)])
    config = TrainConfig.make(num_epochs=10)
    tables = {
        **watch_tables.curve_tables(history, 1000, "en"),
        **watch_tables.reference_tables(config, LADDER, [(5, 3.0)], [], False, "en"),
        **watch_tables.gradient_tables(history, "en"),
        "now": watch_tables.now_table(history, 1, 1000),
    }
    for build in (charts.perplexity_curve, charts.gradient_curve, charts.clipped_curve):
        for layer in build("en", "light")["layer"]:
            columns = set(pa.ipc.open_stream(tables[layer["data"]["name"]]).schema.names)
            for channel in layer["encoding"].values():
                for encoding in channel if isinstance(channel, list) else [channel]:
                    assert encoding.get("field", "epoch") in columns, (layer["data"], encoding)


def test_pushed_gradients_are_the_rows_of_the_tables() -> None:
    finished = [epoch(1, 900.0), epoch(2, 500.0), epoch(3, 400.0, clipped_share=0.0)]
    whole = watch_tables.gradient_tables(History([started(), *finished]), "zh")
    first = watch_tables.gradient_tables(History([started(), *finished[:1]]), "zh")
    added = watch_tables.gradient_points(History([started(), *finished]), "zh", after=1.5)
    for name in watch_tables.GRADIENTS:
        more = [dict(zip(added[name], row, strict=True)) for row in zip(*added[name].values(), strict=True)]
        assert [*rows(first[name]), *more] == rows(whole[name]), name


def test_minibatches_have_the_digits_that_can_be_seen() -> None:
    history = History([started(), minibatch(3, 1).model_copy(update={"num_minibatches": 7, "loss": 5.123456789})])
    drawn = watch_tables.curve_points(history, 1000)["minibatches"]
    assert (drawn["epoch"], drawn["value"], drawn["shown"]) == ([2.142857], [167.9148], ["167.9"])
