"""The Diagnose page: four topics, on recordings, on runs of this server, and without either."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.config import TrainConfig
from rnnlab.events import Diagnosis, Probed, RunFinished, SettingChanged
from rnnlab.recordings.extras import GAPS
from rnnlab.runs.client import Client
from rnnlab.runs.export import to_json
from rnnlab.view.data import recorded
from rnnlab.view.data.highlight import literal
from rnnlab.view.diagnose import sentences
from rnnlab.view.diagnose.cloze import telling
from rnnlab.view.diagnose.overfitting import cures
from rnnlab.view.diagnose.starting import RECIPE
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.numbers import percent
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page import asking, session
from rnnlab.view.watch import scenes
from tests.app.conftest import TINY, Open, param, widget, words
from tests.app.test_pages import chart
from tests.made import epoch, finish
from tests.view.diagnose.test_sentences import LEAKY, diagnosis

TOPICS = ("layers", "directions", "clipping", "overfitting")
STACK = TINY.change(cell="lstm", implementation="library", num_layers=4, optimizer="adam", learning_rate=0.01)

EPOCH = epoch(1, grad_norm_by_layer=(0.1,) * 5)

Record = Callable[[str, dict[int, Diagnosis]], None]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    """Recordings for one test: `shelf("A9", {160: diagnosis})` adds diagnoses to a shipped recording."""
    source = recorded.folder()

    def put(name: str, probes: dict[int, Diagnosis]) -> None:
        data = json.loads(gzip.decompress(source.joinpath(f"{name}.json.gz").read_bytes()))
        events = [event for event in data["events"] if event["kind"] != "probed"]
        events[-1:-1] = [
            Probed(epoch=epoch, diagnosis=found).model_dump(mode="json") for epoch, found in probes.items()
        ]
        packed = gzip.compress(to_json({**data, "events": events}).encode("utf-8"))
        (tmp_path / f"{name}.json.gz").write_bytes(packed)
        forget()

    def forget() -> None:
        recorded.forget()
        scenes._recorded_shelf.clear()

    monkeypatch.setattr(recorded, "folder", lambda: tmp_path)
    forget()
    yield put
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def stack(client: Client) -> str:
    """A trained run of four layers on two thousand characters."""
    return trained(client, STACK)


def trained(client: Client, config: Any, **names: str) -> str:
    run_id = client.create(config, **names)
    finish(client, run_id)
    return run_id


def answered(app: AppTest) -> AppTest:
    """Run the page until all its questions have been answered."""
    while open_ := app.session_state[asking.OPEN]:
        wait(open_, timeout=120)
        app.run()
    return app


def judged(found: Diagnosis, config: Any) -> Diagnosis:
    """A diagnosis as the page shows it: compared with the characters that the run predicts."""
    text = session.facts().of(config)
    return found.model_copy(update={"unigram_perplexity": text.unigram(config, walked=True)})


def imported(client: Client, config: TrainConfig, *, by_hand: bool = False, perplexity: float = 50.0) -> str:
    """Import a run of three epochs; optionally its clipping was changed after the first."""
    as_set = {"clip_norm": config.clip_norm, "clipped_share": 0.0 if config.clip_norm is None else 1.0}
    rows = [EPOCH.model_copy(update={"epoch": at, "perplexity": perplexity, **as_set}) for at in (1, 2, 3)]
    change = [SettingChanged(epoch=1, minibatch=0, name="clip_norm", value=0.5)] if by_hand else []
    events = [rows[0], *change, *rows[1:], RunFinished(reason="finished", epoch=3, minibatch=0)]
    data = {
        "format": "rnnlab-run",
        "version": 1,
        "config": json.loads(config.to_json()),
        "made": {},
        "corpus": {"name": config.corpus, "vocab_size": 3},
        "events": [json.loads(event.to_json()) for event in events],
    }
    return client.import_run(json.dumps(data))


def buttons(app: AppTest) -> list[str | None]:
    return [button.key for button in app.button]


def alts(app: AppTest) -> str:
    return "\n".join(str(widget.proto.alt) for widget in app.get("vega_lite_chart"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_speaks_of_a_recording(open_page: Open, lang: str, topic: str) -> None:
    app = open_page("diagnose", lang, topic=topic, recording=RECIPE[topic])
    assert not app.exception
    page_text = words(app)
    assert t(f"diagnose.{topic}.lead", lang) in page_text
    assert param(app, "topic") == topic
    assert param(app, "recording") == RECIPE[topic]
    assert t(f"diagnose.{topic}.lead", "zh" if lang == "en" else "en") not in page_text


@pytest.mark.parametrize("topic", TOPICS)
def test_with_nothing_recorded_and_no_run_that_fits_a_start_is_offered(
    open_page: Open, shelf: Record, client: Client, topic: str
) -> None:
    app = open_page("diagnose", "en", topic=topic)
    assert not app.exception
    if topic in ("layers", "directions") and not client.store.runs():
        assert [button.key for button in app.button if button.key == f"diagnose.start.{RECIPE[topic]}"]
        assert app.info


def test_six_layers_are_told_from_their_diagnosis(open_page: Open, shelf: Record) -> None:
    shelf("A9", {160: diagnosis()})
    shelf("A8", {})
    app = open_page("diagnose", "en")
    assert not app.exception
    page_text = words(app)
    assert param(app, "recording") == "A9"
    assert sentences.verdict(judged(diagnosis(), recorded.recording("A9").config), "en") in page_text
    assert f"block: {t('layers.stuck', 'en')}]" in page_text
    assert t("find.outputs.blanks", "en", character="␣", share="100%") in page_text
    assert t("diagnose.memory", "en", memory=t("memory.at_1", "en")) in page_text
    tables = {
        name: rows for index in range(len(app.get("vega_lite_chart"))) for name, rows in chart(app, index)[1].items()
    }
    assert [row["character"] for row in tables["outputs"]] == ["␣", "我"]
    # the last chart is that of the run to compare with
    assert {row["layer"] for row in tables["cells"]} == set(layer_names(3, "en"))


@pytest.mark.parametrize("name", ["A9", "A9-repaired", "A9-xavier"])
def test_who_ignores_the_input_is_never_below_its_best_constant(open_page: Open, name: str) -> None:
    """Older recordings have the unigram perplexity of the whole text, 262.6; these networks are below it."""
    tape = recorded.recording(name)
    stored = tape.history.probes[160]
    assert stored.perplexity is not None
    assert 260.982 < stored.perplexity < 262.6
    app = open_page("diagnose", "en", topic="layers", recording=name)
    assert not app.exception
    judgement = judged(stored, tape.config)
    assert judgement.stuck
    page_text = words(app)
    assert "above the unigram perplexity 261;" in sentences.verdict(judgement, "en")
    assert sentences.verdict(judgement, "en") in page_text
    assert sentences.plateau(tape.history, judgement.unigram_perplexity, "en") in page_text
    against = next(element for element in app.metric if element.label == t("layers.against", "en"))
    assert against.value.startswith("+")
    charts = [chart(app, index)[1] for index in range(len(app.get("vega_lite_chart")))]
    lines = [rule for tables in charts for rule in tables.get("rules", []) if "unigram" in str(rule["label"])]
    assert lines
    for line in lines:
        assert line["value"] == pytest.approx(260.982, abs=0.001)


def test_a_network_that_is_free_is_not_called_stuck(open_page: Open, shelf: Record) -> None:
    free = diagnosis(perplexity=1.02, honest_perplexity=1.02, kl_to_unigram=0.3, sensitivity=0.98)
    shelf("A8", {160: free})
    app = open_page("diagnose", "en", topic="layers", recording="A8")
    assert not app.exception
    page_text = words(app)
    assert t("layers.free", "en") in page_text
    assert f"block: {t('layers.stuck', 'en')}]" not in page_text
    assert "ignores its input" not in page_text


@pytest.mark.parametrize("at", [40, 160])
def test_the_text_is_that_of_the_checkpoint(open_page: Open, shelf: Record, at: int) -> None:
    free = diagnosis(perplexity=1.02, honest_perplexity=1.02, kl_to_unigram=0.3, sensitivity=0.98)
    for name in ("A6", "A10"):
        shelf(name, {40: free, 160: free})
    tape = recorded.recording("A6")
    texts = tape.history.texts
    other = texts[200 - at]
    for key in ("outputs", "loops"):
        app = open_page("diagnose", "en", topic="layers" if key == "outputs" else "directions", recording="A6",
                        epoch=str(at))  # fmt: skip
        assert not app.exception
        if key == "outputs":
            yes, no = (sentences.outputs(free, tape.config, some, "en") for some in (texts[at], other))
        else:
            yes, no = (sentences.loops(some, "en") for some in (texts[at], other))
        page_text = words(app)
        assert yes in page_text
        assert no not in page_text


def test_the_answer_that_is_read_gets_its_badge(open_page: Open, shelf: Record) -> None:
    shelf("A10", {160: LEAKY})
    app = open_page("diagnose", "zh", topic="directions")
    assert not app.exception
    page_text = words(app)
    assert t("leak.badge", "zh") in page_text
    both = recorded.recording("A10").config
    assert sentences.leak(LEAKY, both, "zh") in page_text
    assert sentences.position(LEAKY, both, "zh") in alts(app)
    ahead = [t(key, "zh") for key in ("leak.why", "leak.positions.why", "leak.loops.why")]
    assert all(sentence in page_text for sentence in ahead)
    assert t("leak.window", "zh", number=2) in page_text
    shelf("A8", {160: diagnosis(perplexity=1.02, honest_perplexity=1.02)})
    app = open_page("diagnose", "zh", topic="directions", recording="A8")
    assert t("leak.badge", "zh") not in words(app)
    assert not any(sentence in words(app) for sentence in ahead)


def test_reading_on_is_the_task_of_a_network_that_fills_gaps(open_page: Open, client: Client) -> None:
    lang = "zh"
    config = TINY.change(bidirectional=True, objective="cloze", random_seed=0)
    app = answered(open_page("diagnose", "zh", topic="directions", run=trained(client, config)))
    assert not app.exception
    page_text = words(app)
    assert t("leak.cloze", lang) in page_text
    assert t("find.wrong_end.cloze", lang) in page_text
    for key in ("leak.badge", "leak.why", "leak.positions.why", "leak.loops.why"):
        assert t(key, lang) not in page_text
    assert t("leak.window", lang, number=2) not in page_text


def test_the_recorded_pair_shows_what_clipping_changed(open_page: Open) -> None:
    app = open_page("diagnose", "en", topic="clipping", recording="A8")
    assert not app.exception
    off, on = recorded.recording("A8").history, recorded.recording("A8-repaired").history
    page_text = words(app)
    config = recorded.recording("A8").config
    assert sentences.switch(off, on, session.facts().of(config).unigram(config), "en") in page_text
    assert sentences.clipping(off, 0.01, "", "en") in page_text
    assert page_text.count(t("find.clip.adam", "en")) == 1
    assert "0.6, 0.8" in page_text  # the example has been executed
    assert "for g in gradients" in app.code[-1].value


@pytest.mark.parametrize("lang", LANGUAGES)
def test_figures_that_differ_on_one_page_say_what_each_measures(open_page: Open, lang: str) -> None:
    """A9's recording: the curve and the diagnosis, the frequencies of the targets and of the whole text."""
    app = open_page("diagnose", lang, topic="layers", recording="A9")
    tape = recorded.recording("A9")
    epoch = max(tape.history.probes)
    found, event, text = tape.history.probes[epoch], tape.history.at(epoch), session.facts().of(tape.config)
    assert event is not None
    page_text = words(app)
    frozen = sentences.fixed_weights(tape.history, epoch, found, lang)
    whole = sentences.unigrams(text.unigram(tape.config), text.ladder[1], lang)
    assert frozen
    assert whole
    assert frozen in page_text
    assert whole in page_text
    assert sentences.denormal(found, True, lang) in page_text


