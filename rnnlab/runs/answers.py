"""Answers of a checkpoint: each kind of question calls a function of the engine on the restored weights (torch)."""

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
from rnnlab.runs.protocol import Answer, AnswerOrder
from rnnlab.runs.questions import BULKY
from rnnlab.text.preparation import Prepared
from rnnlab.text.vocab import Vocab

Question = Mapping[str, Any]


@dataclass(frozen=True)
class Network:
    """A network with fixed weights and its training text.

    Attributes:
        model: the network.
        config: its configuration.
        vocab: vocabulary of the training text.
        text: the prepared text.
        hidden: state that the run carries across epochs, without which the network may fail; None: not carried.
    """

    model: LanguageModel
    config: TrainConfig
    vocab: Vocab
    text: Prepared
    hidden: State | None


def answer(order: AnswerOrder) -> Answer:
    """Return the answer to the question of `order`, which `rnnlab.runs.questions` has validated.

    Raises:
        RNNLabError: a character outside the vocabulary, or a checkpoint that cannot be read.
    """
    config, question = TrainConfig.from_json(order.config), order.question
    prepare_thread(config)
    text = Prepared(order.text, order.held_out)
    vocab = Vocab(text.train)
    keep = question["kind"] not in BULKY
    if question["kind"] == "parity":
        device = resolve_device(config, len(vocab))
        return Answer(answer=parity(config, len(vocab), _indices(vocab, text), device), keep=keep)
    assert order.checkpoint is not None
    model = build_model(config, len(vocab), _device(config, len(vocab), order.device))
    state = checkpoints.restore(model, config, Path(order.checkpoint))
    network = Network(state.model, config, vocab, text, state.hidden if config.carry_state else None)
    position = {"epoch": state.epoch, "minibatch": state.minibatch}
    return Answer(answer={**position, **_ANSWERS[question["kind"]](network, question)}, keep=keep)


def _generate(network: Network, question: Question) -> dict[str, Any]:
    text = generate(
        network.model,
        network.vocab,
        question["prefix"],
        question["num_preds"],
        decoding=question["decoding"],
        temperature=question["temperature"],
        top_k=question["top_k"],
        seed=question["seed"],
    )
    return {"text": text}


def _diagnose(network: Network, question: Question) -> dict[str, Any]:
    indices = _indices(network.vocab, network.text)
    diagnosis = diagnose(network.model, network.config, network.vocab, indices, network.text.held_out, network.hidden)
    return {"diagnosis": diagnosis.model_dump(mode="json")}


def _inspect(network: Network, question: Question) -> dict[str, Any]:
    return inspect(network.model, network.config, network.vocab, question["text"], question["layer"])


def _dependence(network: Network, question: Question) -> dict[str, Any]:
    return dependence(network.model, network.vocab, question["text"], question["position"])


def _fill_gap(network: Network, question: Question) -> dict[str, Any]:
    return fill_gap(network.model, network.vocab, question["before"], question["after"], network.hidden)


def _gaps(network: Network, question: Question) -> dict[str, Any]:
    indices = _indices(network.vocab, network.text)
    return gaps(network.model, network.vocab, indices, network.text.held_out, question["num"], network.hidden)


def _device(config: TrainConfig, vocab_size: int, started_on: str | None) -> torch.device:
    """Return the device for the answer: that of the run, or the processor if "auto" chose a device that is missing."""
    if config.device == "auto" and started_on is not None and started_on not in available_devices(config):
        return torch.device("cpu")
    return resolve_device(config, vocab_size, started_on)


def _indices(vocab: Vocab, text: Prepared) -> Tensor:
    return torch.tensor(vocab.encode(text.train), dtype=torch.long)


_ANSWERS: dict[str, Callable[[Network, Question], dict[str, Any]]] = {
    "generate": _generate,
    "diagnose": _diagnose,
    "inspect": _inspect,
    "dependence": _dependence,
    "fill_gap": _fill_gap,
    "gaps": _gaps,
}
