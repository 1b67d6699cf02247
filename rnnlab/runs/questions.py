"""The questions that a checkpoint can be asked, validated before a process is started for them; no torch.

A question is a JSON object with a `kind`; `checked` returns it in canonical form, so that equal questions are equal
texts, and a stored answer is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError

MAX_TEXT = 200
"""Longest text in a question, in characters; the text fields of the pages have the same limit."""
MAX_GAPS = 2000
"""Largest number of gaps of `gaps`."""
BULKY = frozenset({"inspect", "parity"})
"""Kinds whose answers are not stored: they are large and quickly computed again."""


def checked(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    """Validate a question to a checkpoint of a run with `config`, and return it in canonical form.

    Raises:
        ConfigError: a setting of a generation has a value that is not allowed.
        RunError: ``question_unknown``, ``question_text``, ``question_number``.
    """
    kind = str(question.get("kind"))
    if kind not in _KINDS:
        allowed = ", ".join(_KINDS)
        raise RunError("question_unknown", f"A checkpoint accepts only these requests: {allowed}.", allowed=allowed)
    return {"kind": kind, **_KINDS[kind](question, config)}


def _generate(question: Mapping[str, Any], config: TrainConfig) -> dict[str, Any]:
    names = ("num_preds", "decoding", "temperature", "top_k")
    settings = TrainConfig.make(
        prefixes=(question["prefix"],),
        random_seed=question["seed"],
        **{name: question[name] for name in names},
    )
    values = {name: getattr(settings, name) for name in names}
    return {"prefix": settings.prefixes[0], "seed": settings.random_seed, **values}


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
    if config.objective == "next":  # the network reads only the text before the gap
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