def test_overfitting_is_drawn_from_the_diagnoses(open_page: Open, shelf: Record) -> None:
    points = {50: (60.0, 120.0), 100: (7.0, 300.0), 250: (1.2, 900.0)}
    shelf("A2", {at: diagnosis(perplexity=train, held_out_perplexity=held) for at, (train, held) in points.items()})
    app = open_page("diagnose", "en", topic="overfitting")
    assert not app.exception
    page_text, tape = words(app), recorded.recording("A2")
    assert sentences.overfitting(points, "en") in page_text
    assert sentences.unknown(diagnosis(), 13_028, "en") in page_text
    _, tables = chart(app)
    marked = [row["epoch"] for row in tables["targets"] if row["mark"]]
    assert marked == [50, 100, 250]
    assert chart(app, 1)[1]["lines"][-1]["value"] == pytest.approx(0.71, abs=0.05)
    text, written = session.facts().of(tape.config), tape.history.texts[250]
    longest = max(text.read(generated, prefix, "en").longest for prefix, generated in written.items())
    assert longest >= 5
    assert t("find.copy.longest", "en", epoch=250, count=longest) in page_text


@pytest.mark.parametrize("topic", TOPICS)
def test_a_run_of_this_server_is_diagnosed_at_its_newest_checkpoint(
    open_page: Open, client: Client, stack: str, topic: str
) -> None:
    app = answered(open_page("diagnose", "en", topic=topic, run=stack))
    assert not app.exception
    assert not app.error
    assert param(app, "run") == stack
    epoch, found = client.diagnose(stack)
    assert epoch == STACK.num_epochs
    page_text = words(app)
    if topic == "layers":
        assert sentences.verdict(found, "en") in page_text
    elif topic == "directions":
        assert sentences.leak(found, STACK, "en") in page_text
    elif topic == "overfitting":
        assert sentences.unknown(found, len(session.facts().of(STACK).held_out), "en") in page_text
        app.button(key="over.all").click().run()
        answered(app)
        points = [row["epoch"] for row in chart(app)[1]["targets"] if row["mark"]]
        assert points == [2, 4, 6]
    else:
        assert [button.key for button in app.button if button.key == "clip.start"]


