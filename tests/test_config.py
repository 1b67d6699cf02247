"""The settings of a run: validated, frozen, and the same after JSON, the shell or a URL."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from rnnlab import config as config_module
from rnnlab.config import SETTINGS, TrainConfig, allowed_values, in_section
from rnnlab.errors import ConfigError
from rnnlab.setting import SECTIONS, Allowed

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "cell": st.sampled_from(["rnn", "gru", "lstm"]),
    "implementation": st.sampled_from(["scratch", "library"]),
    "num_layers": st.integers(1, 8),
    "bidirectional": st.booleans(),
    "num_hiddens": st.integers(1, 1024),
    "activation": st.sampled_from(["tanh", "relu"]),
    "initialization": st.sampled_from(["normal", "uniform", "xavier", "orthogonal"]),
    "residual": st.booleans(),
    "layer_norm": st.booleans(),
    "forget_bias": st.floats(0, 10),
    "start_from": st.sampled_from(["", "A6@160", "ab34cd56@0"]),
    "sampling": st.sampled_from(["random", "consecutive"]),
    "offset": st.sampled_from(["zero", "random"]),
    "num_steps": st.integers(1, 512),
    "batch_size": st.integers(1, 1024),
    "optimizer": st.sampled_from(["sgd", "adam"]),
    "learning_rate": st.floats(0, 1e4, exclude_min=True),
    "clip_norm": st.none() | st.floats(0, 1e6, exclude_min=True),
    "carry_state": st.booleans(),
    "num_epochs": st.integers(0, 10_000),
    "pred_period": st.integers(1, 10_000),
    "num_preds": st.integers(0, 2_000),
    "prefixes": st.lists(st.text(st.characters(codec="utf-8", exclude_characters="|"), min_size=1), min_size=1).map(
        lambda texts: tuple(text[:1000] for text in texts[:4])
    ),
    "decoding": st.sampled_from(["greedy", "temperature", "top_k"]),
    "temperature": st.floats(0, 10, exclude_min=True),
    "top_k": st.integers(1, 1000),
    "corpus": st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,60}\Z"),
    "preprocessing": st.sampled_from(["first_edition", "second_edition"]),
    "num_chars": st.integers(2, 2_000_000),
    "random_seed": st.integers(0, 2**31 - 1),
    "computation": st.sampled_from(["fast", "as_written"]),
    "device": st.sampled_from(["cpu", "cuda", "mps", "auto"]),
    "precision": st.sampled_from(["float32", "float64", "fast"]),
    "flush_denormal": st.booleans(),
}
# conflicts with other settings, which have separate tests
CONFLICTING = {"detach", "objective", "weight_decay", "early_stopping"}


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Return values that a setting allows, for settings that are not listed above."""
    allowed, kind = allowed_values(name), TrainConfig.model_fields[name].annotation
    if kind is bool:
        return st.booleans()
    if allowed.choices:
        return st.sampled_from(allowed.choices)
    if kind is int:
        return st.integers(int(allowed.low), int(allowed.high))
    return st.floats(allowed.low, allowed.high, exclude_min=allowed.above_low, exclude_max=allowed.below_high)


VALUES |= {name: values_of(name) for name in TrainConfig.model_fields if name not in {*VALUES, *CONFLICTING}}
configs = st.fixed_dictionaries({}, optional=VALUES).map(lambda settings: TrainConfig.make(**settings))


def refused(**settings: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.make(**settings)
    return caught.value


@given(configs)
def test_json_gives_the_same_settings_back(config: TrainConfig) -> None:
    assert TrainConfig.from_json(config.to_json()) == config
    json.loads(config.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@given(configs, configs)
def test_text_gives_the_same_settings_back(config: TrainConfig, base: TrainConfig) -> None:
    changes = config.changes_from(base)
    assert base.change_from_text(changes) == config
    assert all(isinstance(text, str) for text in changes.values())


def test_no_change_gives_no_text() -> None:
    assert TrainConfig().changes_from(TrainConfig()) == {}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("clip_norm", "none", None),
        ("clip_norm", "off", None),
        ("clip_norm", " 0.5 ", 0.5),
        ("bidirectional", "on", True),
        ("bidirectional", "off", False),
        ("bidirectional", "TRUE", True),
        ("learning_rate", "1e-2", 0.01),
        ("num_layers", "6", 6),
        ("prefixes", "分开|不分开", ("分开", "不分开")),
        ("prefixes", " the", (" the",)),
        ("prefixes", "我说，你|", ("我说，你",)),
        ("prefixes", "分开||不分开｜", ("分开", "不分开")),
        ("cell", "lstm", "lstm"),
    ],
)
def test_text_is_read_as_people_write_it(name: str, text: str, value: object) -> None:
    assert getattr(TrainConfig().change_from_text({name: text}), name) == value


