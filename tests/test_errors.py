"""Errors have a code and parameters, and are sent between processes as plain data."""

from __future__ import annotations

import json

import pytest

from rnnlab import errors
from rnnlab.errors import ConfigError, CorpusError, PrefixError, RecipeError, RNNLabError, RunError

CLASSES = [ConfigError, CorpusError, PrefixError, RecipeError, RunError]


@pytest.mark.parametrize("cls", [RNNLabError, *CLASSES])
def test_travels_as_json(cls: type[RNNLabError]) -> None:
    error = cls("some_code", "Say what is allowed: 1 to 8.", field="num_layers", value="9", limit=8)
    back = RNNLabError.from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(back) is cls
    assert (back.code, back.message, back.params) == (error.code, error.message, error.params)
    assert str(back) == "Say what is allowed: 1 to 8."


def test_unknown_class_becomes_the_root() -> None:
    back = RNNLabError.from_dict({"error": "SystemExit", "code": "c", "message": "m"})
    assert type(back) is RNNLabError
    assert back.params == {}


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = [line.split()[1] for line in (errors.__doc__ or "").splitlines() if "──" in line]
    assert drawn == [cls.__name__ for cls in RNNLabError.__subclasses__()] == [cls.__name__ for cls in CLASSES]