def test_another_checkpoint_stands_in_the_url(open_page: Open, client: Client, stack: str) -> None:
    app = answered(open_page("diagnose", "en", topic="layers", run=stack, epoch="2"))
    assert param(app, "epoch") == "2"
    assert sentences.verdict(client.diagnose(stack, 2)[1], "en") in words(app)
    app = open_page("diagnose", "en", topic="layers", run=stack, epoch="3")  # an epoch without a checkpoint
    assert not app.exception
    assert "epoch" not in app.query_params


def test_a_wrong_run_is_said_and_leaves_the_url(open_page: Open) -> None:
    for lang in LANGUAGES:
        app = open_page("diagnose", lang, run="nowhere1", topic="layers")
        assert not app.exception
        assert "nowhere1" in app.error[0].value
        assert app.query_params.get("run") != ["nowhere1"]
        app = open_page("diagnose", lang, recording="Z9")
        assert "Z9" in app.error[0].value
        app = open_page("diagnose", lang, topic="astrology")
        assert not app.exception
        assert param(app, "topic") == "layers"


@pytest.mark.parametrize("topic", TOPICS)
def test_a_run_without_a_checkpoint_says_so(open_page: Open, client: Client, topic: str) -> None:
    lang = "en"
    run_id = trained(client, TINY.change(num_epochs=0))
    app = open_page("diagnose", "en", topic=topic, run=run_id)
    assert not app.exception
    if topic != "clipping":
        assert t("diagnose.no_checkpoint", lang) in [element.value for element in app.info]


