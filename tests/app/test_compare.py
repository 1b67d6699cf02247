"""The Compare page as the server runs it: pins, pairs, races, random seeds, and the rungs from scratch to library."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.recipes import RECIPES, rungs
from rnnlab.runs.client import Client
from rnnlab.view.compare import pins as compare_pins
from rnnlab.view.compare.measures import SEEDS
from rnnlab.view.compare.sentences import READY
from rnnlab.view.language.i18n import LANGUAGES, error_text, t
from rnnlab.view.language.settings import value_text
from tests.app.conftest import TINY, Open, param, widget, words
from tests.app.test_home import arrive
from tests.app.test_pages import chart
from tests.made import until

TINY_URL = TINY.changes_from(RECIPES["A2"].config)


def cells(app: AppTest) -> str:
    """Return the texts of the tables."""
    return "\n".join(str(table.value.to_dict("list")) for table in app.table)


def pins_of(app: AppTest) -> list[str]:
    return param(app, "pins").split(",")


def finish(client: Client, pins: list[str]) -> None:
    for pin in pins:
        until(client, pin, lambda record: not record.live)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_who_asks_for_nothing_sees_a_recorded_pair(open_page: Open, lang: str) -> None:
    app = open_page("compare", lang)
    assert not app.exception
    assert not app.error
    assert app.title[0].value == t("compare.title", lang)
    assert pins_of(app) == ["recorded:A6", "recorded:A7"]
    _, tables = chart(app)
    assert {row["slot"] for row in tables["line"]} == {0, 1}
    assert [row["label"] for row in tables["ends"]] == ["A7", "A6"]  # from the bottom up
    assert tables["published"]
    assert t("field.optimizer", lang) in cells(app)
    assert t("field.num_hiddens", lang) not in cells(app)  # only the differences
    assert "1,561,845" in cells(app)
    assert "A7" in app.info[0].value
    sentence = app.get("vega_lite_chart")[0].proto.alt
    assert t("compare.alt.end", lang, name="A6", epoch=160, perplexity="7.989") in sentence


def test_pins_axis_and_smoothing_come_from_the_url(open_page: Open, finished: str) -> None:
    lang = "zh"
    app = open_page("compare", "zh", pins=f"recorded:A2,{finished}", by="characters", smooth="1")
    assert not app.exception
    spec, tables = chart(app)
    assert json.dumps(t("compare.axis.characters", "zh")) in spec
    assert len(tables["raw"]) == 250 + 6
    assert max(float(str(row["x"])) for row in tables["line"]) == 250 * 8960
    assert param(app, "by") == "characters"
    assert param(app, "smooth") == "1"
    widget(app, "segmented_control", "compare.by").set_value("epoch").run()
    assert "by" not in app.query_params  # the default is not in the URL
    assert json.dumps(t("compare.axis.epoch", lang)) in chart(app)[0]


def test_embedded_the_axis_can_be_chosen(open_page: Open) -> None:
    app = arrive("en", embedded=True, pins="recorded:A6,recorded:A7")
    app.switch_page("pages/compare.py").run()
    widget(app, "segmented_control", "compare.by").set_value("characters").run()
    assert not app.exception
    for _ in range(2):
        assert json.dumps(t("compare.axis.characters", "en")) in chart(app)[0]
        assert param(app, "by") == "characters"
        link = app.get("link_button")[0].proto  # to the same comparison in the app
        assert link.label == t("embed.open_lab", "en")
        assert parse_qs(urlsplit(link.url).query) == {
            "pins": ["recorded:A6,recorded:A7"],
            "by": ["characters"],
            "lang": ["en"],
        }
        app.run()


def test_choices_stay_while_another_view_is_looked_at(open_page: Open) -> None:
    app = open_page("compare", "en", view="race", recipe="A6", num_epochs="7")
    number = widget(app, "number_input", "compare.num_epochs")
    assert number.value == 7
    number.set_value(9).run()
    widget(app, "selectbox", "compare.recipe").set_value("A2").run()
    assert widget(app, "number_input", "compare.num_epochs").value == RECIPES["A2"].config.num_epochs
    assert "num_epochs" not in app.query_params
    widget(app, "selectbox", "compare.recipe").set_value("A6").run()
    assert widget(app, "number_input", "compare.num_epochs").value == 9  # the number belongs to its experiment
    for view in ("overlay", "race"):
        widget(app, "segmented_control", "compare.view").set_value(view).run()
        assert not app.exception
        assert (param(app, "recipe"), param(app, "num_epochs")) == ("A6", "9")
    assert widget(app, "selectbox", "compare.recipe").value == "A6"
    assert widget(app, "number_input", "compare.num_epochs").value == 9


def test_the_longest_copy_of_each_run_stands_among_what_came_out(open_page: Open) -> None:
    lang = "zh"
    app = open_page("compare", "zh", pins="recorded:A8,recorded:A9")
    assert not app.exception
    row = next(
        line
        for element in app.table
        for line in element.value.to_csv(sep="|").splitlines()
        if t("compare.outcome.longest", lang) in line
    )
    assert row.split("|")[-2:] == ["50", "–"]


def test_wrong_pins_are_said_and_the_others_stay(open_page: Open) -> None:
    app = open_page("compare", "en", pins="recorded:A2,nowhere1,recorded:Z9")
    assert not app.exception
    page_text = "\n".join(element.value for element in app.error)
    assert "nowhere1" in page_text
    assert "Z9" in page_text
    assert pins_of(app) == ["recorded:A2"]
    assert t("compare.settings.one", "en") in words(app)


def test_too_many_pins_are_said_and_the_first_six_stay(open_page: Open) -> None:
    names = ["A1", "A2", "A3", "A4", "A5", "A6", "A7"]
    app = open_page("compare", "zh", pins=",".join(f"recorded:{name}" for name in names))
    assert not app.exception
    assert app.error[0].value == error_text(RunError("compare_too_many", "", given=7, allowed=6), "zh")
    assert pins_of(app) == [f"recorded:{name}" for name in names[:6]]
    assert next(widget for widget in app.selectbox if "picker" in (widget.key or "")).proto.disabled


def test_a_run_is_added_by_the_picker_and_taken_off_by_its_button(open_page: Open, finished: str) -> None:
    app = open_page("compare", "en", pins="recorded:A2")
    picker = next(widget for widget in app.selectbox if "picker" in (widget.key or ""))
    assert any(finished in option for option in picker.options)
    picker.set_value(finished).run()
    assert not app.exception
    assert pins_of(app) == ["recorded:A2", finished]
    assert next(widget for widget in app.selectbox if "picker" in (widget.key or "")).value is None
    for pin in ("recorded:A2", finished):
        app.button(key=f"compare.unpin.{pin}").click().run()
    assert not app.exception
    assert t("compare.empty", "en") in words(app)
    assert not app.get("vega_lite_chart")


def test_every_ready_pair_opens_at_once_and_says_what_came_out(open_page: Open) -> None:
    app = open_page("compare", "en", pins="recorded:B1")
    for left, right in READY:
        app.button(key=f"compare.pair.{left}.{right}").click().run()
        assert not app.exception
        assert pins_of(app) == [f"recorded:{left}", f"recorded:{right}"]
        assert left in app.info[0].value
        assert right in app.info[0].value
        assert app.button(key="compare.train_both")


def test_training_a_pair_starts_both_from_the_same_seed(
    open_page: Open, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = {name: RECIPES[name].config.change(num_hiddens=4, num_chars=3000, num_epochs=1) for name in ("A1", "A2")}
    shrunk = {name: _shrunk(name, config) for name, config in tiny.items()}
    monkeypatch.setattr(compare_pins, "RECIPES", {**RECIPES, **shrunk})
    app = open_page("compare", "en", pins="recorded:A1,recorded:A2")
    app.button(key="compare.train_both").click().run()
    assert not app.error
    assert not app.exception
    started = pins_of(app)
    records = [client.store.run(pin) for pin in started]
    assert [record.name for record in records] == ["A1", "A2"]
    assert len({record.config.random_seed for record in records}) == 1
    assert app.button(key="compare.train_both")  # the pair is still the same
    finish(client, started)


def _shrunk(name: str, config: TrainConfig) -> object:
    from dataclasses import replace

    return replace(RECIPES[name], config=config)


def test_a_race_starts_together_from_one_seed_and_names_the_places(open_page: Open, client: Client) -> None:
    lang = "zh"
    app = open_page("compare", "zh", view="race", recipe="A2", **TINY_URL)
    assert not app.exception
    assert not app.error
    app.button(key="compare.race.start").click().run()
    assert not app.exception
    started = pins_of(app)
    finish(client, started)
    records = [client.store.run(pin) for pin in started]
    assert [record.config.cell for record in records] == ["rnn", "gru", "lstm"]
    assert {record.based_on for record in records} == {"A2"}
    assert [record.config.change(cell="rnn") for record in records] == [TINY] * 3
    app.run()
    widget(app, "segmented_control", "compare.finish").set_value("2").run()
    assert not app.exception
    assert t("compare.race.never", lang) in cells(app)  # such a small network does not fall below 2 in six epochs
    assert {row["label"].split()[-1] for row in chart(app)[1]["ends"]} == {"RNN", "GRU", "LSTM"}  # type: ignore[attr-defined]
    assert param(app, "view") == "race"


def test_a_race_takes_what_was_chosen_a_moment_before(open_page: Open, client: Client) -> None:
    """A choice and the click that follows it can arrive together."""
    app = open_page("compare", "en", view="race", recipe="A2", **TINY_URL)
    widget(app, "number_input", "compare.num_epochs").set_value(2)
    app.button(key="compare.race.start").click().run()
    assert not app.exception
    finish(client, pins_of(app))
    assert {client.store.run(pin).config.num_epochs for pin in pins_of(app)} == {2}


def test_fast_and_as_written_are_a_ready_pair(open_page: Open) -> None:
    app = open_page("compare", "zh", view="overlay", num_epochs="7")
    app.button(key="compare.pair.computation").click().run()
    assert not app.exception
    assert (param(app, "view"), param(app, "vary"), param(app, "num_epochs")) == ("race", "computation", "20")
    assert "recipe" not in app.query_params  # A2 is the default
    assert t("compare.vary.computation.help", "zh") in words(app)
    assert widget(app, "number_input", "compare.num_epochs").value == 20
    app.button(key="compare.race.start")  # is there to be clicked


def test_fast_and_as_written_race_over_one_curve(open_page: Open, client: Client) -> None:
    lang = "en"
    app = open_page("compare", "en", view="race", vary="computation", recipe="A2", **TINY_URL)
    assert not app.exception
    assert t("compare.vary.computation.help", "en") in words(app)
    app.button(key="compare.race.start").click().run()
    assert not app.exception
    started = pins_of(app)
    finish(client, started)
    records = [client.store.run(pin) for pin in started]
    assert [record.config.computation for record in records] == ["fast", "as_written"]
    assert records[0].perplexity == pytest.approx(records[1].perplexity, rel=1e-3)
    app.run()
    assert not app.exception
    sentence = t("compare.same_curve.digits", lang, epochs=6, digits="#").split("#")[0]
    exact = t("compare.same_curve.exact", lang, epochs=6)
    assert any(element.value.startswith((sentence, exact)) for element in app.info)


def test_a_race_of_ones_own_variants_says_what_is_wrong_with_them(open_page: Open) -> None:
    app = open_page("compare", "en", view="race", vary="own", own="cell=cnn")
    assert not app.exception
    assert "rnn, gru, lstm" in app.error[0].value
    assert app.button(key="compare.race.start").disabled
    app.text_input(key=next(widget.key for widget in app.text_input if ".own." in (widget.key or ""))).set_value(
        "cell=rnn; num_layers=2, learning_rate=5"
    ).run()
    assert not app.error
    assert not app.button(key="compare.race.start").disabled
    assert param(app, "own") == "cell=rnn; num_layers=2, learning_rate=5"


def test_what_is_refused_is_said_and_what_started_stays(open_page: Open, client: Client) -> None:
    # the second run has a minibatch larger than the text
    lang = "zh"
    own = "learning_rate=1;batch_size=1024, num_steps=512"
    app = open_page("compare", "zh", view="race", vary="own", own=own, recipe="A2", **TINY_URL)
    app.button(key="compare.race.start").click().run()
    assert not app.exception
    texts = [element.value for element in app.error]
    assert texts[0] == error_text(RunError("compare_started_some", "", started=1, wanted=2), lang)
    assert len(texts) == 2
    assert [client.store.run(pin).config.learning_rate for pin in pins_of(app)] == [1.0]
    finish(client, pins_of(app))


def test_seeds_that_are_there_are_taken_and_the_others_started(open_page: Open, client: Client) -> None:
    lang = "en"
    config = TINY.change(num_hiddens=5 if lang == "en" else 6)  # used only here
    run_id = client.create(config.change(random_seed=3), based_on="A2")
    finish(client, [run_id])
    app = open_page("compare", "en", view="seeds", recipe="A2", **config.changes_from(RECIPES["A2"].config))
    assert not app.exception
    assert app.button(key="compare.seeds.start").label == t("compare.seeds.start", "en", count=4)
    assert t("compare.seeds.too_few", "en") in words(app)
    app.button(key="compare.seeds.start").click().run()
    assert not app.exception
    mine = [record for record in client.store.runs() if record.config.model_copy(update={"random_seed": 0}) == config]
    assert sorted(record.config.random_seed for record in mine) == [0, 1, 2, 3, 4]
    finish(client, [record.id for record in mine])
    app.run()
    assert not app.exception
    _, tables = chart(app)
    assert [row["count"] for row in tables["band"]] == [5.0] * 6
    assert all(row["low"] <= row["high"] for row in tables["band"])  # type: ignore[operator]
    ends = sorted(record.perplexity or 0 for record in mine)
    assert "compare.seeds.start" not in [button.key for button in app.button]
    assert ends[0] > 0 or tables["median"]


def test_a_run_that_was_stopped_does_not_take_the_place_of_a_recording(open_page: Open, client: Client) -> None:
    run_id = client.create(RECIPES["A2"].config.change(random_seed=1), based_on="A2")
    client.stop(run_id)
    until(client, run_id, lambda run: run.state == "stopped")
    app = open_page("compare", "en", view="seeds", recipe="A2")
    assert not app.exception
    _, tables = chart(app)
    assert [row["x"] for row in tables["ends"]] == [250.0] * 5
    client.delete(run_id)


def test_the_ladder_trains_every_rung_from_the_settings_of_both_ends(open_page: Open, client: Client) -> None:
    small = {"num_hiddens": 7, "num_chars": 3000, "num_epochs": 2, "num_preds": 5}
    chain = rungs(RECIPES["A6"].config.change(**small), RECIPES["A7"].config.change(**small))
    app = open_page("compare", "zh", view="same", **{name: str(value) for name, value in small.items()})
    assert not app.exception
    assert app.button(key="compare.rungs.start").label == t("compare.rungs.start", "zh", count=len(chain))
    app.button(key="compare.rungs.start").click().run()
    assert not app.error
    assert not app.exception
    trained = [record for record in client.store.runs() if record.config in [rung.config for rung in chain]]
    assert len(trained) == len(chain)
    finish(client, [record.id for record in trained])
    app.run()
    assert not app.exception
    assert "compare.rungs.start" not in [button.key for button in app.button]
    assert len({row["slot"] for row in chart(app)[1]["line"]}) == len(chain)
    assert "×" in cells(app)


def test_the_proof_shows_how_far_scratch_and_library_are_apart(open_page: Open, client: Client) -> None:
    lang = "en"
    app = open_page("compare", lang, view="same")
    if any(button.key == "compare.parity.run" for button in app.button):
        app.button(key="compare.parity.run").click().run(timeout=60)
    assert not app.exception
    assert not app.error
    page_text = words(app)
    assert page_text.count(t("compare.parity.same", lang)) >= 2
    assert t("compare.parity.gru", lang, limit="1.0×10⁻⁵") in page_text


def test_the_page_keeps_its_pins_while_another_is_looked_at(open_page: Open) -> None:
    app = open_page("compare", "en", pins="recorded:A1,recorded:B1")
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    assert pins_of(app) == ["recorded:A1", "recorded:B1"]
    assert t("compare.legend.texts", "en") in words(app)  # different texts have no common reference lines


# what is shown before anybody has trained


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_race_shows_its_recording_and_no_other_runs(open_page: Open, finished: str, lang: str) -> None:
    """Runs that are pinned for another comparison do not take part."""
    app = open_page("compare", lang, view="race", pins=f"{finished},recorded:B1,recorded:A9")
    assert not app.exception
    (table,) = [element.value for element in app.table if t("compare.place", lang) in element.value.columns]
    cells_ = {value_text("cell", cell, lang) for cell in CELLS}
    assert set(table[t("compare.run", lang)]) == cells_
    assert table[t("compare.place", lang)].iloc[0] == "1"
    assert t("compare.race.recorded", lang) in words(app)
    drawn = chart(app)[1]
    assert {row["label"] for row in drawn["ends"]} == cells_
    assert {row["slot"] for row in drawn["line"]} == {0, 1, 2}
    # what has no recording has no race yet
    app = open_page("compare", lang, view="race", recipe="A6", vary="num_layers")
    assert t("compare.race.none", lang) not in words(app)  # A6 itself is recorded, and is the only one so far
    app = open_page("compare", lang, view="race", recipe="A6", vary="num_layers", num_epochs="3")
    assert t("compare.race.none", lang) in words(app)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_seeds_show_a_recorded_band(open_page: Open, lang: str) -> None:
    app = open_page("compare", lang, view="seeds")
    assert not app.exception
    band = chart(app)[1]["band"]
    assert len(band) > 100
    assert {row["count"] for row in band} == {float(SEEDS)}
    assert t("compare.seeds.legend", lang) in words(app)
    # a single run has no band, and none is explained
    app = open_page("compare", lang, view="seeds", recipe="A6")
    assert chart(app)[1]["band"] == []
    assert t("compare.seeds.legend", lang) not in words(app)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_ladder_and_the_proof_have_recorded_results(open_page: Open, lang: str) -> None:
    app = open_page("compare", lang, view="same")
    assert not app.exception
    (table,) = [element.value for element in app.table if t("compare.rungs.rung", lang) in element.value.columns]
    assert len(table) == 6
    assert "–" not in list(table[t("chart.perplexity", lang)])
    assert list(table[t("compare.rungs.step", lang)]).count("–") == 1  # the first rung
    assert t("compare.rungs.recorded", lang) in words(app)
    assert any(element.value.startswith(t("compare.rungs.greatest_down", lang).split("{")[0]) for element in app.info)
    if any(button.key == "compare.parity.run" for button in app.button):  # not yet computed by another test
        assert t("compare.parity.recorded", lang) in words(app)
    assert len(app.metric) == 6


def test_a_run_keeps_its_colour_when_another_one_goes(open_page: Open) -> None:
    def slots() -> dict[object, object]:
        return {row["label"]: row["slot"] for row in chart(app)[1]["ends"]}

    app = open_page("compare", "en", pins="recorded:A1,recorded:A2,recorded:A4")
    assert slots() == {"A1": 0, "A2": 1, "A4": 2}
    app.button(key="compare.unpin.recorded:A1").click().run()
    assert not app.exception
    assert slots() == {"A2": 1, "A4": 2}
    key = next(element.key for element in app.selectbox if "compare.picker" in (element.key or ""))
    app.selectbox(key=key).set_value("recorded:A6").run()
    assert slots() == {"A2": 1, "A4": 2, "A6": 0}


def test_a_curve_that_leaves_the_scale_has_arrows(open_page: Open) -> None:
    app = open_page("compare", "en", pins="recorded:A2,recorded:X2")
    drawn = chart(app)[1]
    assert drawn["off"]
    assert {row["slot"] for row in drawn["off"]} == {1}
    assert any(str(row["label"]).startswith("off scale") for row in drawn["off"])
    top = max(float(str(row["value"])) for row in drawn["extent"])
    assert all(row["value"] is None or float(str(row["value"])) <= top for row in drawn["line"])
    assert any(row["value"] is None for row in drawn["line"] if row["slot"] == 1)
    assert all(row["value"] is not None for row in drawn["line"] if row["slot"] == 0)
