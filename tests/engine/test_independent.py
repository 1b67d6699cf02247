"""The training loop against an independent implementation, and against itself in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnlab.config import TrainConfig
from rnnlab.engine.minibatch import consecutive_minibatches
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import MinibatchFinished
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab
from tests.engine.oracles import ScratchTraining

MINIBATCHES = 20


def weights_of(model: LanguageModel) -> dict[str, NDArray[np.float64]]:
    """Return the weights of a scratch network of one layer, by their name in the oracle."""
    tensors = {name: dict(model.recurrent.cells[0].named_parameters())[name] for name in ("W_x", "W_h", "b")}
    tensors |= {"W_hq": model.dense.weight.t(), "b_q": model.dense.bias}
    return {name: tensor.detach().double().numpy().copy() for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    ("cell", "precision", "agreeing"),
    [("rnn", "float64", MINIBATCHES), ("lstm", "float32", MINIBATCHES), ("rnn", "float32", 5)],
)
def test_twenty_minibatches_of_the_books_scratch_runs(cell: str, precision: str, agreeing: int) -> None:
    """A2 and A6, whole size, from the same weights, against float64 in NumPy.

    Each update of A2 has length 1, and its seventh minibatch jumps to a perplexity of 7,000, after which rounding
    differences grow to percents. So float32 is compared only before it, and minibatch by minibatch in the next test.
    """
    config = TrainConfig.make(cell=cell, num_epochs=3, pred_period=10, precision=precision)
    text = prepare(load("lyrics-zh").text, config.preprocessing, config.num_chars).train
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    model = build_model(config, len(vocab))
    oracle = ScratchTraining(weights_of(model), config.learning_rate, 0.01)
    expected: list[float] = []
    minibatches = [*consecutive_minibatches(indices, 32, 35)]
    state: list[NDArray[np.float64]] = []
    for number in range(agreeing):
        if number % len(minibatches) == 0:  # restarted in each epoch
            state = [np.zeros((32, 256))] * (2 if cell == "lstm" else 1)
        X, Y = minibatches[number % len(minibatches)]
        loss, state = oracle.minibatch(X.numpy(), Y.numpy(), state)
        expected.append(np.exp(loss))
    events = train(TrainingState.begin(model, config), vocab, indices)
    losses = islice((event.loss for event in events if isinstance(event, MinibatchFinished)), agreeing)
    perplexities = np.exp(list(losses))
    np.testing.assert_allclose(perplexities, expected, rtol=1e-4)
    assert perplexities[-1] < 0.8 * perplexities[0]  # the network learns, so the two could have diverged


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_twenty_minibatches_in_float32_each_from_the_weights_before_it(cell: str) -> None:
    """Each loss and each update of length 1 of A2 and A6, computed from the weights of the engine before it."""
    config = TrainConfig.make(cell=cell, num_epochs=3, pred_period=10)
    text = prepare(load("lyrics-zh").text, config.preprocessing, config.num_chars).train
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    events = train(state, vocab, indices)
    next(events)  # run_started
    minibatches = [*consecutive_minibatches(indices, 32, 35)]
    for number in range(MINIBATCHES):
        X, Y = minibatches[number % len(minibatches)]
        before = weights_of(state.model)
        hidden = state.hidden if number % len(minibatches) else None
        H_C = [tensor[0].double().numpy() for tensor in hidden or state.model.begin_state(32)]
        event = next(event for event in events if isinstance(event, MinibatchFinished))
        oracle = ScratchTraining(before, config.learning_rate, 0.01)
        loss, _ = oracle.minibatch(X.numpy(), Y.numpy(), H_C)
        assert np.exp(event.loss) == pytest.approx(np.exp(loss), rel=1e-4)
        after = weights_of(state.model)
        apart = np.sqrt(sum(((after[name] - weight) ** 2).sum() for name, weight in oracle.weights.items()))
        assert apart < 1e-3  # of an update of length 1


IN_ANOTHER_PROCESS = """
import sys, json
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState, prepare_thread, train
from rnnlab.text.vocab import Vocab
text, *configs = sys.argv[1:]
vocab = Vocab(text)
for config in map(TrainConfig.from_json, configs):
    prepare_thread(config)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    events = [e for e in train(state, vocab, vocab.encode(text)) if e.kind == "minibatch_finished"]
    print(json.dumps([[e.loss.hex(), e.grad_norm.hex()] for e in events]))
assert "torch._dynamo" not in sys.modules, "the compiler was loaded, which takes as long as half of torch"
"""


def test_two_processes_give_the_same_training_bit_for_bit() -> None:
    configs = [
        TrainConfig.make(num_hiddens=32, num_epochs=2, num_preds=2, prefixes=("the",), batch_size=8, **settings)
        for settings in (
            {"sampling": "random", "cell": "gru"},
            {"implementation": "library", "cell": "lstm", "optimizer": "adam", "learning_rate": 0.01},
        )
    ]
    text = prepare(load("verse-en").text, "second_edition", 2000).train
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, text, *(config.to_json() for config in configs)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    first, second = (process.communicate(timeout=60)[0].splitlines() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert first == second
    assert [len(json.loads(line)) >= 6 for line in first] == [True, True]
