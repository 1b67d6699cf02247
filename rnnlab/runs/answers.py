"""What a checkpoint answers: each kind of question as one look of the engine at restored weights (torch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine.cells import State
from rnnlab.engine.cloze import fill_gap, gaps
from rnnlab.engine.device import available_devices, resolve_device
from rnnlab.engine.diagnosis import diagnose
from rnnlab.engine.generation import generate
from rnnlab.engine.microscope import dependence, inspect
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.parity import parity
from rnnlab.engine.training import prepare_thread
from rnnlab.runs import checkpoints
from rnnlab.runs.questions import BULKY
from rnnlab.text.preparation import Prepared, prepare
from rnnlab.text.vocab import Vocab

Question = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is asked: frozen weights, and the text that they were trained on.

    Attributes:
        hidden: the state that the run carries across epochs, if it does: its network may be lost without it.
    """

    model: LanguageModel
    config: TrainConfig
    vocab: Vocab
    text: Prepared
    hidden: State | None


def answer(order: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the question of `order` to its checkpoint; it has been checked by `rnnlab.runs.questions`.

    Raises:
        RNNLabError: a character that the network does not know, a checkpoint that cannot be read.
    """
    config, question = TrainConfig.from_json(order["config"]), order["question"]
    prepare_thread(config)
    text = prepare(order["text"], config.preprocessing, config.num_chars)
    vocab = Vocab(text.train)
    keep = {"keep": False} if question["kind"] in BULKY else {}
    if question["kind"] == "parity":
        device = resolve_device(config, len(vocab))
        return {**parity(config, len(vocab), _indices(vocab, text), device), **keep}
    model = build_model(config, len(vocab), _device(config, len(vocab), order.get("device")))
    state = checkpoints.restore(model, config, Path(order["checkpoint"]))
    subject = Subject(state.model, config, vocab, text, state.hidden if config.carry_state else None)
    where = {"epoch": state.epoch, "minibatch": state.minibatch}
    return {**where, **_ANSWERS[question["kind"]](subject, question), **keep}


def _generate(subject: Subject, question: Question) -> dict[str, Any]:
    text = generate(
        subject.model,
        subject.vocab,
        question["prefix"],
        question["num_preds"],
        decoding=question["decoding"],
        temperature=question["temperature"],
        top_k=question["top_k"],
        seed=question["seed"],
    )
    return {"text": text}


def _diagnose(subject: Subject, question: Question) -> dict[str, Any]:
    indices = _indices(subject.vocab, subject.text)
    found = diagnose(subject.model, subject.config, subject.vocab, indices, subject.text.held_out, subject.hidden)
    return {"diagnosis": found.model_dump(mode="json")}


def _inspect(subject: Subject, question: Question) -> dict[str, Any]:
    return inspect(subject.model, subject.config, subject.vocab, question["text"], question["layer"])


def _dependence(subject: Subject, question: Question) -> dict[str, Any]:
    return dependence(subject.model, subject.vocab, question["text"], question["position"])


def _fill_gap(subject: Subject, question: Question) -> dict[str, Any]:
    return fill_gap(subject.model, subject.vocab, question["before"], question["after"], subject.hidden)


def _gaps(subject: Subject, question: Question) -> dict[str, Any]:
    indices = _indices(subject.vocab, subject.text)
    return gaps(subject.model, subject.vocab, indices, subject.text.held_out, question["num"], subject.hidden)


def _device(config: TrainConfig, vocab_size: int, started_on: str | None) -> torch.device:
    """Return where to answer: on the device of the run; where that is missing and was not asked for, here."""
    if config.device == "auto" and started_on is not None and started_on not in available_devices(config):
        return torch.device("cpu")
    return resolve_device(config, vocab_size, started_on)


def _indices(vocab: Vocab, text: Prepared) -> Tensor:
    return torch.tensor(vocab.encode(text.train), dtype=torch.long)


_ANSWERS: dict[str, Callable[[Subject, Question], dict[str, Any]]] = {
    "generate": _generate,
    "diagnose": _diagnose,
    "inspect": _inspect,
    "dependence": _dependence,
    "fill_gap": _fill_gap,
    "gaps": _gaps,
}
