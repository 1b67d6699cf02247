"""The trained networks that ship with the app: complete, small, and the same function as in the engine."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest
import torch

from rnnlab.engine import generation as engine_generation
from rnnlab.engine import microscope
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.errors import RecipeError, RunError
from rnnlab.inference import generation, inspection
from rnnlab.inference.files import FOLDER, SUFFIX, file_name, read_tensors
from rnnlab.inference.network import Network
from rnnlab.recipes import RECIPES
from rnnlab.recordings.networks import KEPT
from rnnlab.text import corpora, ngrams
from rnnlab.text.vocab import Vocab
from rnnlab.view.data import networks, recorded

FILES = FOLDER
ALL = [(name, epoch) for name, epochs in KEPT.items() for epoch in epochs]
MEGABYTE = 2**20


def in_the_engine(name: str, epoch: int) -> LanguageModel:
    config = RECIPES[name].config
    tensors = read_tensors(FILES / file_name(name, epoch))
    model = build_model(config, len(networks.network(name, epoch).vocab))
    model.load_state_dict({name: torch.from_numpy(tensor.astype(np.float32)) for name, tensor in tensors.items()})
    return model


def texts(network: Network) -> list[str]:
    """Return a passage of the training text and one of the held-out text."""
    config = network.config
    prepared = corpora.prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars)
    held_out = "".join(character for character in prepared.held_out if character in network.vocab.token_to_idx)
    return [prepared.train[1000:1060], held_out[:60]]


def test_every_network_is_there_and_none_too_many() -> None:
    assert {path.name for path in FILES.iterdir()} == {file_name(name, epoch) for name, epoch in ALL}
    assert {name: networks.epochs(name) for name in networks.names()} == KEPT
    assert list(networks.names()) == [name for name in RECIPES if name in KEPT]
    assert networks.epochs("A9") == ()
    assert set(networks.BY_LANGUAGE.values()) <= set(networks.names())


def test_the_networks_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FILES.glob(f"*{SUFFIX}")}
    assert sum(sizes.values()) < 14 * MEGABYTE
    assert max(sizes.values()) < 3.5 * MEGABYTE


@pytest.mark.parametrize(("name", "epoch"), ALL)
def test_a_network_is_that_of_its_recording(name: str, epoch: int) -> None:
    label = networks.label(name, epoch)
    recording = recorded.recording(name)
    assert (label.recipe, label.epoch, label.config) == (name, epoch, recording.config)
    # equal to the last digit: the weights are those of the recorded run
    assert label.loss == recording.history.epochs[epoch - 1].loss
    assert recording.history.epochs[epoch - 1].epoch == epoch
    # the training text has not changed since, so the vocabulary is the same
    network = networks.network(name, epoch)
    config = network.config
    train = corpora.prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars).train
    assert ngrams.ladder(train) == pytest.approx(recording.ladder, rel=1e-4)
    assert network.vocab.idx_to_token == Vocab(train).idx_to_token
    # the recording's diagnosis read the text with the same weights
    assert len(network.vocab) == recording.vocab_size
    surprises = [here["surprise"] for here in inspection.inspect(network, texts(network)[0])["next"]]
    perplexity = math.exp(sum(surprises[5:-1]) / len(surprises[5:-1]))
    diagnosed = recording.history.probes[epoch].perplexity
    assert diagnosed is not None
    assert perplexity < 3 * diagnosed


@pytest.mark.parametrize(("name", "epoch"), ALL)
def test_a_network_answers_as_in_the_engine(name: str, epoch: int) -> None:
    model, network = in_the_engine(name, epoch), networks.network(name, epoch)
    config, vocab = network.config, network.vocab
    for text in texts(network):
        for layer in range(1, config.num_layers + 1):
            mine = inspection.inspect(network, text, layer)
            theirs = microscope.inspect(model, config, vocab, text, layer)
            for here, there in zip(mine["states"], theirs["states"], strict=True):
                assert (here["name"], here["direction"]) == (there["name"], there["direction"])
                np.testing.assert_allclose(decoded(here), decoded(there), atol=1e-3, rtol=1e-3)
            for here, there in zip(mine["next"], theirs["next"], strict=True):
                assert [p for _, p in here["top"]] == pytest.approx([p for _, p in there["top"]], abs=1e-4)
                assert here["surprise"] == (there["surprise"] and pytest.approx(there["surprise"], abs=1e-3, rel=1e-3))
        found, expected = (
            ask(text, 40)
            for ask in (
                lambda text, at: inspection.dependence(network, text, at),
                lambda text, at: microscope.dependence(model, vocab, text, at),
            )
        )
        assert found["predicted"] == expected["predicted"]
        assert found["weights"] == pytest.approx(expected["weights"], rel=1e-3, abs=1e-3 * max(expected["weights"]))
    prefix = config.prefixes[0]
    assert generation.generate(network, prefix, 50) == engine_generation.generate(model, vocab, prefix, 50)


def decoded(state: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(state["values"]), "<f2").astype(np.float32)


def test_a_question_is_checked_as_for_a_checkpoint() -> None:
    with pytest.raises(RunError) as refused:
        networks.answer("A3", 50, {"kind": "inspect", "text": "", "layer": 1})
    assert refused.value.code == "question_text"
    with pytest.raises(RunError) as refused:
        networks.answer("A3", 50, {"kind": "inspect", "text": "一", "layer": 2})
    assert refused.value.code == "question_number"
    with pytest.raises(RunError) as refused:
        networks.answer("A3", 50, {"kind": "dependence", "text": "一", "position": 1})
    assert refused.value.code == "question_number"


def test_what_a_link_asks_for_is_checked() -> None:
    assert networks.ask(" a6 ") == "A6"
    with pytest.raises(RecipeError) as refused:
        networks.ask("A9")
    assert refused.value.code == "network_unknown"