def test_the_topic_is_switched_and_each_keeps_its_own_run(open_page: Open, client: Client, stack: str) -> None:
    app = open_page("diagnose", "en", topic="layers", run=stack)
    control = next(
        widget for widget in app.get("segmented_control") if (widget.key or "").startswith("diagnose.topics.")
    )
    control.set_value("clipping").run()
    assert not app.exception
    assert param(app, "topic") == "clipping"
    control = next(
        widget for widget in app.get("segmented_control") if (widget.key or "").startswith("diagnose.topics.")
    )
    control.set_value("layers").run()
    assert param(app, "run") == stack


def test_a_link_says_what_the_gradients_are_set_beside_also_after_a_choice(open_page: Open) -> None:
    app = open_page("diagnose", "en", topic="layers", recording="A9")
    assert "beside" not in app.query_params
    widget(app, "selectbox", "diagnose.beside").set_value("recorded:A1").run()
    assert param(app, "beside") == "recorded:A1"
    app.switch_page("pages/runs.py").run()
    app.query_params["beside"] = "recorded:A2"
    app.switch_page("pages/diagnose.py").run()
    assert not app.exception
    assert widget(app, "selectbox", "diagnose.beside").value == "recorded:A2"
    assert param(app, "beside") == "recorded:A2"


def test_another_run_is_chosen_by_its_name(open_page: Open, stack: str) -> None:
    app = open_page("diagnose", "en", topic="layers", recording="A9")
    picker = next(widget for widget in app.selectbox if (widget.key or "").startswith("diagnose.subject."))
    picker.set_value(f"run:{stack}").run()
    assert not app.exception
    assert param(app, "run") == stack
    assert "recording" not in app.query_params


