"""The texts of both languages are complete and have the same parameters."""

from __future__ import annotations

import ast
import re
import string
import unicodedata
from pathlib import Path

import pytest

from rnnlab.config import SETTINGS, TrainConfig, allowed_values
from rnnlab.errors import ConfigError, PrefixError, RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import STATES, STEP_UNITS
from rnnlab.setting import Allowed
from rnnlab.view.language.i18n import (
    LANGUAGES,
    allowed_text,
    catalogue,
    code_text,
    error_text,
    has,
    language_of,
    plain,
    t,
    together,
    unescaped,
)
from rnnlab.view.language.settings import (
    CHOICES,
    changes_text,
    look_for,
    no_effect_text,
    recipe_label,
    recipe_title,
    summary,
    value_text,
)

ROOT = Path(__file__).parents[3]
CODE = [*(ROOT / "rnnlab" / "view").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
# a key in a call of t() or has(); a brace of an f-string matches anything
_KEY = re.compile(r"""\b(?:t|has)\(\s*(f?)"([^"]+)"|(?<=else )(f?)"([a-z]+\.[a-z_.]+)",""")
_ERROR = re.compile(r"""(?:(?:Error|_error)\(|RunFailed\(\s*code=)\s*f?"([a-z_{}]+)",""")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    assert set(catalogue("zh")) == set(catalogue("en"))


def test_no_text_is_empty_and_placeholders_agree() -> None:
    for key, text in catalogue("en").items():
        other = catalogue("zh")[key]
        assert text.strip(), key
        assert other.strip(), key
        assert placeholders(text) == placeholders(other), key


def test_bold_words_are_bold() -> None:
    # Markdown does not read two asterisks between punctuation and a Chinese character as bold
    for lang in LANGUAGES:
        for key, text in catalogue(lang).items():
            parts = text.split("**")
            for bold, after in zip(parts[1::2], parts[2::2], strict=True):
                assert not (re.search(r"\W$", bold) and re.match(r"[\w{]", after)), (lang, key)
            for before, bold in zip(parts[::2], parts[1::2], strict=False):
                assert not (re.search(r"[\w}]$", before) and re.match(r"\W", bold)), (lang, key)


def test_every_key_in_the_code_exists() -> None:
    count = 0
    for path in CODE:
        for match in _KEY.finditer(path.read_text(encoding="utf-8")):
            is_f, key = (match[1], match[2]) if match[2] else (match[3], match[4])
            count += 1
            if not is_f:
                assert has(key, "en"), f"{path.name}: {key}"
                continue
            pattern = re.compile(re.sub(r"\\\{.+?\\\}", ".+", re.escape(key)) + "$")
            assert any(pattern.match(name) for name in catalogue("en")), f"{path.name}: {key}"
    assert count > 150


def test_every_error_of_the_code_is_said_in_both_languages() -> None:
    codes = set()
    for path in (ROOT / "rnnlab").rglob("*.py"):
        if "view" in path.relative_to(ROOT).parts:
            continue
        codes |= set(_ERROR.findall(path.read_text(encoding="utf-8")))
    assert len(codes) > 20
    for code in sorted(codes):
        pattern = re.compile("error." + re.sub(r"\{.+?\}", ".+", code) + "$")
        assert any(pattern.match(key) for key in catalogue("zh")), code


def test_a_character_that_cannot_be_seen_is_shown_as_its_sign_in_errors() -> None:
    error = PrefixError("prefix_character", "", prefix="a b", character="\u3000", allowed="b \u00a0")
    for lang in LANGUAGES:
        said = error_text(error, lang)
        assert all(sign in said for sign in ("a b", "▭", "b␣⍽"))


def test_everything_that_is_named_from_data_has_a_name() -> None:
    for lang in LANGUAGES:
        for name in TrainConfig.model_fields:
            assert t(f"field.{name}", lang)
            assert t(f"help.{name}", lang)
            assert allowed_text(name, lang)
        for name in CHOICES:
            for value in allowed_values(name).choices:
                assert t(f"value.{name}.{value}", lang)
        for state in STATES:
            assert t(f"state.{state}", lang)
        for unit in STEP_UNITS:
            assert t(f"controls.step.{unit}", lang)
        for recipe in RECIPES.values():
            assert recipe_title(recipe, lang)
            assert len(re.findall(r"[。.？?！!]", look_for(recipe, lang))) >= 3, recipe.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_a_menu_offers_is_not_cut_off(lang: str) -> None:
    """A menu cuts what does not fit; a Chinese character is as wide as two letters."""

    def columns(text: str) -> int:
        return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)

    for name in CHOICES:
        for value in allowed_values(name).choices:
            assert columns(value_text(name, value, lang)) <= 30, (name, value)
    for entry in RECIPES.values():
        assert columns(recipe_label(entry, lang)) <= 54, entry.id


