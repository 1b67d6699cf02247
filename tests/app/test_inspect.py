"""The Inspect page, on small trained networks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.events import perplexity_of
from rnnlab.recipes import RECIPES
from rnnlab.runs import portable
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.view.data import networks, recorded
from rnnlab.view.inspect import charts as inspect_charts
from rnnlab.view.inspect.measures import (
    all_units,
    doubt,
    most_surprising,
    passage,
    surprises,
    text_perplexity,
    unrolled,
)
from rnnlab.view.inspect.sentences import next_sentence, state_reading, surprise_summary
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.numbers import perplexity_text
from rnnlab.view.language.settings import recipe_label, value_text
from rnnlab.view.page import session
from tests.app.conftest import TINY, Open, param, unfold, widget, words
from tests.made import finish, joined, split, until

NETWORKS = {
    "rnn": {},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm", "implementation": "library", "initialization": "uniform"},
    "deep": {"cell": "gru", "implementation": "library", "num_layers": 2, "num_hiddens": 40},
    "both_ways": {"cell": "lstm", "bidirectional": True},
}
STATES = {
    "rnn": ["H"],
    "gru": ["H", "update_gate", "reset_gate", "candidate"],
    "lstm": ["H", "C", "input_gate", "forget_gate", "output_gate", "candidate"],
}


@pytest.fixture(scope="module")
def runs(client: Client) -> dict[str, str]:
    """A trained network of each kind."""
    ids = {name: client.create(TINY.change(**changes), based_on="A2") for name, changes in NETWORKS.items()}
    for run_id in ids.values():
        finish(client, run_id)
    return ids


@pytest.fixture
def nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A server without runs."""
    with Client(tmp_path / "home") as other:
        monkeypatch.setattr(session, "connection", lambda: other)
        yield other


def charts(app: AppTest) -> list[dict[str, list[dict[str, Any]]]]:
    """Return the tables of all charts, decoded from the bytes sent to the browser."""
    return [
        {dataset.name: pa.ipc.open_stream(dataset.data.data).read_all().to_pylist() for dataset in chart.proto.datasets}
        for chart in app.get("vega_lite_chart")
    ]


def characters(app: AppTest) -> dict[str, Any]:
    """Return the data of the component that draws the text."""
    data: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return data


def told(client: Client, run_id: str, text: str, **asked: Any) -> dict[str, Any]:
    return client.inspect(run_id, text, **asked)


def test_a_line_of_the_training_text_is_coloured_by_surprise(
    open_page: Open, client: Client, runs: dict[str, str]
) -> None:
    app = open_page("inspect", "zh", run=runs["rnn"])
    assert not app.exception
    text = passage(session.facts().of(TINY).train)
    answer = told(client, runs["rnn"], text)
    found = surprises(answer)
    drawn = characters(app)
    assert "".join(cell["character"] for cell in drawn["cells"]) == text.replace(" ", "␣")
    assert drawn["at"] + 1 == most_surprising(found)
    assert surprise_summary(text, found, doubt(answer), answer["vocab_size"], "zh") in words(app)
    at = answer["next"][drawn["at"]]
    assert next_sentence(at["top"], text[drawn["at"] + 1], at["surprise"], "zh") in words(app)
    rows = charts(app)[0]["candidates"]
    assert [row["rank"].lstrip("012345→ ") for row in rows][:5] == [
        character.replace(" ", "␣") for character, _ in at["top"]
    ]
    assert sum("→" in row["rank"] for row in rows) == 1
    assert app.get("vega_lite_chart")[0].proto.alt


def test_the_arrows_move_to_another_character_and_the_url_keeps_it(open_page: Open, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run=runs["rnn"], at="3", text="清晨六点")
    assert characters(app)["at"] == 2
    app.button(key="inspect.step.on").click().run()
    assert characters(app)["at"] == 3
    assert param(app, "at") == "4"
    assert app.button(key="inspect.step.on").disabled
    assert t("inspect.surprise.short", "en") not in words(app)