def test_the_run_beside_it_stands_in_the_url(open_page: Open, stack: str) -> None:
    app = open_page("diagnose", "en", topic="layers", recording="A9", beside=f"run:{stack}")
    assert not app.exception
    assert param(app, "beside") == f"run:{stack}"
    picker = next(widget for widget in app.selectbox if (widget.key or "").startswith("diagnose.beside."))
    assert picker.value == f"run:{stack}"
    picker.set_value("recorded:A8").run()  # the default comparison is not in the URL
    assert not app.exception
    assert "beside" not in app.query_params


def test_the_cost_of_denormal_numbers_is_measured_by_two_real_runs(open_page: Open, client: Client, stack: str) -> None:
    app = open_page("diagnose", "en", topic="layers", run=stack)
    app.button(key="diagnose.demonstration").click().run()
    assert not app.exception
    pair = [record for record in client.store.runs() if record.config.num_epochs == 24]
    assert sorted(record.config.flush_denormal for record in pair) == [False, True]
    for record in pair:
        finish(client, record.id)
    app.run()
    assert not app.exception
    assert "Measured on this machine: over epochs 13 to 24" in alts(app)


def test_a_rescue_starts_from_the_same_seed_and_is_judged_by_its_run(
    open_page: Open, client: Client, stack: str
) -> None:
    app = open_page("diagnose", "en", topic="layers", run=stack)
    app.button(key="diagnose.rescue.A9-residual").click().run()
    assert not app.exception
    run = client.store.runs(limit=1)[0]
    assert run.config == STACK.change(residual=True)
    finish(client, run.id)
    app.run()
    last = client.store.run(run.id)
    assert last.perplexity is not None
    assert f"epoch {STACK.num_epochs}: perplexity" in words(app)
    assert "diagnose.rescue.A9-residual" not in [button.key for button in app.button]


def test_a_rescue_that_was_changed_by_hand_is_none(open_page: Open, client: Client) -> None:
    config = STACK.change(random_seed=71)
    run = imported(client, config)
    imported(client, config.change(residual=True), by_hand=True, perplexity=1.5)
    app = open_page("diagnose", "en", topic="layers", run=run)
    assert not app.exception
    assert "diagnose.rescue.A9-residual" in buttons(app)
    assert t("layers.rescue.works", "en") not in words(app)
    imported(client, config.change(residual=True), perplexity=1.5)
    app = open_page("diagnose", "en", topic="layers", run=run)
    assert "diagnose.rescue.A9-residual" not in buttons(app)
    assert t("layers.rescue.works", "en") in words(app)


