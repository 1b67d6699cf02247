"""Depth, direction and implementation, as one model."""

from __future__ import annotations

import pytest
import torch

from rnnlab.engine.model import LanguageModel, ScratchLayers, build_model
from tests.engine.conftest import tiny

V = 11
ALL = [
    (cell, layers, bidirectional)
    for cell in ("rnn", "gru", "lstm")
    for layers in (1, 2, 3)
    for bidirectional in (False, True)
]


def logits_and_gradients(model: LanguageModel, X: torch.Tensor, mean: bool = False) -> list[torch.Tensor]:
    model.zero_grad()
    logits, state = model(X, model.begin_state(len(X)))
    total = logits.square().sum() + sum(S.sum() for S in state)
    (total / len(logits) if mean else total).backward()
    return [logits, *state, *[p.grad for p in model.parameters()]]


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), ALL)
@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_shapes_of_every_cell_depth_and_direction(
    cell: str, layers: int, bidirectional: bool, implementation: str
) -> None:
    config = tiny(cell=cell, num_layers=layers, bidirectional=bidirectional, implementation=implementation)
    model = build_model(config, V)
    X = torch.randint(V, (4, 5))
    logits, state = model(X, model.begin_state(4))
    assert logits.shape == (5 * 4, V)
    assert len(state) == (2 if cell == "lstm" else 1)
    assert all(S.shape == (layers * (2 if bidirectional else 1), 4, 8) for S in state)
    assert len(model.layer_parameters()) == layers + 1
    assert sum(len(layer) for layer in model.layer_parameters()) == len(list(model.parameters()))