def test_dependence_is_said_of_the_character_that_is_predicted(
    open_page: Open, client: Client, runs: dict[str, str]
) -> None:
    lang = "en"
    app = open_page("inspect", "en", run=runs["lstm"], view="dependence", at="4", text="清晨六点的小巷")
    assert not app.exception
    answer = client.dependence(runs["lstm"], "清晨六点的小巷", 3)
    assert answer["predicted"].replace(" ", "␣") in words(app)
    cells = characters(app)["cells"]
    shares = [weight / sum(answer["weights"]) for weight in answer["weights"]]
    assert [cell["level"] for cell in cells[:4]] == [
        sum(share >= bound for bound in (0.03, 0.1, 0.3)) for share in shares
    ]
    assert all(cell["note"] == t("inspect.note.later", lang) for cell in cells[4:])


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_every_state_and_gate_has_its_heat_map(
    open_page: Open, client: Client, runs: dict[str, str], kind: str
) -> None:
    text = "清晨六点的小巷 牛奶瓶还挂着月光"
    states = {state.name: state for state in unrolled(told(client, runs[kind], text))}
    assert [name for name in inspect_charts.STATES if name in states] == STATES[kind]
    for name, state in states.items():
        app = open_page("inspect", "en", run=runs[kind], view="states", gate=name, text=text)
        assert not app.exception
        cells = charts(app)[0]["cells"]
        assert len(cells) == len(text) * 8
        by_place = {(row["place"], row["units"]): row["value"] for row in cells}
        assert by_place["000清", "3"] == pytest.approx(float(state.values[0, 2]), abs=1e-6)
        assert by_place["007␣", "8"] == pytest.approx(float(state.values[7, 7]), abs=1e-6)
        sentence = state_reading(state, None, "en").removesuffix(t("inspect.blanks.few", "en"))
        assert sentence.strip() in words(app)


def test_units_can_be_binned_picked_or_looked_at_one_by_one(
    open_page: Open, client: Client, runs: dict[str, str]
) -> None:
    lang = "zh"
    app = open_page("inspect", "zh", run=runs["deep"], view="states", layer="2", text="清晨六点")
    assert not app.exception
    assert len({row["row"] for row in charts(app)[0]["cells"]}) == 32
    assert t("inspect.rows.all", "zh", rows=32) in str(widget(app, "segmented_control", "inspect.rows").options)
    widget(app, "segmented_control", "inspect.rows").set_value("active").run()
    assert len({row["row"] for row in charts(app)[0]["cells"]}) == 16
    assert param(app, "rows") == "active"
    widget(app, "segmented_control", "inspect.rows").set_value("unit").run()
    state = unrolled(told(client, runs["deep"], "清晨六点", layer=2))[0]
    widget(app, "number_input", "inspect.unit").set_value(40).run()
    assert not app.exception
    assert param(app, "unit") == "40"
    lines = [row for row in charts(app)[0]["lines"] if row["series"] == t(f"inspect.state.{state.name}", "zh")]
    assert [row["value"] for row in lines] == pytest.approx(state.values[:, 39].tolist(), abs=1e-6)
    assert {row["series"] for row in charts(app)[0]["lines"]} == {
        t(f"inspect.state.{name}", lang) for name in STATES["gru"]
    }


def test_a_network_that_reads_both_ways_is_said_to(open_page: Open, client: Client, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run=runs["both_ways"], view="states", direction="backward", text="清晨六点")
    assert not app.exception
    assert t("inspect.bidirectional", "en") in words(app)
    backward = next(
        state for state in unrolled(told(client, runs["both_ways"], "清晨六点")) if state.direction == "backward"
    )
    by_place = {(row["place"], row["units"]): row["value"] for row in charts(app)[0]["cells"]}
    assert by_place["000清", "1"] == pytest.approx(float(backward.values[0, 0]), abs=1e-6)
    one_way = open_page("inspect", "en", run=runs["rnn"])
    assert t("inspect.bidirectional", "en") not in words(one_way)


def test_an_unknown_character_is_named(open_page: Open, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run=runs["rnn"], text="清晨Q六")
    assert not app.exception
    assert "Q" in app.error[0].value
    app.button(key="inspect.fill.train").click().run()
    assert not app.error
    assert param(app, "text").startswith("清晨")


def test_texts_with_one_click(open_page: Open, client: Client, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run=runs["rnn"])
    app.button(key="inspect.fill.written").click().run()
    written = [event for _, event in client.store.events_since(runs["rnn"]) if event.kind == "text_generated"]
    assert param(app, "text") == next(event.text for event in written if event.epoch == 6)
    app.button(key="inspect.fill.held_out").click().run()
    assert not app.exception
    assert not app.error
    facts = session.facts().of(TINY)
    assert param(app, "text") in facts.held_out
    assert param(app, "text") not in facts.train


def test_a_checkpoint_is_chosen_by_its_epoch(open_page: Open, client: Client, runs: dict[str, str]) -> None:
    kept = [epoch for epoch, minibatch, _ in client.store.checkpoints(runs["rnn"]) if not minibatch]
    assert len(kept) > 1
    app = open_page("inspect", "en", run=runs["rnn"], epoch=str(kept[0]), text="清晨六点")
    assert not app.exception
    vocab_size = session.facts().of(TINY).vocab_size
    first = told(client, runs["rnn"], "清晨六点", epoch=kept[0])
    assert surprise_summary("清晨六点", surprises(first), doubt(first), vocab_size, "en") in words(app)
    slider = widget(app, "select_slider", "inspect.epoch")
    slider.set_value(len(kept) - 1).run()
    last = told(client, runs["rnn"], "清晨六点")
    assert surprise_summary("清晨六点", surprises(last), doubt(last), vocab_size, "en") in words(app)
    assert "epoch" not in app.query_params