def test_a_pair_of_denormal_numbers_that_was_changed_by_hand_is_none(open_page: Open, client: Client) -> None:
    config = STACK.change(random_seed=72)
    run = imported(client, config)
    short = config.change(num_epochs=24, pred_period=24)
    imported(client, short.change(flush_denormal=True))
    imported(client, short.change(flush_denormal=False), by_hand=True)
    assert "diagnose.demonstration" in buttons(open_page("diagnose", "en", topic="layers", run=run))
    imported(client, short.change(flush_denormal=False))
    assert "diagnose.demonstration" not in buttons(open_page("diagnose", "en", topic="layers", run=run))


def test_without_clipping_there_is_a_sentence_instead_of_an_empty_chart(open_page: Open, client: Client) -> None:
    config = STACK.change(random_seed=79, clip_norm=None)
    run = imported(client, config)
    alone = open_page("diagnose", "en", topic="clipping", run=run)
    assert not alone.exception
    assert "Nothing was clipped." in words(alone)
    assert len(alone.get("vega_lite_chart")) == 2  # perplexities and norms
    imported(client, config.change(clip_norm=0.01))
    assert len(open_page("diagnose", "en", topic="clipping", run=run).get("vega_lite_chart")) == 3
    by_hand = imported(client, config.change(random_seed=80), by_hand=True)
    assert len(open_page("diagnose", "en", topic="clipping", run=by_hand).get("vega_lite_chart")) == 3


def test_a_twin_that_was_changed_by_hand_is_none(open_page: Open, client: Client) -> None:
    config = STACK.change(random_seed=73, clip_norm=0.01)
    run = imported(client, config)
    imported(client, config.change(clip_norm=None), by_hand=True)
    app = open_page("diagnose", "en", topic="clipping", run=run)
    assert "clip.start" in buttons(app)
    assert "with clipping off" not in words(app)
    imported(client, config.change(clip_norm=None))
    app = open_page("diagnose", "en", topic="clipping", run=run)
    assert "clip.start" not in buttons(app)
    assert "with clipping off" in words(app)


def test_a_run_that_was_changed_by_hand_itself_has_no_twin(open_page: Open, client: Client) -> None:
    lang = "zh"
    config = STACK.change(random_seed=74, clip_norm=None)
    run = imported(client, config, by_hand=True)
    imported(client, config.change(clip_norm=0.01))
    app = open_page("diagnose", "zh", topic="clipping", run=run)
    assert not app.exception
    assert t("clip.changed", "zh") in words(app)
    assert "clip.start" not in buttons(app)
    assert f"{t('clip.off', lang)} (" not in words(app)
    assert len(chart(app)[1]["lines"]) == 3  # only its own epochs
    app = open_page("diagnose", lang, topic="layers", run=run)
    assert t("layers.rescue.changed", lang) in words(app)
    assert t("layers.rescue.why", lang, seed=config.random_seed) not in words(app)


def test_the_twin_with_the_other_clipping_is_started_and_compared(open_page: Open, client: Client, stack: str) -> None:
    app = open_page("diagnose", "en", topic="clipping", run=stack)
    app.button(key="clip.start").click().run()
    run = client.store.runs(limit=1)[0]
    assert run.config == STACK.change(clip_norm=None)
    finish(client, run.id)
    app.run()
    assert not app.exception
    assert "with clipping off" in words(app)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_cure_for_learning_by_heart_is_started_and_then_examined(
    open_page: Open, client: Client, stack: str, lang: str
) -> None:
    app = open_page("diagnose", lang, topic="overfitting", run=stack)
    assert not app.exception
    assert t("over.cures.measured", lang) in words(app)
    app.button(key="over.cure.dropout").click().run()
    assert not app.exception
    run = client.store.runs(limit=1)[0]
    assert run.config == STACK.change(dropout=cures(STACK)["dropout"])
    assert param(app, "run") == run.id
    finish(client, run.id)
    app.run()
    assert not app.exception
    keys = [button.key for button in app.button]
    assert "over.cure.dropout" not in keys  # it has that already
    assert "over.cure.weight_decay" in keys


