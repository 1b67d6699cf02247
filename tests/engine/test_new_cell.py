"""A new cell that is described only here can be trained, used for generation and inspected like the book's cells.

The minimal gated unit (Zhou et al. 2016): a single gate replaces the reset and update gates of a GRU.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnlab.cells import CELLS, CellDescription, Functions, Gate
from rnnlab.cells.description import Array, Gates, State, Weights
from rnnlab.config import TrainConfig, allowed_values
from rnnlab.engine.cells import FUNCTIONS, Cell
from rnnlab.engine.diagnosis import diagnose
from rnnlab.engine.forms import FORMS
from rnnlab.engine.generation import generate
from rnnlab.engine.microscope import dependence, inspect
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.sequence import run_sequence
from rnnlab.engine.training import TrainingState, train
from rnnlab.errors import ConfigError
from rnnlab.events import EpochFinished
from rnnlab.inference import inspection
from rnnlab.inference.network import Network
from rnnlab.runs import admission
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny


def mgu(X: Array, state: State, weights: Weights, f: Functions) -> tuple[State, Gates]:
    (W_xf, W_hf, b_f), (W_xh, W_hh, b_h) = weights
    (H,) = state
    F = f.sigmoid(X @ W_xf + H @ W_hf + b_f)
    H_tilde = f.tanh(X @ W_xh + (F * H) @ W_hh + b_h)
    H = (1 - F) * H + F * H_tilde
    return (H,), {"F": F, "H_tilde": H_tilde}


MGU = CellDescription(
    name="mgu",
    equation=mgu,
    gates=(
        Gate("f", "F", "sigmoid", "forget_gate"),
        Gate("h", "H_tilde", "tanh", "candidate", resets="F"),
    ),
    states=("H",),
    latex=(
        r"\mathbf{F}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xf} + \mathbf{H}_{t-1} \mathbf{W}_{hf} + \mathbf{b}_f)",
        r"\tilde{\mathbf{H}}_t = \tanh(\mathbf{X}_t \mathbf{W}_{xh}"
        r" + (\mathbf{F}_t \odot \mathbf{H}_{t-1}) \mathbf{W}_{hh} + \mathbf{b}_h)",
        r"\mathbf{H}_t = (1 - \mathbf{F}_t) \odot \mathbf{H}_{t-1} + \mathbf{F}_t \odot \tilde{\mathbf{H}}_t",
    ),
    section="6.7",
    calls=10,
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(CELLS, "mgu", MGU)
        yield
    assert "mgu" not in CELLS


def config_of(**settings: object) -> TrainConfig:
    return tiny(**{"cell": "mgu", "initialization": "uniform", "num_hiddens": 12, "clip_norm": None, **settings})


def test_the_configuration_accepts_it() -> None:
    assert config_of().cell == "mgu"
    assert TrainConfig.from_json(config_of().to_json()) == config_of()
    assert str(allowed_values("cell")) == "rnn, gru, lstm, mgu"
    with pytest.raises(ConfigError) as refused:
        config_of(implementation="library")
    assert refused.value.code == "config_conflict_library"
    # two blocks of weights
    assert admission.memory_mb(config_of(), 1000) < admission.memory_mb(config_of(cell="gru"), 1000)
    assert admission.estimate_epoch(config_of(), 1000, 1e10, 1e-6) > 0


@pytest.mark.parametrize("computation", ["fast", "as_written"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_it_trains(computation: str, bidirectional: bool, vocab: Vocab, indices: Tensor) -> None:
    config = config_of(
        num_epochs=8, num_layers=2, bidirectional=bidirectional, computation=computation,
        optimizer="adam", learning_rate=0.02,
    )  # fmt: skip
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    losses = [event.loss for event in train(state, vocab, indices) if isinstance(event, EpochFinished)]
    assert losses[-1] < 0.8 * losses[0]


def test_its_gradient_is_that_of_its_equation() -> None:
    assert mgu not in FORMS  # it has no handwritten derivatives
    torch.manual_seed(0)
    cell = Cell(MGU, 5, 4).double()
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -0.8, 0.8)
    H_0 = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    characters = torch.randint(5, (3, 2))
    outputs, _ = run_sequence(cell.unit(), characters, (H_0,))
    # the same in NumPy
    H, gates = H_0.detach().numpy(), [np.split(p.detach().numpy(), 2, -1) for p in cell.parameters()]
    (W_xf, W_xh), (W_hf, W_hh), (b_f, b_h) = gates
    for t in range(3):
        X = np.eye(5)[characters[t]]
        F = 1 / (1 + np.exp(-(X @ W_xf + H @ W_hf + b_f)))
        H = (1 - F) * H + F * np.tanh(X @ W_xh + (F * H) @ W_hh + b_h)
        np.testing.assert_allclose(outputs[t].detach().numpy(), H, atol=1e-12)
    # and its derivative by a finite difference of one weight
    weight = torch.randn_like(outputs)
    (outputs * weight).sum().backward()
    assert cell.W_h.grad is not None
    for place in ((0, 0), (2, 5)):
        moved = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                cell.W_h[place] += step
                moved.append((run_sequence(cell.unit(), characters, (H_0,))[0] * weight).sum().item())
                cell.W_h[place] -= step
        assert cell.W_h.grad[place].item() == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-5)


@pytest.fixture
def network(vocab: Vocab) -> LanguageModel:
    return build_model(config_of(num_layers=2), len(vocab))


def test_it_generates_the_most_probable_characters(network: LanguageModel, vocab: Vocab) -> None:
    text = "the "
    for _ in range(6):
        X = torch.tensor([vocab.encode(text)])
        with torch.no_grad():
            logits, _ = network(X, network.begin_state(1))
        text += vocab.idx_to_token[int(logits[-1].argmax())]
    assert generate(network, vocab, "the ", 6) == text


def test_it_can_be_diagnosed_and_inspected(network: LanguageModel, vocab: Vocab, indices: Tensor) -> None:
    text, config = "the fox", config_of(num_layers=2)
    found = inspect(network, config, vocab, text, layer=1)
    values = {
        entry["name"]: np.frombuffer(base64.b64decode(entry["values"]), dtype="<f2").reshape(len(text), 12)
        for entry in found["states"]
    }
    assert list(values) == ["H", "forget_gate", "candidate"]
    before = np.concatenate((np.zeros((1, 12)), values["H"][:-1]))
    F = values["forget_gate"]
    np.testing.assert_allclose(values["H"], (1 - F) * before + F * values["candidate"], atol=5e-3)
    # the last H is that of the network
    with torch.no_grad():
        _, (last,) = network.recurrent(torch.tensor(vocab.encode(text))[:, None], network.begin_state(1))
    np.testing.assert_allclose(values["H"][-1], last[0, 0].numpy(), atol=1e-3)
    assert len(dependence(network, vocab, text, 3)["weights"]) == 4
    assert diagnose(network, config, vocab, indices, "the fox").perplexity == pytest.approx(len(vocab), rel=0.3)


def test_the_equation_is_the_same_on_numpy() -> None:
    torch.manual_seed(1)
    cell = Cell(MGU, 3, 2).double()
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -0.8, 0.8)
    X, H = torch.randn(1, 3, dtype=torch.float64), torch.randn(1, 2, dtype=torch.float64)
    f = Functions(lambda a: 1 / (1 + np.exp(-a)), np.tanh, np.tanh)
    with torch.no_grad():
        weights = cell.unit().weights()
        (theirs,), gates = mgu(X, (H,), weights, FUNCTIONS["tanh"])
        (ours,), mine = mgu(X.numpy(), (H.numpy(),), [tuple(tensor.numpy() for tensor in gate) for gate in weights], f)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)
    assert mine.keys() == gates.keys() == {"F", "H_tilde"}


def test_it_is_read_without_the_engine() -> None:
    """NumPy's reader, too, takes the equation and the names of the gates from the description."""
    vocab = Vocab("the quick brown fox")
    config = config_of(num_layers=2, prefixes=("the",))
    model = build_model(config, len(vocab))
    network = Network(config, vocab, {name: tensor.numpy() for name, tensor in model.state_dict().items()})
    mine, theirs = inspection.inspect(network, "the fox", 2), inspect(model, config, vocab, "the fox", 2)
    assert [state["name"] for state in mine["states"]] == [state["name"] for state in theirs["states"]]
    assert [here["entropy"] for here in mine["next"]] == pytest.approx([here["entropy"] for here in theirs["next"]])
    weights = [
        ask["weights"] for ask in (inspection.dependence(network, "the fox", 6), dependence(model, vocab, "the fox", 6))
    ]
    assert weights[0] == pytest.approx(weights[1], rel=1e-4)