@pytest.mark.parametrize(
    ("name", "value"),
    [("epoch", "7777"), ("epoch", "two"), ("at", "0"), ("at", "99"), ("layer", "9"), ("gate", "x"), ("unit", "-1"),
     ("view", "none"), ("text", "清" * 300), ("text", "")],
)  # fmt: skip
def test_what_a_link_gets_wrong_is_put_right(open_page: Open, runs: dict[str, str], name: str, value: str) -> None:
    app = open_page("inspect", "en", run=runs["gru"], **{"view": "states", "text": "清晨六点", name: value})
    assert not app.exception
    assert not app.error
    if name == "epoch":
        assert value in app.info[0].value


def test_a_run_that_is_not_there(open_page: Open, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run="nosuchrun")
    assert not app.exception
    assert "nosuchrun" in app.error[0].value
    assert param(app, "run") in client_ids()  # another run is shown instead


def client_ids() -> list[str]:
    return [record.id for record in session.store().runs()]


def test_an_imported_run_has_no_weights_and_the_page_says_so(
    open_page: Open, client: Client, runs: dict[str, str]
) -> None:
    imported = client.import_run(to_json(export_run(client.store, runs["rnn"])))
    app = open_page("inspect", "en", run=imported)
    assert not app.exception
    assert t("inspect.no_weights", "en", id=imported) in [element.value for element in app.warning]
    client.delete(imported)


def test_an_imported_network_is_read_where_its_text_is_and_the_page_says_where_it_is_not(
    open_page: Open, client: Client, runs: dict[str, str]
) -> None:
    file = portable.exported(client.store, runs["rnn"], client.environment.corpus_folders)
    imported = client.import_run(file)
    app = open_page("inspect", "en", run=imported)
    assert not app.exception
    assert not app.error
    assert characters(app)["cells"] == characters(open_page("inspect", "en", run=runs["rnn"]))["cells"]
    header, tensors = split(file)
    run = json.loads(header["__metadata__"]["run"])
    run["config"]["corpus"] = gone = "text-0123456789abcdef"
    header["__metadata__"]["run"] = json.dumps(run)
    elsewhere = client.import_run(joined(header, tensors))
    app = open_page("inspect", "en", run=elsewhere, text="".join(json.loads(header["__metadata__"]["vocab"])[:3]))
    assert not app.exception
    assert t("error.corpus_text_gone", "en", name=gone) in words(app) + "".join(error.value for error in app.error)
    for run_id in (imported, elsewhere):
        client.delete(run_id)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_nothing_was_trained_a_network_that_ships_is_shown(open_page: Open, nothing: Client, lang: str) -> None:
    app = open_page("inspect", lang)
    assert not app.exception
    assert not app.error
    name = {"zh": "A3", "en": "B3"}[lang]
    assert param(app, "recording") == name
    assert "run" not in app.query_params
    label = networks.label(name, networks.epochs(name)[-1])
    note = t(
        "inspect.network.note",
        lang,
        id=name,
        epoch=label.epoch,
        perplexity=perplexity_text(perplexity_of(label.loss)),
        corpus=value_text("corpus", label.config.corpus, lang),
    )
    assert note in words(app)
    facts = session.facts().of(label.config)
    text = "".join(cell["character"] for cell in characters(app)["cells"])
    assert text == passage(facts.train).replace(" ", "␣")
    assert sum(row["rank"].startswith("0") for row in charts(app)[0]["candidates"]) == 1
    # nothing was asked of a worker
    assert not nothing.store.runs()


