"""The questions that a checkpoint can be asked, each checked before a process is started for it; no torch.

A question is one JSON object with a `kind`; `checked` returns it in its one valid form, so that the same question is
the same text, and its answer is found again in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError

MAX_TEXT = 200
"""Characters of a text that a checkpoint is asked about; the pages' text fields take as many."""
MAX_GAPS = 2000
"""Gaps that `gaps` fills in."""
BULKY = frozenset({"inspect", "parity"})
"""Kinds whose answers the store does not keep: large, and quickly computed again."""


def checked(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    """Return a question to a checkpoint of a run of `config` in its one valid form.

    Raises:
        ConfigError: a value of a generation outside what is allowed.
        RunError: ``question_unknown``, ``question_text``, ``question_number``.
    """
    kind = str(question.get("kind"))
    if kind not in _KINDS:
        allowed = ", ".join(_KINDS)
        raise RunError("question_unknown", f"A checkpoint can be asked to: {allowed}.", allowed=allowed)
    return {"kind": kind, **_KINDS[kind](question, config)}


def _generate(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    names = ("num_preds", "decoding", "temperature", "top_k")
    asked = TrainConfig.make(
        prefixes=(question["prefix"],),
        random_seed=question["seed"],
        **{name: question[name] for name in names},
    )
    values = {name: getattr(asked, name) for name in names}
    return {"prefix": asked.prefixes[0], "seed": asked.random_seed, **values}


def _diagnose(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    return {}


def _inspect(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    return {"text": _text(question["text"]), "layer": _number("layer", question["layer"], 1, config.num_layers)}


def _dependence(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    text = _text(question["text"])
    return {"text": text, "position": _number("position", question["position"], 0, len(text) - 1)}


def _fill_gap(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    before, after = str(question["before"]), str(question["after"])
    _text(before + after)
    if config.objective == "next":  # it reads what stands before, and needs something there
        _text(before)
    return {"before": before, "after": after}


def _gaps(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    return {"num": _number("num", question["num"], 1, MAX_GAPS)}


_KINDS: dict[str, Callable[[Mapping[str, Any], TrainConfig], dict[str, Any]]] = {
    "generate": _generate,
    "diagnose": _diagnose,
    "inspect": _inspect,
    "dependence": _dependence,
    "fill_gap": _fill_gap,
    "gaps": _gaps,
}


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        length = len(value) if isinstance(value, str) else 0
        raise RunError(
            "question_text",
            f"The text has {length} characters; allowed: 1 to {MAX_TEXT}.",
            length=length,
            allowed=MAX_TEXT,
        )
    return value


def _number(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        shown = str(value)[:20]
        raise RunError(
            "question_number",
            f"{name} cannot be {shown}; allowed: {low} to {high}.",
            name=name,
            value=shown,
            low=low,
            high=high,
        )
    return value
