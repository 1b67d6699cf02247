"""The Lessons page as the server runs it: all lessons in both languages, and guesses before results."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.lessons import contents
from rnnlab.view.lessons.compute import exercises, shapes, tuning
from tests.app.conftest import TINY, Open, param, words
from tests.made import finish

NAMES = [entry.name for entry in contents.ALL]


def page_text(app: AppTest) -> str:
    """Return the texts of the page, with conclusions."""
    return words(app)


def conclusions(app: AppTest) -> list[str]:
    return [str(element.value) for element in app.info]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_opens_by_its_url(open_page: Open, name: str, lang: str) -> None:
    app = open_page("lessons", lang, lesson=name)
    assert not app.exception
    assert not app.error
    lesson = contents.find(name)
    assert t(f"{lesson.key}.title", lang) in app.header[0].value
    assert t(f"{lesson.key}.lead", lang) in page_text(app)
    assert param(app, "lesson") == name
    if lesson.is_exercise:
        assert not conclusions(app)  # not before a guess
        assert t("lesson.exercise.first_guess", lang) in page_text(app)
    else:
        # an interactive part and its conclusion
        assert any(app.get(kind) for kind in ("slider", "select_slider", "segmented_control"))
        assert conclusions(app)


def test_the_table_of_contents_leads_to_every_lesson(open_page: Open) -> None:
    lang = "zh"
    app = open_page("lessons", "zh")
    assert not app.exception
    for name in NAMES:
        assert app.button(key=f"lessons.index.{name}")
    assert t("lessons.part.note", lang) in page_text(app)
    app.button(key="lessons.index.one-hot").click().run()
    assert not app.exception
    assert param(app, "lesson") == "one-hot"
    app.button(key="lessons.after").click().run()
    assert param(app, "lesson") == "clipping"
    app.button(key="lessons.contents").click().run()
    assert "lesson" not in app.query_params


def test_a_wrong_name_is_said_and_leaves_the_url(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="two-hot")
    assert not app.exception
    assert "two-hot" in app.error[0].value
    assert "one-hot" in app.error[0].value
    assert "lesson" not in app.query_params


def test_the_markov_lesson_follows_what_is_typed(open_page: Open) -> None:
    app = open_page("lessons", "zh", lesson="sequence")
    app.text_input[0].set_value("囧囧").run()
    assert not app.exception
    assert t("lesson.sequence.unseen", "zh", context="囧囧") in conclusions(app)[-1]
    app.slider[0].set_value(0).run()
    assert not app.exception
    assert "囧" not in conclusions(app)[-1]
    app.slider[0].set_value(4).run()
    app.text_input[0].set_value("我").run()
    assert t("lesson.sequence.short", "zh", size=4) in [element.value for element in app.warning]


def test_held_out_text_says_when_looking_back_further_only_memorises(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="sequence")
    assert "the lowest of all" in conclusions(app)[0]
    app.slider[0].set_value(5).run()
    assert "only memorises the training text" in conclusions(app)[0]
    app.slider[0].set_value(0).run()
    assert "the lowest is 7.075, looking back 2" in conclusions(app)[0]


def test_the_vocabulary_of_the_tokens_lesson_decides_what_can_be_read(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="tokens")
    slider = app.select_slider(key="lesson.tokens.k.verse-en")
    slider.set_value(1).run()
    assert "The 1 most frequent characters cover 18%" in conclusions(app)[0]
    assert "kettle" not in page_text(app)
    app.select_slider(key="lesson.tokens.k.verse-en").set_value(27).run()
    assert "All 27 characters" in conclusions(app)[0]
    assert "kettle" in page_text(app)
    app.segmented_control(key="lesson.tokens.corpus.en").set_value("lyrics-zh").run()
    assert not app.exception
    assert "1,013" in conclusions(app)[0]


def test_predictions_go_as_far_ahead_as_the_slider_says(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="k-steps")
    first = conclusions(app)[0]
    app.slider(key="lesson.k_steps.k").set_value(64).run()
    assert "64 steps ahead" in conclusions(app)[0]
    app.slider(key="lesson.k_steps.k").set_value(32).run()
    assert conclusions(app)[0] == first
    assert "only in the second edition" in page_text(app)


def test_the_radius_decides_what_becomes_of_the_gradient(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="powers")
    assert "it explodes" in conclusions(app)[0]
    app.slider(key="lesson.powers.radius").set_value(0.5).run()
    assert conclusions(app)[0].count("it vanishes") == 2
    assert "Clipping only shortens" in conclusions(app)[0]


def test_temperature_top_k_and_beam_size_act_on_the_same_distribution(open_page: Open) -> None:
    app = open_page("lessons", "zh", lesson="decoding")
    app.slider(key="lesson.decoding.temperature").set_value(1.0).run()
    app.slider(key="lesson.decoding.top_k.20").set_value(1).run()
    assert "变成 100%" in conclusions(app)[0]
    app.slider(key="lesson.decoding.size").set_value(1).run()
    assert "就是贪心搜索" in conclusions(app)[1]
    drawn, greedy, beam, best = app.table[0].value.iloc[:, 2]
    assert drawn == greedy == beam  # of one character, there is no choice
    assert float(best.replace("−", "-")) >= float(greedy.replace("−", "-"))
    app.segmented_control(key="lesson.decoding.corpus.zh").set_value("verse-en").run()
    assert not app.exception
    assert len(app.table[0].value) == 4


def test_the_shapes_lesson_counts_what_the_sliders_say(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="shapes")
    app.slider(key="lesson.shapes.layers").set_value(3).run()
    app.segmented_control(key="lesson.shapes.cell.en").set_value("gru").run()
    assert not app.exception
    config = TINY.change(cell="gru", num_layers=3, num_hiddens=256)
    assert f"{shapes.num_parameters(config, 1027):,}" in conclusions(app)[0]


def test_the_books_numbers_make_a_step_of_length_one(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="clipping")
    assert "ηθ\u00a0=\u00a01," in conclusions(app)[0]  # 0.5 · 2, as it happens
    app.segmented_control(key="lesson.clipping.numbers.en").set_value("book").run()
    assert "θ\u00a0=\u00a00.01" in conclusions(app)[0]
    assert "ηθ\u00a0=\u00a01," in conclusions(app)[0]
    for i in range(2):
        app.slider(key=f"lesson.clipping.g{i}").set_value(0.0)
    app.run()
    assert "ηθ" not in conclusions(app)[0]  # nothing to clip


def test_a_case_of_perplexity_is_revealed_after_the_guess(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="perplexity")
    why = t("lesson.perplexity.wrong.why", "en")
    assert why not in page_text(app)
    app.segmented_control(key="lesson.perplexity.case.wrong.en").set_value("one").run()
    assert why in page_text(app)
    assert t("lesson.perplexity.otherwise", "en", perplexity="∞") in page_text(app)
    app.segmented_control(key="lesson.perplexity.case.wrong.en").set_value("infinite").run()
    assert t("lesson.perplexity.as_guessed", "en", perplexity="∞") in page_text(app)


def test_the_state_of_a_cell_is_fed_back(open_page: Open) -> None:
    app = open_page("lessons", "en", lesson="lstm")
    before = [widget.value for widget in app.slider]
    app.button(key="lesson.lstm.widget.feed").click().run()
    assert not app.exception
    after = [widget.value for widget in app.slider]
    assert after[:2] == before[:2]  # the input stays the same
    assert after[2:6] != before[2:6]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["X2", "X4", "X5"])
def test_a_guess_reveals_the_recorded_run(open_page: Open, name: str, lang: str) -> None:
    app = open_page("lessons", lang, lesson=name)
    assert not app.get("vega_lite_chart")
    guess = exercises.guesses(name)[0]
    app.button(key=f"lesson.guess.{name}.{guess}").click().run()
    assert not app.exception
    assert t("lesson.exercise.guessed", lang, guess=t(f"lesson.{name}.guess.{guess}", lang)) in page_text(app)
    assert t("lesson.recorded", lang) in page_text(app)
    assert len(app.get("vega_lite_chart")) == (2 if name == "X4" else 1)
    assert len(conclusions(app)) == 1
    assert t(f"lesson.{name}.why", lang) in page_text(app)
    assert t("lesson.exercise.unsettled", lang) not in page_text(app)
    assert (t("lesson.X4.bars", lang) in page_text(app)) == (name == "X4")


def test_a_real_run_is_revealed_with_its_own_sentence(open_page: Open, client: Client) -> None:
    run_id = client.create(TINY.change(detach=False), based_on="X4")
    finish(client, run_id)
    app = open_page("lessons", "en", lesson="X4", run=run_id)
    assert not conclusions(app)  # the result of the run is also hidden until a guess
    app.button(key="lesson.guess.X4.growing").click().run()
    assert not app.exception
    assert param(app, "run") == run_id
    assert "minibatches: the first takes" in conclusions(app)[0]
    # the lesson on truncation shows its minibatches
    app = open_page("lessons", "en", lesson="truncation")
    assert run_id in page_text(app)


def test_the_race_of_learning_rates(open_page: Open, client: Client) -> None:
    ids = []
    for recipe, rate in (("X1-lr-1", 1.0), ("X1", 100.0)):
        ids.append(client.create(TINY.change(learning_rate=rate), based_on=recipe))
        finish(client, ids[-1])
    app = open_page("lessons", "en", lesson="X1", run=",".join(ids))
    app.button(key="lesson.guess.X1.lr-100").click().run()
    assert not app.exception
    assert "learning rate 1: " in conclusions(app)[0] or "learning rate 100: " in conclusions(app)[0]


def test_every_hyperparameter_can_be_tuned_and_stands_in_the_url(open_page: Open) -> None:
    lang = "zh"
    app = open_page("lessons", "zh", lesson="X1")
    for setting, guesses in tuning.GRID.items():
        app.segmented_control(key="lesson.tune.zh").set_value(setting).run()
        assert ("tune" in app.query_params) == (setting != "learning_rate")
        assert setting == "learning_rate" or param(app, "tune") == setting
        guess = next(iter(guesses))
        app.button(key=f"lesson.guess.X1.{guess}").click().run()
        assert not app.exception
        value = f"{tuning.value_of(setting, guess):g}"
        assert t(
            "lesson.exercise.guessed", lang, guess=t(f"lesson.X1.value.{setting}", lang, value=value)
        ) in page_text(app)
        assert len(conclusions(app)) == 1
        (table,) = app.table
        assert list(table.value.columns)[1:] == [
            t(f"lesson.X1.value.{setting}", lang, value=f"{tuning.value_of(setting, guess):g}") for guess in guesses
        ]
        assert len(table.value) == 5
    # each setting has its own guess, and links lead to them
    app.segmented_control(key=f"lesson.tune.{lang}").set_value("learning_rate").run()
    assert conclusions(app)
    assert open_page("lessons", "zh", lesson="X1", tune="num_steps").button(key="lesson.guess.X1.steps-70")
    app = open_page("lessons", "zh", lesson="X1", tune="momentum")
    assert "momentum" in app.error[0].value
    assert "tune" not in app.query_params


def test_a_run_that_does_not_belong_or_exist_is_said(open_page: Open, client: Client, finished: str) -> None:
    app = open_page("lessons", "en", lesson="X2", run=f"{finished},nowhere1")
    app.button(key="lesson.guess.X2.breaks").click().run()
    assert not app.exception
    assert "run" not in app.query_params
    assert conclusions(app)  # the recorded run is used instead


def test_a_click_starts_a_real_run_and_names_it_in_the_url(open_page: Open, client: Client) -> None:
    app = open_page("lessons", "zh", lesson="X3")
    app.button(key="lesson.guess.X3.by50").click().run()
    app.button(key="lesson.run.X3").click().run()
    assert not app.exception
    run_id = param(app, "run")
    assert client.store.run(run_id).name == "X3"
    app.button(key="lesson.stop.X3").click().run()
    assert not app.exception
    finish(client, run_id)
    app.run()
    assert not app.exception
    assert client.store.run(run_id).state == "stopped"
