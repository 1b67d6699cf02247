"""Networks read with NumPy: the same states, predictions, dependence and greedy texts as those of the engine."""

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
from rnnlab.errors import PrefixError
from rnnlab.inference import generation, inspection
from rnnlab.inference.network import Network
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import TEXT, tiny

VOCAB = Vocab(TEXT)
LINE = "the river runs on to the sea"
NETWORKS = [
    {"cell": cell, "implementation": implementation, "num_layers": layers, "bidirectional": both, **more}
    for cell in ("rnn", "gru", "lstm")
    for implementation in ("scratch", "library")
    for layers, both, more in ((1, False, {}), (2, False, {}), (1, True, {}), (2, True, {}))
] + [
    {"cell": "rnn", "implementation": implementation, "num_layers": 2, "activation": "relu"}
    for implementation in ("scratch", "library")
]


def both(settings: dict[str, Any], dtype: type[np.floating[Any]] = np.float32) -> tuple[LanguageModel, Network]:
    """Return a network of the engine whose outputs are far from uniform, and the same read with NumPy."""
    config = tiny(initialization="uniform", num_hiddens=16, **settings)
    model = build_model(config, len(VOCAB))
    with torch.no_grad():
        model.dense.weight *= 6
        for parameter in model.parameters():  # the weights of the file are the weights of both
            parameter.copy_(torch.from_numpy(parameter.numpy().astype(dtype).astype(np.float32)))
    tensors = {name: tensor.numpy().astype(dtype) for name, tensor in model.state_dict().items()}
    return model, Network(config, VOCAB, tensors)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_an_inspection_is_that_of_the_engine(settings: dict[str, Any], dtype: type[np.floating[Any]]) -> None:
    model, network = both(settings, dtype)
    for layer in range(1, network.config.num_layers + 1):
        expected = microscope.inspect(model, network.config, VOCAB, LINE, layer)
        found = inspection.inspect(network, LINE, layer)
        assert found.keys() == expected.keys()
        assert {name: found[name] for name in found if name not in ("states", "next")} == {
            name: expected[name] for name in expected if name not in ("states", "next")
        }
        assert [(state["name"], state["direction"]) for state in found["states"]] == [
            (state["name"], state["direction"]) for state in expected["states"]
        ]
        for mine, theirs in zip(found["states"], expected["states"], strict=True):
            np.testing.assert_allclose(decoded(mine), decoded(theirs), atol=1e-3)
        for here, there in zip(found["next"], expected["next"], strict=True):
            assert [character for character, _ in here["top"]] == [character for character, _ in there["top"]]
            assert [p for _, p in here["top"]] == pytest.approx([p for _, p in there["top"]], abs=1e-5)
            assert here["entropy"] == pytest.approx(there["entropy"], abs=1e-4)
            assert here["surprise"] == (there["surprise"] and pytest.approx(there["surprise"], abs=1e-4))


def decoded(state: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(state["values"]), "<f2").astype(np.float32)


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_a_dependence_is_that_of_the_engine(settings: dict[str, Any]) -> None:
    model, network = both(settings)
    for position in (0, 1, 11, len(LINE) - 1):
        expected = microscope.dependence(model, VOCAB, LINE, position)
        found = inspection.dependence(network, LINE, position)
        assert found.keys() == expected.keys()
        assert (found["position"], found["predicted"]) == (expected["position"], expected["predicted"])
        assert found["weights"] == pytest.approx(expected["weights"], rel=1e-3, abs=1e-7)
        assert max(found["weights"]) > 0


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_a_greedy_text_is_that_of_the_engine(settings: dict[str, Any]) -> None:
    model, network = both(settings)
    for prefix in ("t", "the quick"):
        expected = engine_generation.generate(model, VOCAB, prefix, 60)
        assert generation.generate(network, prefix, 60) == expected
    assert generation.generate(network, "the", 0) == "the"


@pytest.mark.parametrize("decoding", ["temperature", "top_k"])
def test_a_sampled_text_has_the_distribution_of_the_engine(decoding: Any) -> None:
    """Counts of many draws lie within five standard deviations of those of softmax(logits / temperature)."""
    logits = np.array([2.0, -1.0, 0.5, 1.9, -30.0, 0.0], np.float32)
    weights = [math.exp(float(x) / 0.7) if decoding == "temperature" or x >= 0.5 else 0.0 for x in logits]
    draws = 20_000
    generator = np.random.default_rng(3)
    counts = np.bincount(
        [generation.choose(logits, decoding, 0.7, 3, generator) for _ in range(draws)], minlength=len(logits)
    )
    their_generator = torch.Generator().manual_seed(3)
    theirs = np.bincount(
        [engine_generation.choose(torch.from_numpy(logits), decoding, 0.7, 3, their_generator) for _ in range(draws)],
        minlength=len(logits),
    )
    for index, weight in enumerate(weights):
        p = weight / sum(weights)
        spread = math.sqrt(draws * p * (1 - p))
        assert abs(counts[index] - draws * p) <= 5 * spread
        assert abs(counts[index] - theirs[index]) <= 5 * math.sqrt(2) * spread


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    _, network = both({"cell": "gru", "implementation": "scratch"})
    first, again, other = (generation.generate(network, "the", 50, "temperature", 1.5, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    # a temperature near zero, and a single candidate, are greedy
    greedy = generation.generate(network, "the", 50)
    assert generation.generate(network, "the", 50, "temperature", 1e-4) == greedy
    assert generation.generate(network, "the", 50, "top_k", 1.0, 1) == greedy


def test_a_character_that_the_network_does_not_know_is_refused() -> None:
    _, network = both({"cell": "rnn", "implementation": "scratch"})
    for ask in (
        lambda: inspection.inspect(network, "É"),
        lambda: inspection.dependence(network, "É", 0),
        lambda: generation.generate(network, "É", 3),
    ):
        with pytest.raises(PrefixError):
            ask()


@pytest.mark.parametrize(
    "settings", [{"layer_norm": True}, {"residual": True}, {"objective": "cloze", "bidirectional": True}], ids=str
)
def test_a_network_that_would_be_read_wrongly_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="plain networks"):
        both({"cell": "gru", "num_layers": 2, **settings})
