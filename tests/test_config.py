"""The settings of a run: validated, frozen, and the same after JSON, the shell or a URL."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rnnlab.config import TrainConfig, allowed_values
from rnnlab.errors import ConfigError

SETTINGS: dict[str, st.SearchStrategy[Any]] = {
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
        lambda texts: tuple(text[:100] for text in texts[:4])
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
configs = st.fixed_dictionaries({}, optional=SETTINGS).map(lambda settings: TrainConfig.make(**settings))


def refused(**settings: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.make(**settings)
    return caught.value


def test_the_strategies_cover_every_setting() -> None:
    assert set(SETTINGS) | {"detach", "objective"} == set(TrainConfig.model_fields)


@given(configs)
def test_json_gives_the_same_settings_back(config: TrainConfig) -> None:
    assert TrainConfig.from_json(config.to_json()) == config
    json.loads(config.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@given(configs, configs)
def test_text_gives_the_same_settings_back(config: TrainConfig, base: TrainConfig) -> None:
    changes = config.changes_from(base)
    assert base.change_from_text(changes) == config
    assert all(isinstance(text, str) for text in changes.values())


def test_no_change_is_no_text() -> None:
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
        ("cell", "lstm", "lstm"),
    ],
)
def test_text_is_read_as_people_write_it(name: str, text: str, value: object) -> None:
    assert getattr(TrainConfig().change_from_text({name: text}), name) == value


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
        ({"prefixes": ()}, "1 to 4 texts of 1 to 100 characters, separated by |"),
        ({"prefixes": ("",)}, "1 to 4 texts of 1 to 100 characters, separated by |"),
        ({"prefixes": "a|b|c|d|e"}, "1 to 4 texts of 1 to 100 characters, separated by |"),
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
def test_a_refusal_names_the_setting_and_what_is_allowed(settings: dict[str, Any], allowed: str) -> None:
    error = refused(**settings)
    (name,) = settings
    assert error.params["field"] == name
    assert error.params["allowed"] == allowed == allowed_values(name)
    assert name in str(error)
    assert allowed in str(error)


@pytest.mark.parametrize("name", list(TrainConfig.model_fields))
def test_every_setting_can_say_what_it_allows(name: str) -> None:
    assert allowed_values(name)
    assert not re.search(r"\.0\b|\de[+-]?\d", allowed_values(name)), "numbers are written as people write them"


def test_an_unknown_setting_lists_those_that_exist() -> None:
    error = refused(num_hidden=3)
    assert error.code == "config_unknown_field"
    assert "num_hiddens" in error.params["allowed"]


def test_detach_off_needs_consecutive_sampling() -> None:
    assert TrainConfig.make(detach=False).detach is False
    error = refused(detach=False, sampling="random")
    assert error.code == "config_conflict_detach"
    assert "consecutive" in str(error)


def test_the_cloze_needs_both_directions() -> None:
    config = TrainConfig.make(objective="cloze", bidirectional=True)
    assert TrainConfig.from_json(config.to_json()) == config
    assert TrainConfig().change_from_text(config.changes_from(TrainConfig())) == config
    error = refused(objective="cloze")
    assert error.code == "config_conflict_cloze"
    assert "bidirectional" in str(error)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "3", '"rnn"'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        TrainConfig.from_json(text)


def test_json_with_missing_settings_takes_the_defaults() -> None:
    assert TrainConfig.from_json('{"cell": "gru"}') == TrainConfig.make(cell="gru")


def test_settings_stored_before_there_were_more_of_them_stay_valid() -> None:
    later = {"residual", "layer_norm", "forget_bias"}
    stored = {name: value for name, value in json.loads(TrainConfig().to_json()).items() if name not in later}
    assert TrainConfig.from_json(json.dumps(stored)) == TrainConfig()


def test_frozen() -> None:
    config = TrainConfig()
    with pytest.raises(ValidationError):
        config.cell = "gru"  # type: ignore[misc]
    assert hash(config) == hash(TrainConfig())