@pytest.mark.parametrize(("lang", "name"), [("zh", "A6"), ("en", "B3")])
def test_gates_and_dependence_of_a_network_that_ships(open_page: Open, nothing: Client, lang: str, name: str) -> None:
    app = open_page("inspect", lang, recording=name, view="states", gate="forget_gate")
    assert not app.exception
    epoch = networks.epochs(name)[-1]
    text = passage(session.facts().of(networks.label(name, epoch).config).train)
    answer = networks.answer(name, epoch, {"kind": "inspect", "text": text, "layer": 1})
    state = next(state for state in unrolled(answer) if state.name == "forget_gate")
    assert state_reading(state, None, lang).removesuffix(t("inspect.blanks.few", lang)).strip() in words(app)
    (drawn, along) = charts(app)
    assert {row["series"] for row in along["lines"]} == {t("inspect.state.forget_gate", lang)}
    by_place = {(row["place"], row["row"]): row["value"] for row in drawn["cells"]}
    rows = all_units(state.values)
    assert list(by_place.values()) == pytest.approx(rows.values.ravel().tolist(), abs=1e-6)
    app = open_page("inspect", lang, recording=name, view="dependence", at="9")
    assert not app.exception
    weights = networks.answer(name, epoch, {"kind": "dependence", "text": text, "position": 8})
    assert weights["predicted"].replace(" ", "␣") in words(app)
    shares = [weight / sum(weights["weights"]) for weight in weights["weights"]]
    assert [cell["level"] for cell in characters(app)["cells"][:9]] == [
        sum(share >= bound for bound in (0.03, 0.1, 0.3)) for share in shares
    ]


def test_networks_that_ship_are_listed_beside_the_runs(open_page: Open, runs: dict[str, str]) -> None:
    app = open_page("inspect", "en", run=runs["rnn"])
    menu = widget(app, "selectbox", "inspect.run")
    assert [option for option in menu.options if option.startswith("comes with the app")] == [
        t("inspect.network.option", "en", title=recipe_label(RECIPES[name], "en")) for name in networks.names()
    ]
    menu.set_value("recorded:A3").run()
    assert not app.exception
    assert (param(app, "recording"), "run" in app.query_params) == ("A3", False)
    # over time
    text = passage(session.facts().of(RECIPES["A3"].config).train)
    perplexities = []
    for place, epoch in enumerate(networks.epochs("A3")):
        widget(app, "select_slider", "inspect.epoch").set_value(place).run()
        answer = networks.answer("A3", epoch, {"kind": "inspect", "text": text, "layer": 1})
        found = surprises(answer)
        assert surprise_summary(text, found, doubt(answer), 1013, "en") in words(app)
        perplexities.append(text_perplexity(found))
    assert perplexities == sorted(perplexities, reverse=True)
    assert "epoch" not in app.query_params
    widget(app, "selectbox", "inspect.run").set_value(runs["gru"]).run()
    assert (param(app, "run"), "recording" in app.query_params) == (runs["gru"], False)


def test_a_text_in_another_alphabet_is_left_behind(open_page: Open, nothing: Client) -> None:
    app = open_page("inspect", "en", recording="A6", text="一天")
    assert not app.error
    widget(app, "selectbox", "inspect.run").set_value("recorded:A3").run()
    assert param(app, "text") == "一天"
    widget(app, "selectbox", "inspect.run").set_value("recorded:B1").run()
    assert not app.exception
    assert not app.error
    assert "text" not in app.query_params


def test_a_link_to_a_network_that_does_not_ship(open_page: Open, nothing: Client) -> None:
    app = open_page("inspect", "en", recording="A99")
    assert not app.exception
    assert "A99" in app.error[0].value
    assert "A6" in app.error[0].value
    app = open_page("inspect", "en", recording="a3", epoch="50")
    assert not app.error
    assert (param(app, "recording"), param(app, "epoch")) == ("A3", "50")


def test_what_the_network_wrote_comes_from_its_recording(open_page: Open, nothing: Client) -> None:
    app = open_page("inspect", "en", recording="A3", epoch="100")
    app.button(key="inspect.fill.written").click().run()
    assert param(app, "text") == next(iter(recorded.recording("A3").history.texts[100].values()))


def test_worse_than_a_blind_guess_is_said(open_page: Open, nothing: Client) -> None:
    app = open_page("inspect", "en", recording="A3")
    app.button(key="inspect.fill.held_out").click().run()
    found = surprises(networks.answer("A3", 250, {"kind": "inspect", "text": param(app, "text"), "layer": 1}))
    assert (text_perplexity(found) or math.inf) > 1013
    assert "worse than a blind guess among the 1,013 characters" in words(app)
    assert t("inspect.surprise.summary", "en").split("{")[0] not in words(app)


def test_where_nothing_was_trained_one_click_starts_a_run(open_page: Open, nothing: Client) -> None:
    app = open_page("inspect", "en")
    unfold(app)
    app.button(key="inspect.start.A3").click().run()
    assert not app.exception
    run_id = param(app, "run")
    assert nothing.store.run(run_id).name == "A3"
    until(nothing, run_id, lambda record: record.state == "running")
    nothing.stop(run_id)  # a stopped run keeps its weights
    until(nothing, run_id, lambda record: record.continuable)
    app.run()
    assert not app.exception
    assert characters(app)["cells"]
    nothing.delete(run_id)
