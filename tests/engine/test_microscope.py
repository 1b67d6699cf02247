"""The microscope: states and gates are those of the network, probabilities and gradients those of plain autograd."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnnlab.engine.microscope import dependence, inspect, layer_states
from rnnlab.engine.model import ClozeModel, build_model
from rnnlab.errors import PrefixError
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import tiny

V = 11
NAMES = {
    "rnn": ["H"],
    "gru": ["H", "update_gate", "reset_gate", "candidate"],
    "lstm": ["H", "C", "input_gate", "forget_gate", "output_gate", "candidate"],
}
NETWORKS = [
    {"cell": cell, "implementation": implementation, "num_layers": layers, "bidirectional": both, **helped}
    for cell in ("rnn", "gru", "lstm")
    for implementation in ("scratch", "library")
    for layers, both, helped in (
        (1, False, {}),
        (1, True, {}),
        (3, True, {}),
        (2, False, {"residual": True, "layer_norm": True, "activation": "relu"}),
        (2, True, {"residual": True, "objective": "cloze"}),
    )
]


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_the_recomputed_states_are_those_of_the_network(settings: dict[str, Any]) -> None:
    config = tiny(initialization="uniform", num_hiddens=16, **settings)
    model = build_model(config, V)
    X = torch.randint(V, (12,))
    with torch.no_grad():
        _, last = model.recurrent(X[:, None], model.begin_state(1))
        directions = 2 if config.bidirectional and not isinstance(model, ClozeModel) else 1
        # from the network itself: the last states of every layer, and every H from shortened texts
        for layer in range(1, config.num_layers + 1):
            found = layer_states(model, X, layer)
            assert len(found) == (2 if config.bidirectional else 1)
            assert [list(states) for states in found] == [NAMES[config.cell]] * len(found)
            if directions == 1 or layer == 1:  # otherwise the layer below has read the rest of the text
                for t in (1, 5, 12):
                    _, state = model.recurrent(X[:t, None], model.begin_state(1))
                    theirs = state[0][(layer - 1) * directions, 0]
                    torch.testing.assert_close(found[0]["H"][t - 1], theirs, atol=1e-5, rtol=1e-5)
            for direction in range(directions):
                end = 0 if direction else -1
                for index, name in enumerate(("H", "C")[: len(last)]):
                    mine = found[direction][name][end]
                    theirs = last[index][(layer - 1) * directions + direction, 0]
                    torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
        if isinstance(model, ClozeModel):
            H, _ = model.backward_recurrent(X.flip(0)[:, None], model.begin_state(1))
            below = layer_states(model, X, 1)[1]["H"]
            torch.testing.assert_close(found[1]["H"] + below, H.flip(0)[:, 0], atol=1e-5, rtol=1e-5)
        elif not (config.residual or config.layer_norm):
            H, _ = model.recurrent(X[:, None], model.begin_state(1))
            mine = torch.cat([states["H"] for states in found], dim=1)
            torch.testing.assert_close(mine, H[:, 0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_gates_and_states_fulfil_the_equations(implementation: str) -> None:
    lstm = build_model(tiny(cell="lstm", implementation=implementation, initialization="uniform"), V)
    X = torch.randint(V, (9,))
    (S,) = layer_states(lstm, X, 1)
    before = torch.cat((torch.zeros(1, 8), S["C"][:-1]))
    torch.testing.assert_close(S["C"], S["forget_gate"] * before + S["input_gate"] * S["candidate"])
    torch.testing.assert_close(S["H"], S["output_gate"] * S["C"].tanh())
    gru = build_model(tiny(cell="gru", implementation=implementation, initialization="uniform"), V)
    (S,) = layer_states(gru, X, 1)
    before = torch.cat((torch.zeros(1, 8), S["H"][:-1]))
    torch.testing.assert_close(S["H"], S["update_gate"] * before + (1 - S["update_gate"]) * S["candidate"])
    for name in ("update_gate", "reset_gate"):
        assert 0 < S[name].min() <= S[name].max() < 1


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_the_names_of_the_gates_are_not_mixed_up(implementation: str) -> None:
    """A large bias opens its gate and no other."""
    for cell, order in (
        ("lstm", ("input_gate", "forget_gate", "output_gate")),
        ("gru", ("reset_gate", "update_gate")),
    ):
        for place, name in enumerate(order):
            model = build_model(tiny(cell=cell, implementation=implementation), V)
            number = 3 if (name, implementation) == ("output_gate", "library") else place
            with torch.no_grad():
                bias = model.recurrent.cells[0].b if implementation == "scratch" else model.recurrent.layers.bias_ih_l0
                bias[number * 8 : (number + 1) * 8] += 20
            (S,) = layer_states(model, torch.randint(V, (4,)), 1)
            for other in order:
                assert bool((S[other] > 0.99).all()) is (other == name)


def test_inspect_returns_the_states_and_predictions_of_the_network(vocab: Vocab) -> None:
    config = tiny(cell="lstm", num_layers=2, initialization="uniform", bidirectional=True)
    model = build_model(config, len(vocab))
    text = "the fox"
    found = inspect(model, config, vocab, text, layer=2)
    assert (found["text"], found["layer"], found["num_layers"], found["num_hiddens"]) == (text, 2, 2, 8)
    X = torch.tensor(vocab.encode(text))
    with torch.no_grad():
        logits, _ = model(X[None], model.begin_state(1))
    P = logits.softmax(1)
    assert len(found["next"]) == len(text)
    for t, prediction in enumerate(found["next"]):
        assert [character for character, _ in prediction["top"]] == [
            vocab.idx_to_token[i] for i in P[t].topk(5).indices
        ]
        assert prediction["top"][0][1] == pytest.approx(P[t].max().item(), rel=1e-5)
        assert prediction["entropy"] == pytest.approx(-(P[t] * P[t].log()).sum().item(), rel=1e-5)
        if t < len(text) - 1:
            assert prediction["surprise"] == pytest.approx(-math.log(P[t, X[t + 1]].item()), rel=1e-4)
    assert found["next"][-1]["surprise"] is None
    assert {(entry["name"], entry["direction"]) for entry in found["states"]} == {
        (name, direction) for name in NAMES["lstm"] for direction in ("forward", "backward")
    }
    states = layer_states(model, X, 2)
    for entry in found["states"]:
        values = np.frombuffer(base64.b64decode(entry["values"]), dtype="<f2").reshape(len(text), 8)
        expected = states[entry["direction"] == "backward"][entry["name"]].detach().numpy()
        np.testing.assert_allclose(values, expected, atol=1e-3)
    with pytest.raises(PrefixError):
        inspect(model, config, vocab, "É")
    assert len(inspect(model, config, vocab, "t")["next"]) == 1


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_dependence_is_the_gradient_with_respect_to_the_one_hot_rows(settings: dict[str, Any], vocab: Vocab) -> None:
    config = tiny(initialization="uniform", **settings)
    model = build_model(config, len(vocab))
    text, position = "the quick", 4
    found = dependence(model, vocab, text, position)
    assert found["position"] == position
    assert len(found["weights"]) == position + 1
    # the same from the readable path, and by finite differences of each row
    model.double()
    model.recurrent.as_written = True
    X = torch.tensor(vocab.encode(text[: position + 1]))
    rows = functional.one_hot(X, len(vocab)).double()[:, None]

    def logits(rows: torch.Tensor) -> torch.Tensor:
        H = model.recurrent(rows, model.begin_state(1))[0][-1]
        if isinstance(model, ClozeModel):
            H = torch.cat((H, torch.zeros_like(H)), dim=1)
        return model.dense(H)[0]

    with torch.no_grad():
        plain = logits(rows)
        best = int(plain.argmax())
        assert found["predicted"] == vocab.idx_to_token[best]
        step = 1e-6
        for t in range(position + 1):
            slopes = []
            for axis in range(len(vocab)):
                moved = rows.clone()
                moved[t, 0, axis] += step
                slopes.append((logits(moved)[best] - plain[best]).item() / step)
            assert found["weights"][t] == pytest.approx(math.hypot(*slopes), rel=1e-3, abs=1e-6)


def test_inspection_leaves_no_gradients(vocab: Vocab) -> None:
    model = build_model(tiny(cell="gru"), len(vocab))
    dependence(model, vocab, "the", 2)
    inspect(model, tiny(cell="gru"), vocab, "the")
    assert all(p.grad is None for p in model.parameters())