@pytest.mark.parametrize(
    "value", [("分" * 1300,), ["分" * 1300], ("a", "b" * 1001), (1, 2), {"a": "b" * 300}, None, "分" * 1300]
)
def test_what_was_given_is_shown_as_it_was_written(value: object) -> None:
    """A page shows the value, never Python's notation for it, and no more of it than fits."""
    with pytest.raises(ConfigError) as caught:
        TrainConfig.make(prefixes=value)
    shown = caught.value.params["value"]
    assert not set("()'[]") & set(shown)
    assert len(shown) <= 100
    assert "1 to 1,000 characters" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"cell": "transformer"}, "rnn, gru, lstm"),
        ({"num_layers": 9}, "1 to 8"),
        ({"num_layers": 0}, "1 to 8"),
        ({"num_hiddens": 10**9}, "1 to 1024"),
        ({"learning_rate": float("nan")}, "more than 0 to 10000"),
        ({"learning_rate": float("inf")}, "more than 0 to 10000"),
        ({"learning_rate": 0}, "more than 0 to 10000"),
        ({"clip_norm": -1}, "more than 0 to 1000000, or none"),
        ({"bidirectional": "perhaps"}, "true, false"),
        ({"prefixes": ()}, "1 to 4 texts of 1 to 1,000 characters, separated by |"),
        ({"prefixes": ("",)}, "1 to 4 texts of 1 to 1,000 characters, separated by |"),
        ({"prefixes": "a|b|c|d|e"}, "1 to 4 texts of 1 to 1,000 characters, separated by |"),
        ({"corpus": "../../etc/passwd"}, "the name of a corpus: lower-case letters, digits and hyphens"),
        ({"corpus": "lyrics-zh\n"}, "the name of a corpus: lower-case letters, digits and hyphens"),
        ({"random_seed": -1}, f"0 to {2**31 - 1}"),
        ({"random_seed": 2**31}, f"0 to {2**31 - 1}"),
        ({"num_chars": 1}, "2 to 2000000"),
        ({"objective": "masked"}, "next, cloze"),
        ({"forget_bias": -1}, "0 to 10"),
        ({"forget_bias": float("nan")}, "0 to 10"),
        ({"residual": "some"}, "true, false"),
    ],
)
def test_an_error_names_the_setting_and_the_allowed_values(settings: dict[str, Any], allowed: str) -> None:
    error = refused(**settings)
    (name,) = settings
    assert error.params["field"] == name
    assert error.params["allowed"] == allowed == str(allowed_values(name))
    assert name in str(error)
    assert allowed in str(error)


@pytest.mark.parametrize("name", list(TrainConfig.model_fields))
def test_every_setting_has_allowed_values(name: str) -> None:
    text = str(allowed_values(name))
    assert text
    assert not re.search(r"\.0\b|\de[+-]?\d", text), "numbers are written as people write them"


@pytest.mark.parametrize("name", list(TrainConfig.model_fields))
def test_the_allowed_values_of_a_setting_are_accepted_and_no_others(name: str) -> None:
    allowed, kind = allowed_values(name), TrainConfig.model_fields[name].annotation
    if allowed.sentence:
        return

    def takes(value: Any) -> bool:
        try:
            return getattr(TrainConfig.make(**{name: value}), name) == value
        except ConfigError as error:
            return error.code != "config_value"  # the value is allowed, but conflicts with other settings

    if allowed.choices:
        assert all(takes(json.loads(choice) if kind is bool else choice) for choice in allowed.choices)
        assert not takes("something")
        return
    smaller, greater = (allowed.low - 1, allowed.high + 1) if kind is int else (allowed.low - 1e-9, allowed.high + 1e-6)
    assert [takes(value) for value in (smaller, allowed.low, allowed.high, greater)] == [
        False, not allowed.above_low, not allowed.below_high, False,
    ]  # fmt: skip
    with pytest.raises(ConfigError) if not allowed.or_none else nullcontext():
        TrainConfig.make(**{name: None})


def test_intervals_include_the_right_ends() -> None:
    ends = [(above, below) for above in (False, True) for below in (False, True)]
    texts = [str(Allowed(low=0, high=1, above_low=above, below_high=below)) for above, below in ends]
    assert texts == ["0 to 1", "0 to less than 1", "more than 0 to 1", "more than 0 to less than 1"]