def test_chinese_is_chinese_and_english_is_english() -> None:
    for key, text in catalogue("en").items():
        if key not in ("corpus.frequent",):
            assert not re.search(r"[\u4e00-\u9fff]", text), key
    same = [key for key, text in catalogue("zh").items() if text == catalogue("en")[key]]
    # names and symbols are the same in both languages
    assert all(not re.search(r"[a-z]{3,}\s[a-z]{2,}", catalogue("zh")[key]) for key in same), same


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_bad_value_is_said_with_what_is_allowed(lang: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.make(num_layers=99)
    sentence = error_text(caught.value, lang)
    assert "99" in sentence
    assert t("field.num_layers", lang) in sentence
    assert "8" in sentence


def errors_of(path: Path) -> list[tuple[str, set[str]]]:
    """The code of every error that a module makes, with the names of its parameters."""
    made = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error") and len(node.args) == 2:
            code, names = ast.unparse(node.args[0]).strip("f'\""), {keyword.arg for keyword in node.keywords}
            if None not in names and "{" not in code and "[" not in code:  # neither passed on nor computed
                made.append((code, {str(name) for name in names}))
    return made


def test_every_error_brings_what_its_sentence_names() -> None:
    seen = 0
    for path in (ROOT / "rnnlab").rglob("*.py"):
        for code, names in errors_of(path):
            seen += 1
            for lang in LANGUAGES:
                # otherwise the error would be shown in English
                assert placeholders(t(f"error.{code}", lang)) <= names, f"{path.name}: {code} in {lang}"
    assert seen > 20


def test_an_unknown_error_is_said_in_its_own_words() -> None:
    assert error_text(RNNLabError("never_heard_of", "Plain words."), "zh") == "Plain words."


def test_an_error_whose_parameters_are_missing_is_still_said() -> None:
    assert error_text(RNNLabError("corpus_too_large", "Plain words."), "zh") == "Plain words."


@pytest.mark.parametrize("params", [{}, {"field": "nothing", "value": 1}, {"field": ["cell"], "value": None}])
def test_an_error_of_an_imported_run_may_have_any_parameters(params: dict[str, object]) -> None:
    assert code_text("config_value", params, "Plain words.", "en")


def test_what_a_url_brings_does_not_become_markup() -> None:
    bad = "![x](//evil.example) $a$ `b` *c* :red[d] _e_ <f>"
    sentence = error_text(RunError("run_unknown", "Plain words.", run=bad), "en")
    assert r"!\[x\](//evil.example) \$a\$ \`b\` \*c\* :color[\:]red\[d\] \_e\_ \<f\>" in sentence
    assert bad in unescaped(sentence)
    assert error_text(RNNLabError("never_heard_of", bad), "zh") == plain(bad)


def test_the_language_of_a_locale() -> None:
    assert [language_of(tag) for tag in ("zh-CN", "zh", "ZH-hk", "en-US", "fr", "", None)] == [
        "zh", "zh", "zh", "en", "en", "en", "en",
    ]  # fmt: skip


@pytest.mark.parametrize("name", TrainConfig.model_fields)
def test_what_is_allowed_is_said_alike_by_the_page_and_the_shell(name: str) -> None:
    assert allowed_text(name, "en") == str(allowed_values(name))
    assert not re.search(r"\b(to|more|less|than|or)\b", allowed_text(name, "zh"))


@pytest.mark.parametrize(("above", "below"), [(False, False), (False, True), (True, False), (True, True)])
def test_every_kind_of_interval_has_its_words(above: bool, below: bool) -> None:
    allowed = Allowed(low=0, high=1, above_low=above, below_high=below)
    assert t(f"allowed.{allowed.interval}", "en", low=0, high=1) == str(allowed)
    sentence = t(f"allowed.{allowed.interval}", "zh", low=0, high=1)
    assert ("大于 0" in sentence, "小于 1" in sentence) == (above, below)


def test_what_is_allowed_is_said_in_chinese() -> None:
    texts = {name: allowed_text(name, "zh") for name in TrainConfig.model_fields}
    assert texts["cell"] == "rnn、gru、lstm"
    assert texts["num_layers"] == "1 到 8"
    assert texts["learning_rate"] == "大于 0，至多 10000"
    assert texts["clip_norm"] == "大于 0，至多 1000000，或 none（关闭）"


def test_a_missing_device_is_said_with_those_that_are_there() -> None:
    error = ConfigError("device_missing", "No.", field="device", value="cuda", allowed="cpu, auto")
    for lang in LANGUAGES:
        assert "cpu, auto" in error_text(error, lang)
        assert "mps" not in error_text(error, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_has_no_effect_is_said_with_what_it_needs(lang: str) -> None:
    for name, setting in SETTINGS.items():
        if setting.needs:
            sentence = no_effect_text(name, lang)
            assert all(t(f"field.{other}", lang) in sentence for other in setting.needs), name
    assert value_text("cell", "lstm", lang) in no_effect_text("forget_bias", lang)
    both = [value_text("decoding", value, lang) for value in ("temperature", "top_k")]
    assert t("list.or", lang).join(both) in no_effect_text("temperature", lang)
    assert t("allowed.closed", lang, low=2, high=8) in no_effect_text("residual", lang)


def test_a_setup_in_words() -> None:
    config = RECIPES["A6"].config
    assert summary(config, "en") == (
        "LSTM · from scratch · 1 layer · 256 hidden units · consecutive sampling · SGD 100 · "
        "θ\u00a0=\u00a00.01 · 160 epochs"
    )
    assert "双向" in summary(RECIPES["A10"].config, "zh")
    everything = config.change(
        cell="rnn", activation="relu", num_layers=2, bidirectional=True, objective="cloze", residual=True,
        layer_norm=True, sampling="random", optimizer="adam", learning_rate=0.01, clip_norm=None,
    )  # fmt: skip
    assert summary(everything, "en") == (
        "RNN · ReLU · from scratch · 2 layers · bidirectional · 256 hidden units · fill the gap · residual connections"
        " · layer normalisation · random sampling · Adam 0.01 · no clipping · 160 epochs"
    )
    assert summary(config.change(forget_bias=1.5, detach=False), "zh") == (
        "LSTM · 从零实现 · 1 层 · 256 个隐藏单元 · 遗忘门偏置 1.5 · 相邻采样 · SGD 100 · "
        "θ\u00a0=\u00a00.01 · 不截断梯度 · 160 个迭代周期"
    )
    # settings without an effect are not mentioned
    idle = config.change(cell="gru", activation="relu", residual=True, forget_bias=1.0)
    assert summary(idle, "en") == summary(config.change(cell="gru"), "en")
    assert changes_text(config.change(learning_rate=50.0), config, "en") == "Learning rate 50 (was 100)"
    assert changes_text(config, config, "en") == ""


def test_chinese_sentences_follow_one_another_without_a_space() -> None:
    assert together("zh", "一。", "", "二。") == "一。二。"
    assert together("en", "One.", "", "Two.") == "One. Two."