@pytest.mark.parametrize("num_hiddens", [8, 96])  # 96: large enough for oneDNN
@pytest.mark.parametrize(("cell", "layers", "bidirectional"), ALL)
def test_the_fast_path_equals_the_readable_path(cell: str, layers: int, bidirectional: bool, num_hiddens: int) -> None:
    config = tiny(
        cell=cell, num_layers=layers, bidirectional=bidirectional, num_hiddens=num_hiddens, initialization="uniform"
    )
    model = build_model(config, V)
    X = torch.randint(V, (4, 5))
    fast = logits_and_gradients(model, X)
    assert isinstance(model.recurrent, ScratchLayers)
    model.recurrent.as_written = True
    for mine, readable in zip(fast, logits_and_gradients(model, X), strict=True):
        torch.testing.assert_close(mine, readable, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("num_hiddens", [8, 96])
@pytest.mark.parametrize("readable", [False, True])
@pytest.mark.parametrize(("cell", "layers", "bidirectional"), ALL)
def test_library_layers_fed_only_the_present_characters_equal_a_full_one_hot(
    cell: str, layers: int, bidirectional: bool, readable: bool, num_hiddens: int
) -> None:
    config = tiny(
        cell=cell,
        implementation="library",
        bidirectional=bidirectional,
        initialization="uniform",
        num_layers=layers,
        num_hiddens=num_hiddens,
    )
    model = build_model(config, V)
    model.recurrent.as_written = readable
    X = torch.tensor([[1, 3, 3, 9], [9, 1, 0, 3]])
    mine = logits_and_gradients(model, X)
    layers = model.recurrent.layers
    model.zero_grad()
    rows = torch.nn.functional.one_hot(X.t(), V).float()
    begin = model.begin_state(2)
    H, last = layers(rows, begin if cell == "lstm" else begin[0])
    logits = model.dense(H.flatten(0, 1))
    last = last if isinstance(last, tuple) else (last,)
    (logits.square().sum() + sum(S.sum() for S in last)).backward()
    for a, b in zip(mine, [logits, *last, *[p.grad for p in model.parameters()]], strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


HELPS = [{"residual": True}, {"layer_norm": True}, {"residual": True, "layer_norm": True}]


@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize("helps", HELPS, ids=str)
@pytest.mark.parametrize(("cell", "layers", "bidirectional"), ALL)
def test_with_residual_connections_or_norms_the_fast_path_equals_the_readable_path(
    cell: str, layers: int, bidirectional: bool, helps: dict[str, bool], implementation: str
) -> None:
    config = tiny(
        cell=cell, implementation=implementation, num_layers=layers, bidirectional=bidirectional,
        initialization="uniform", **helps,
    )  # fmt: skip
    model = build_model(config, V)
    X = torch.randint(V, (4, 5))
    fast = logits_and_gradients(model, X, mean=True)
    model.recurrent.as_written = True
    for mine, readable in zip(fast, logits_and_gradients(model, X, mean=True), strict=True):
        torch.testing.assert_close(mine, readable, atol=1e-5, rtol=1e-5)
    assert sum(len(layer) for layer in model.layer_parameters()) == len(list(model.parameters()))
    assert len(model.layer_parameters()) == layers + 1


@pytest.mark.parametrize("helps", HELPS, ids=str)
def test_residual_connections_and_norms_between_the_layers(helps: dict[str, bool]) -> None:
    """Compare the stack with single layers of the framework that are combined here by the definition."""
    config = tiny(cell="lstm", implementation="library", num_layers=3, initialization="uniform", **helps)
    model = build_model(config, V)
    X = torch.randint(V, (2, 7))
    H = torch.nn.functional.one_hot(X.t(), V).float()
    for index, layer in enumerate(model.recurrent.layers):
        output, _ = layer(H)
        if config.layer_norm:
            centred = output - output.mean(2, keepdim=True)
            output = centred / (centred.square().mean(2, keepdim=True) + 1e-5).sqrt()
        H = output + H if config.residual and index else output
    torch.testing.assert_close(model(X, model.begin_state(2))[0], model.dense(H.flatten(0, 1)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_residual_connections_and_norms_do_not_change_the_drawn_weights(implementation: str) -> None:
    plain, helped = (
        build_model(
            tiny(cell="lstm", num_layers=3, implementation=implementation, residual=on, layer_norm=on,
                 initialization="uniform"), V
        )
        for on in (False, True)
    )  # fmt: skip
    drawn = [p for name, p in helped.named_parameters() if ".norms." not in name]
    for mine, theirs in zip(plain.parameters(), drawn, strict=True):
        assert torch.equal(mine, theirs)
    norms = [(name, p) for name, p in helped.named_parameters() if ".norms." in name]
    assert len(norms) == 6
    for name, p in norms:
        assert bool((p == (1 if name.endswith("weight") else 0)).all())


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("objective", ["next", "cloze"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_the_forget_bias_is_added_only_to_the_forget_gate(
    implementation: str, residual: bool, objective: str, layers: int
) -> None:
    plain, biased = (
        build_model(
            tiny(cell="lstm", num_layers=layers, bidirectional=True, objective=objective, residual=residual,
                 implementation=implementation, initialization="uniform", forget_bias=bias), V
        )
        for bias in (0.0, 1.5)
    )  # fmt: skip
    moved = 0.0
    for (name, before), after in zip(plain.named_parameters(), biased.parameters(), strict=True):
        difference = after.detach() - before.detach()
        if difference.any():
            assert name.endswith(".b") or ".bias_ih" in name
            torch.testing.assert_close(difference[8:16], torch.full((8,), 1.5))
            assert not difference[:8].any()
            assert not difference[16:].any()
            moved += 1
    assert moved == 2 * layers
    gru = [build_model(tiny(cell="gru", forget_bias=bias), V) for bias in (0.0, 1.5)]
    assert all(torch.equal(a, b) for a, b in zip(gru[0].parameters(), gru[1].parameters(), strict=True))


@pytest.mark.parametrize("spread", [1.0, 2000.0])
def test_the_loss_equals_the_cross_entropy_of_the_logits(spread: float) -> None:
    """With a spread of 2000, probabilities underflow, but the loss must not."""
    model = build_model(tiny(initialization="uniform"), V)
    with torch.no_grad():
        model.dense.weight.mul_(spread)
    X, Y = torch.randint(V, (2, 4, 5), generator=torch.Generator().manual_seed(0))
    results = []
    for fast in (True, False):
        model.zero_grad()
        if fast:
            loss, state = model.loss(X, Y, model.begin_state(4))
        else:
            logits, state = model(X, model.begin_state(4))
            loss = torch.nn.functional.cross_entropy(logits, Y.t().flatten())
        (3 * loss).backward()
        results.append([loss, *state, *[p.grad for p in model.parameters()]])
    assert results[0][0].isfinite()
    if spread > 1:
        assert (logits.softmax(1) == 0).any()
    for mine, readable in zip(*results, strict=True):
        # a sum of such large numbers has a large rounding error
        size = max(1.0, float(readable.detach().abs().max()))
        torch.testing.assert_close(mine, readable, atol=1e-5 * size, rtol=1e-5)


def test_a_backward_direction_sees_the_future_and_a_forward_one_does_not() -> None:
    X = torch.randint(V, (1, 6))
    changed = X.clone()
    changed[0, -1] = (X[0, -1] + 1) % V
    for bidirectional in (False, True):
        model = build_model(tiny(bidirectional=bidirectional, initialization="uniform"), V)
        before, after = (model(text, model.begin_state(1))[0][0] for text in (X, changed))
        assert torch.equal(before, after) is (not bidirectional)


def test_same_seed_same_weights() -> None:
    a, b = (build_model(tiny(random_seed=5), V) for _ in range(2))
    c = build_model(tiny(random_seed=6), V)
    for x, y, z in zip(a.parameters(), b.parameters(), c.parameters(), strict=True):
        assert torch.equal(x, y)
        assert torch.equal(x, z) is (x.dim() == 1)  # biases are zero


@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize("initialization", ["normal", "uniform", "xavier", "orthogonal"])
def test_initializations_have_their_distributions(implementation: str, initialization: str) -> None:
    config = tiny(cell="lstm", num_hiddens=64, implementation=implementation, initialization=initialization)
    model = build_model(config, 200)
    named = {name: parameter.detach() for name, parameter in model.named_parameters()}
    hidden = named["recurrent.cells.0.W_h" if implementation == "scratch" else "recurrent.layers.weight_hh_l0"]
    gate = hidden[:64, :64]
    if initialization == "normal":
        assert hidden.std() == pytest.approx(0.01, rel=0.05)
    elif initialization == "uniform":
        assert hidden.abs().max() == pytest.approx(1 / 8, rel=0.01)
        assert named["dense.bias"].abs().max() == pytest.approx(1 / 8, rel=0.1)
    elif initialization == "xavier":
        assert gate.abs().max() == pytest.approx((6 / 128) ** 0.5, rel=0.02)
    else:
        torch.testing.assert_close(gate @ gate.t(), torch.eye(64), atol=1e-5, rtol=0)
    if initialization != "uniform":
        assert named["dense.bias"].abs().max() == 0


def test_float64() -> None:
    assert build_model(tiny(precision="float64"), V).dense.weight.dtype == torch.float64