def test_every_setting_is_in_the_form_once() -> None:
    assert sorted(name for section in SECTIONS for name in in_section(section)) == sorted(TrainConfig.model_fields)


def test_a_field_without_its_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="num_hiddens"):
        config_module._setting("num_hiddens", FieldInfo(annotation=int))


def test_what_a_setting_needs_is_a_value_of_another_setting() -> None:
    for name, setting in SETTINGS.items():
        for other, values in setting.needs.items():
            assert other != name
            for value in values:
                TrainConfig.make(**{other: value})


# the settings that do not always act, with settings under which they have no effect on numbers and texts
IDLE: list[tuple[dict[str, Any], set[str]]] = [
    ({"cell": "gru"}, {"activation", "residual", "forget_bias", "objective", "temperature", "top_k"}),
    ({"cell": "lstm", "num_layers": 2}, {"activation", "objective", "temperature", "top_k"}),
    ({"sampling": "random", "bidirectional": True},
     {"residual", "forget_bias", "detach", "carry_state", "temperature", "top_k"}),
    ({"decoding": "temperature"}, {"residual", "forget_bias", "objective", "top_k"}),
    ({"decoding": "top_k", "num_layers": 2}, {"forget_bias", "objective"}),
    ({"device": "cuda"}, {"residual", "forget_bias", "objective", "temperature", "top_k", "flush_denormal"}),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "idle"), IDLE)
def test_settings_without_effect(settings: dict[str, Any], idle: set[str]) -> None:
    config = TrainConfig.make(**settings)
    known = set().union(*(names for _, names in IDLE))
    assert {name for name in known if not config.acts(name)} == idle
    assert all(config.acts(name) for name, setting in SETTINGS.items() if not setting.needs)


def test_needed_settings_are_written_as_in_the_shell() -> None:
    needs = {name: setting.needs_text() for name, setting in SETTINGS.items() if setting.needs}
    assert needs["objective"] == "bidirectional=true"
    assert needs["temperature"] == "decoding=temperature or top_k"
    assert needs["residual"] == "num_layers=2 to 8"
    assert SETTINGS["cell"].needs_text() == ""


def test_an_unknown_setting_lists_those_that_exist() -> None:
    error = refused(num_hidden=3)
    assert error.code == "config_unknown_field"
    assert "num_hiddens" in error.params["allowed"]


def test_detach_off_needs_consecutive_sampling() -> None:
    assert TrainConfig.make(detach=False).detach is False
    error = refused(detach=False, sampling="random")
    assert error.code == "config_conflict_detach"
    assert "consecutive" in str(error)


def test_weight_decay_must_not_reverse_the_weights() -> None:
    assert TrainConfig.make(weight_decay=0.1, learning_rate=9.0).weight_decay == 0.1
    error = refused(weight_decay=0.1, learning_rate=10.0)
    assert error.code == "config_conflict_decay"
    assert "learning_rate" in str(error)


def test_early_stopping_needs_the_held_out_perplexity() -> None:
    assert TrainConfig.make(early_stopping=3).early_stopping == 3
    TrainConfig.make(early_stopping=3, bidirectional=True, objective="cloze")
    for settings in ({"held_out_period": 0}, {"bidirectional": True}):
        assert refused(early_stopping=1, **settings).code == "config_conflict_early_stopping"
    assert not TrainConfig.make(held_out_period=0).acts("early_stopping")


def test_the_cloze_needs_both_directions() -> None:
    config = TrainConfig.make(objective="cloze", bidirectional=True)
    assert TrainConfig.from_json(config.to_json()) == config
    assert TrainConfig().change_from_text(config.changes_from(TrainConfig())) == config
    error = refused(objective="cloze")
    assert error.code == "config_conflict_cloze"
    assert "bidirectional" in str(error)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "3", '"rnn"', "[" * 200_000], ids=lambda text: text[:5])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        TrainConfig.from_json(text)


def test_json_with_missing_settings_takes_the_defaults() -> None:
    assert TrainConfig.from_json('{"cell": "gru"}') == TrainConfig.make(cell="gru")


def test_settings_stored_by_older_versions_stay_valid() -> None:
    later = {"residual", "layer_norm", "forget_bias"}
    stored = {name: value for name, value in json.loads(TrainConfig().to_json()).items() if name not in later}
    assert TrainConfig.from_json(json.dumps(stored)) == TrainConfig()


def test_frozen() -> None:
    config = TrainConfig()
    with pytest.raises(ValidationError):
        config.cell = "gru"  # type: ignore[misc]
    assert hash(config) == hash(TrainConfig())
