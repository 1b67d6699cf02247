"""The setup: recipes, changes, the parameters in the URL, and uploaded texts."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.text import corpora
from rnnlab.view.language.equations import cell_source
from rnnlab.view.language.i18n import LANGUAGES, error_text, t
from rnnlab.view.language.settings import no_effect_text, summary, value_text
from rnnlab.view.language.tips import tip
from rnnlab.view.train import corpus
from tests.app.conftest import TINY, Open, param, section, setting, unfold, widgets, words
from tests.made import finish


@pytest.mark.parametrize("recipe_id", list(RECIPES))
def test_every_recipe_opens_by_its_url(open_page: Open, recipe_id: str) -> None:
    app = open_page("train", "zh", recipe=recipe_id)
    assert not app.exception
    assert not app.error
    assert summary(RECIPES[recipe_id].config, "zh") in words(app)
    assert param(app, "recipe") == recipe_id


def test_a_change_makes_it_based_on_the_recipe_and_stands_in_the_url(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A6")
    setting(app, "cell").set_value("gru").run()
    setting(app, "learning_rate").set_value(50.0).run()
    assert not app.exception
    page_text = words(app)
    assert t("setup.based_on", "en", id="A6") in page_text
    assert "GRU" in page_text
    assert (param(app, "cell"), param(app, "learning_rate")) == ("gru", "50")
    assert "num_epochs" not in app.query_params  # only the differences
    setting(app, "cell").set_value("lstm").run()
    setting(app, "learning_rate").set_value(100.0).run()
    assert t("setup.based_on", "en", id="A6") not in words(app)
    assert "cell" not in app.query_params


def test_choosing_a_recipe_sets_everything(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A6", cell="gru", num_layers="3")
    setting(app, "recipe").set_value("A10").run()
    assert not app.exception
    assert setting(app, "cell").value == "gru"
    assert setting(app, "bidirectional").value is True
    assert setting(app, "num_layers").value == 1
    assert setting(app, "clipping").value is False
    assert param(app, "recipe") == "A10"
    assert "num_layers" not in app.query_params


def test_the_setup_survives_a_visit_to_another_page(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A6", num_hiddens="64")
    app.switch_page("pages/runs.py").run()
    app.query_params.clear()
    app.switch_page("pages/train.py").run()
    assert not app.exception
    assert setting(app, "recipe").value == "A6"
    assert setting(app, "num_hiddens").value == 64


def test_settings_are_shown_where_they_mean_something(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A9-forget-bias")
    assert setting(app, "forget_bias").value == 1.0
    assert setting(app, "residual").value is False
    setting(app, "cell").set_value("gru").run()
    assert not app.exception
    assert not app.error
    assert param(app, "forget_bias") == "0"  # a hidden setting has its default
    with pytest.raises(StopIteration):
        setting(app, "forget_bias")
    app = open_page("train", "en", recipe="A10")
    setting(app, "objective").set_value("cloze").run()
    assert param(app, "objective") == "cloze"
    assert value_text("objective", "cloze", "en") in words(app)
    setting(app, "bidirectional").set_value(False).run()
    assert not app.exception
    assert not app.error  # the objective is reset with the second direction
    assert "objective" not in app.query_params
    with pytest.raises(StopIteration):
        setting(app, "objective")


def test_a_setting_without_effect_says_so(open_page: Open) -> None:
    lang = "zh"
    app = open_page("train", "zh", recipe="A2")
    setting(app, "activation").set_value("relu").run()
    sentence = no_effect_text("activation", lang)
    assert sentence not in words(app)
    setting(app, "cell").set_value("gru").run()
    assert not app.exception
    assert sentence in words(app)
    assert param(app, "activation") == "relu"  # a setting that is shown keeps its value
    assert no_effect_text("residual", lang) not in words(app)  # it was not requested
    setting(app, "residual").set_value(True).run()
    assert no_effect_text("residual", "zh") in words(app)
    setting(app, "num_layers").set_value(2).run()
    assert no_effect_text("residual", "zh") not in words(app)


def test_what_decoding_does_not_use_is_not_in_force(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A2", decoding="temperature", temperature="0.5")
    assert setting(app, "temperature").value == 0.5
    setting(app, "decoding").set_value("greedy").run()
    assert "temperature" not in app.query_params
    setting(app, "decoding").set_value("top_k").run()
    assert setting(app, "temperature").value == 0.5  # the widget comes back with its value
    assert param(app, "temperature") == "0.5"
    assert setting(app, "top_k").value == 5


def test_filling_gaps_with_one_direction_is_refused_by_the_url(open_page: Open) -> None:
    app = open_page("train", "zh", recipe="A2", objective="cloze")
    assert not app.exception
    assert t("error.config_conflict_cloze", "zh") in app.error[0].value


def test_bad_values_in_the_url_are_said_and_left_out(open_page: Open) -> None:
    lang = "zh"
    app = open_page("train", "zh", recipe="A6", num_layers="99", cell="gru", learning_rate="lots")
    assert not app.exception
    page_text = "\n".join(error.value for error in app.error)
    assert t("field.num_layers", lang) in page_text
    assert t("field.learning_rate", lang) in page_text
    assert setting(app, "cell").value == "gru"  # the valid setting stays
    assert setting(app, "num_layers").value == 1
    assert param(app, "cell") == "gru"
    assert "num_layers" not in app.query_params


def test_a_bad_recipe_in_the_url_is_said(open_page: Open) -> None:
    app = open_page("train", "en", recipe="Z9")
    assert not app.exception
    assert "Z9" in app.error[0].value
    assert "A6" in app.error[0].value
    assert setting(app, "recipe").value == "A2"


def test_what_was_put_into_a_folded_section_is_kept(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A6")
    setting(app, "learning_rate").set_value(7.5).run()
    setting(app, "prefixes").set_value("").run()
    assert app.error  # there is no text to begin generation with
    unfold(app, False)
    assert app.error
    assert not [widget for widget in widgets(app) if "prefixes" in widget.key or "learning_rate" in widget.key]
    assert setting(app, "prefixes").value == ""
    assert setting(app, "learning_rate").value == 7.5
    setting(app, "prefixes").set_value("不分开").run()
    assert not app.error
    unfold(app, False)
    assert param(app, "learning_rate") == "7.5"
    assert param(app, "prefixes") == "不分开"


def test_settings_that_do_not_go_together_stop_the_start(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A1")
    setting(app, "detach").set_value(False).run()
    assert not app.exception
    assert app.error
    assert app.button(key="controls.start").disabled


def test_a_prefix_that_the_text_cannot_spell_is_said_at_the_start(open_page: Open) -> None:
    app = open_page("train", "zh", recipe="A2", prefixes="分開x☃")
    app.button(key="controls.start").click().run()
    assert not app.exception
    assert app.error
    assert "run" not in app.query_params


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "corpus_empty"), (bytes(range(256)) * 20, "corpus_binary"), (b"a" * (3 << 20), "corpus_too_large")],
)
def test_a_bad_file_is_refused_in_both_languages(client: Client, data: bytes, code: str) -> None:
    with pytest.raises(RNNLabError) as caught:
        corpus.keep(data, "bad.txt")
    assert caught.value.code == code
    texts = {error_text(caught.value, lang) for lang in LANGUAGES}
    assert len(texts) == 2
    assert all("{" not in text for text in texts)


def test_a_text_of_ones_own_is_described_and_trained_on(open_page: Open, client: Client) -> None:
    name = corpus.keep(("你来了，春风也来了。\n我走了，秋雨还没走。\n" * 120).encode("gb18030"), "自己的.txt")
    app = open_page("train", "zh", recipe="A2", corpus=name, prefixes="你来")
    assert not app.exception
    assert not app.error
    assert setting(app, "corpus").value == name
    section(app, "text")
    assert t("ngram.1.knows", "zh") in str(app.table[0].value)
    assert "自己的.txt" in words(app).replace("\\", "")  # also in a session that did not upload it


def test_too_short_a_text_says_what_is_needed(open_page: Open, client: Client) -> None:
    name = corpus.keep("短短的文字".encode(), "short.txt")
    app = open_page("train", "en", recipe="A2", corpus=name, prefixes="短")
    assert not app.exception
    assert ["one minibatch needs" in error.value for error in app.error] == [True]
    assert "takes about" not in words(app)
    before = len(client.store.runs())
    app.button(key="controls.start").click().run()
    assert len(app.error) == 1  # the same reason, once
    assert len(client.store.runs()) == before


def shown_cell(app: AppTest) -> tuple[list[str], list[str]]:
    """Return the code and the formulas on the page."""
    return [element.value for element in app.code], [element.value.strip("$\n ") for element in app.latex]


@pytest.mark.parametrize("cell", CELLS)
def test_the_cell_that_runs_is_shown_as_code_and_as_formulas(open_page: Open, client: Client, cell: str) -> None:
    run_id = client.create(TINY.change(cell=cell, num_epochs=1), based_on="A2")
    finish(client, run_id)
    app = open_page("train", "zh", run=run_id)
    section(app, "cell")
    assert not app.exception
    assert shown_cell(app) == ([cell_source(cell)], list(CELLS[cell].latex))


def test_code_and_formulas_change_with_the_cell(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A2")
    section(app, "cell")
    seen = []
    for cell in ("rnn", "gru", "lstm", "rnn"):
        setting(app, "cell").set_value(cell).run()
        assert not app.exception
        assert shown_cell(app) == ([cell_source(cell)], list(CELLS[cell].latex))
        seen.append(shown_cell(app))
    assert seen[0] == seen[3]
    assert all(seen[i][part] != seen[i + 1][part] for i in range(3) for part in (0, 1))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_beside_every_setting_stand_a_sentence_its_formula_and_its_section(open_page: Open, lang: str) -> None:
    app = open_page("train", lang, recipe="A9", bidirectional="true", clip_norm="0.01", decoding="temperature")
    unfold(app)
    assert not app.exception
    beside = {(widget.key or "").split(".")[1]: widget.help for widget in widgets(app) if _of_setup(widget)}
    assert set(TrainConfig.model_fields) - set(beside) == {"top_k", "start_from"}
    for name in set(TrainConfig.model_fields) & set(beside):
        assert beside[name] in (tip(name, lang), tip(name, lang, allowed=True)), name
    assert beside["clipping"] == tip("clip_norm", lang)


def _of_setup(widget: Any) -> bool:
    return (widget.key or "").startswith("setup.") and not (widget.key or "").startswith("setup.recipe.")


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_what_runs_is_said_beside_the_code(open_page: Open, implementation: str) -> None:
    def told(computation: str) -> bool:
        layer, section = "torch.nn.LSTM", t("setup.machine", "zh")
        return t(f"explain.{implementation}.{computation}", "zh", layer=layer, section=section) in words(app)

    app = open_page("train", "zh", recipe="A6", implementation=implementation)
    section(app, "cell")
    assert told("fast")
    assert not told("as_written")
    setting(app, "computation").set_value("as_written").run()
    assert not app.exception
    assert told("as_written")
    assert not told("fast")
    assert param(app, "computation") == "as_written"
    section(app, "look")
    assert t("summary.computation", "zh") in words(app)
    again = open_page("train", "zh", recipe="A6", computation="as_written")
    assert setting(again, "computation").value == "as_written"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_passage_of_the_text_is_the_prefix_and_a_link_has_it(open_page: Open, client: Client, lang: str) -> None:
    """With 1,000 characters the setup is too long for an address, which has a short link instead."""
    app = open_page("train", lang, recipe="A2")
    setting(app, "prefixes")
    app.session_state["passage.setup"] = True
    app.run()
    app.number_input(key="passage.setup.length").set_value(1_000).run()
    app.button(key="passage.setup.use").click().run()
    assert not app.exception
    train = corpora.prepare(corpora.load("lyrics-zh").text, "first_edition", 10_000).train
    chosen = train[:1_000].strip()
    assert setting(app, "prefixes").value.removesuffix(" |") == chosen
    assert set(app.query_params) == {"s"}
    assert chosen not in words(app)  # the summary names its beginning and its end
    assert chosen[:19] in words(app)
    code = param(app, "s")
    app.run()
    setting(app, "num_hiddens").set_value(64).run()
    assert param(app, "s") != code
    opened = open_page("train", None, s=param(app, "s"))
    assert not opened.exception
    assert setting(opened, "prefixes").value.removesuffix(" |") == chosen
    assert setting(opened, "num_hiddens").value == 64
    setting(opened, "prefixes").set_value("分开").run()
    assert param(opened, "prefixes") == "分开"
    assert "s" not in opened.query_params