def test_filling_a_gap_with_both_networks(open_page: Open, client: Client) -> None:
    both = trained(client, TINY.change(bidirectional=True, cell="gru", implementation="library", optimizer="adam",
                                       learning_rate=0.01))  # fmt: skip
    app = open_page("diagnose", "en", topic="directions", run=both)
    assert not app.exception
    app.button(key="cloze.start").click().run()
    assert not app.exception
    started = client.store.runs(limit=2)
    assert {record.config.objective for record in started} == {"cloze", "next"}
    assert {record.based_on for record in started} == {"A10-cloze", "A10-one-way"}
    for record in started:
        finish(client, record.id)
    app.run()
    answered(app)
    assert not app.exception
    assert not app.error, [element.value for element in app.error]
    cloze = next(record.id for record in started if record.config.objective == "cloze")
    share = client.gaps(cloze, 400)["train"]["accuracy"]
    assert percent(share) in app.table[0].value.to_csv()
    typed = next(widget for widget in app.text_input if (widget.key or "").startswith("cloze.typed."))
    typed.set_value("没有空").run()
    assert t("error.gap_marks", "en", count=0) in app.error[0].value
    typed = next(widget for widget in app.text_input if (widget.key or "").startswith("cloze.typed."))
    typed.set_value("我＿你").run()
    answered(app)
    assert not app.exception
    top = client.fill_gap(cloze, "我", "你")["top"]
    assert percent(top[0][1]) in alts(app)
    app.button(key="cloze.pick").click().run()
    answered(app)
    assert not app.exception


def test_the_first_sentence_is_one_that_only_both_directions_fill() -> None:
    right, wrong = ({"answer": "a", "top": [[character, 0.9]]} for character in "ab")
    assert telling([[wrong, right, right], [wrong, right, wrong]]) == 2
    assert telling([[wrong, right], [wrong, right]]) == telling([[wrong], [right]]) == 0
    assert telling([[wrong, right]]) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_gaps_are_filled_by_recorded_networks_before_anybody_trains(open_page: Open, lang: str) -> None:
    answers = recorded.answers()["gaps"]

    def said(number: int) -> str:
        filled = [answers[name]["sentences"][number] for name in GAPS]
        answer = filled[0]["answer"]
        ticked = any(answer == character for each in filled for character, _ in each["top"])
        return t("cloze.answer" if ticked else "cloze.answer.missed", lang, character=literal(answer))

    app = open_page("diagnose", lang, topic="directions", recording="A10")
    assert not app.exception
    (table,) = [element.value for element in app.table if t("cloze.network", lang) in element.value.columns]
    assert list(table[t("cloze.network", lang)]) == [t(f"cloze.{name}", lang) for name in GAPS]
    assert list(table[t("cloze.train", lang)]) == [percent(answers[name]["gaps"]["train"]["accuracy"]) for name in GAPS]
    assert t("cloze.recorded", lang) in words(app)
    entries = answers["A10-cloze"]["sentences"]
    menu = next(element for element in app.selectbox if (element.key or "").startswith("cloze.recorded."))
    assert menu.options == [f"{entry['before']}＿{entry['after']}" for entry in entries]
    first = menu.index
    assert first is not None
    both, alone = (answers[name]["sentences"][first] for name in GAPS)
    assert both["top"][0][0] == both["answer"] != alone["top"][0][0]
    assert said(first) in words(app)
    if lang == "en":  # outside of a session the menus of the page are in English
        menu.select_index(3).run()
        assert not app.exception
        assert said(3) in words(app)
