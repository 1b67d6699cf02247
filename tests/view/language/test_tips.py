"""The help of a setting has a sentence, a formula if there is one, and the section of the book, in both languages."""

from __future__ import annotations

import re

import pytest

from rnnlab.config import SETTINGS, TrainConfig
from rnnlab.engine.periods import EARLY, EARLY_LENGTH
from rnnlab.recipes import RECIPES
from rnnlab.view.language.i18n import LANGUAGES, catalogue, t
from rnnlab.view.language.sections import SECOND
from rnnlab.view.language.tips import place, recipe_place, tip
from rnnlab.view.lessons import contents

# settings for which the book gives a formula
BOTH = (
    "cell", "num_layers", "bidirectional", "objective", "num_hiddens", "activation", "initialization", "residual",
    "layer_norm", "forget_bias", "sampling", "offset", "num_steps", "batch_size", "optimizer", "learning_rate",
    "clip_norm", "detach", "carry_state", "num_epochs", "decoding", "temperature", "schedule", "warmup_epochs",
    "weight_decay", "dropout", "held_out_period", "early_stopping",
)  # fmt: skip
# settings that the book has or describes without a formula
SECTION_ONLY = (
    "implementation", "pred_period", "num_preds", "prefixes", "corpus", "preprocessing", "num_chars", "start_from",
)  # fmt: skip
FORMULA_ONLY = ("top_k",)

FORMULA = re.compile(r"\$([^$\n]+)\$")
SECTION = {
    "zh": re.compile(r"\n\n书中第.版 \d+\.\d+(、\d+\.\d+)* 节(（第二版 \d+\.\d+(、\d+\.\d+)* 节）)?$"),
    "en": re.compile(
        r"\n\nSections? \d+\.\d+(, \d+\.\d+)* of the book's (first|second) edition"
        r"( \(\d+\.\d+(, \d+\.\d+)* in the second\))?$"
    ),
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", TrainConfig.model_fields)
def test_a_setting_has_its_formula_and_its_section(name: str, lang: str) -> None:
    sentence = tip(name, lang)
    assert sentence.startswith(t(f"help.{name}", lang))
    treated = bool(SETTINGS[name].book or SETTINGS[name].second)
    assert bool(FORMULA.search(sentence)) == bool(SETTINGS[name].formulas), sentence
    assert bool(SECTION[lang].search(sentence)) == treated, sentence
    if name in BOTH + SECTION_ONLY + FORMULA_ONLY:
        assert bool(SETTINGS[name].formulas) == (name in BOTH + FORMULA_ONLY)
        assert treated == (name in BOTH + SECTION_ONLY)


@pytest.mark.parametrize("name", TrainConfig.model_fields)
def test_formulas_are_whole_and_the_same_in_both_languages(name: str) -> None:
    formulas = {lang: FORMULA.findall(tip(name, lang)) for lang in LANGUAGES}
    assert formulas["zh"] == formulas["en"] == list(SETTINGS[name].formulas)
    for lang in LANGUAGES:
        sentence = tip(name, lang, allowed=True)
        assert sentence.count("$") == 2 * len(formulas[lang])  # every formula is closed, and none is inside a sentence
    for formula in formulas["en"]:
        depth = 0
        for mark in re.sub(r"\\[{}]", "", formula):
            depth += (mark == "{") - (mark == "}")
            assert depth >= 0, formula
        assert depth == 0, formula
        assert formula.count(r"\left") == formula.count(r"\right") + formula.count(r"\leftarrow"), formula


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_help_of_the_period_names_the_early_texts(lang: str) -> None:
    assert tuple(map(int, re.findall(r"\d+", t("help.pred_period", lang)))) == (*EARLY, EARLY_LENGTH)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_is_said_in_two_sentences_at_most(lang: str) -> None:
    for name in TrainConfig.model_fields:
        assert 1 <= len(re.findall(r"[。.](?= |$)|。", t(f"help.{name}", lang))) <= 2, name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_accepted_follows_the_sentence(lang: str) -> None:
    first, *rest = tip("num_layers", lang, allowed=True).split("\n\n")
    assert "8" in first
    assert rest == tip("num_layers", lang).split("\n\n")[1:]


def test_every_section_is_known_in_both_editions() -> None:
    assert all(entry.elsewhere or entry.section in SECOND for entry in contents.ALL)
    assert contents.find("sampling").place("zh") == "8.3"
    assert contents.find("gru").place("en") == "10.2"
    assert contents.find("perplexity").place("en") == "9.3"  # the first edition treats it in 6.4, "from scratch"
    for name, setting in SETTINGS.items():
        assert setting.second is not None or all(section in SECOND for section in setting.book), name


def test_the_place_is_said_as_far_as_it_is_known() -> None:
    assert place(("6.4",), "en") == "Section 6.4 of the book's first edition (9.5 in the second)"
    assert place(("6.4", "6.10"), "zh") == "书中第一版 6.4、6.10 节（第二版 8.5、9.4 节）"
    assert place(("6.5",), "en", second=()) == "Section 6.5 of the book's first edition"
    assert place((), "zh", second=(("8.5", "9.5"),)) == "书中第二版 8.5 节"
    assert place((), "en") == ""


def test_an_experiment_names_the_edition_of_its_section() -> None:
    """B1 is section 8.6 of the second edition in Chinese, and 9.6 in English."""
    assert recipe_place(RECIPES["A2"], "en") == "Section 6.4 of the book's first edition (9.5 in the second)"
    assert recipe_place(RECIPES["B1"], "zh") == f"书中第二版 {RECIPES['B1'].section} 节"
    for entry in RECIPES.values():
        for lang in LANGUAGES:
            assert ("edition" if lang == "en" else "版") in recipe_place(entry, lang)
        if entry.edition == "second":
            english = next(pair[1] for pair in SECOND.values() if pair[0] == entry.section)
            assert recipe_place(entry, "en") == f"Section {english} of the book's second edition"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_names_a_section_without_its_edition(lang: str) -> None:
    section = re.compile(r"[Ss]ections? (\d+\.\d+|\{\w+\} of the book)" if lang == "en" else r"(\d+\.\d+|\{\w+\}) 节")
    named = {key: text for key, text in catalogue(lang).items() if section.search(text)}
    assert len(named) >= 6
    for key, text in named.items():
        assert ("edition" if lang == "en" else "版") in text, key
