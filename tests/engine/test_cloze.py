"""Filling gaps: the characters that a cloze network reads, its training, and its measurement."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnlab.engine.cloze import CONTEXT, fill_gap, gap_logits, gap_positions, gaps
from rnnlab.engine.generation import generate
from rnnlab.engine.model import ClozeModel, LanguageModel, build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.errors import PrefixError
from rnnlab.events import EpochFinished, MinibatchFinished, TextGenerated
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import TEXT, tiny

V = 11
CLOZE: dict[str, Any] = {"objective": "cloze", "bidirectional": True}
NETWORKS = [
    {"cell": cell, "implementation": implementation, "num_layers": layers, "residual": helped, "layer_norm": helped}
    for cell in ("rnn", "gru", "lstm")
    for implementation in ("scratch", "library")
    for layers, helped in ((1, False), (3, False), (3, True))
]


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_the_logits_depend_on_every_character_but_the_predicted_character(settings: dict[str, Any]) -> None:
    model = build_model(tiny(initialization="uniform", precision="float64", **CLOZE, **settings), V)
    T = 6
    text = torch.randint(V, (1, T + 1), generator=torch.Generator().manual_seed(1))
    state = tuple(torch.rand_like(S) for S in model.begin_state(1))

    def logits(characters: Tensor) -> Tensor:
        return model(characters[:, :-1], state, characters[:, 1:])[0]

    plain = logits(text)
    for place in range(T + 1):
        changed = text.clone()
        changed[0, place] = (text[0, place] + 1) % V
        moved = (logits(changed) != plain).any(1)
        # the logits at t predict character t + 1 and depend on all other characters
        assert moved.tolist() == [t + 1 != place for t in range(T)]


def test_with_one_layer_it_equals_the_bidirectional_network_with_shifted_states(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="gru", implementation="library", initialization="uniform", **CLOZE)
    cloze, ordinary = build_model(config, V), build_model(config.change(objective="next"), V)
    assert isinstance(cloze, ClozeModel)
    with torch.no_grad():
        for direction, stack in enumerate((cloze.recurrent, cloze.backward_recurrent)):
            for mine, theirs in zip(stack.weights(0, 0), ordinary.recurrent.weights(0, direction), strict=True):
                theirs.copy_(mine)
    text = torch.randint(V, (2, 9))
    H, _ = ordinary.recurrent(text.t(), ordinary.begin_state(2))
    left, right = H[:-2, :, :8], H[2:, :, 8:]  # forward at t - 1, backward at t + 1
    expected = cloze.dense(torch.cat((left, right), dim=2))
    # characters 1 to 7, which have both sides; the state starts at zero in both
    logits = cloze(text[:, :-1], cloze.begin_state(2), text[:, 1:])[0].view(8, 2, V)
    torch.testing.assert_close(logits[:-1], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_the_fast_loss_equals_the_readable_loss(settings: dict[str, Any]) -> None:
    config = tiny(initialization="uniform", **CLOZE, **settings)
    model = build_model(config, V)
    X, Y = torch.randint(V, (2, 4, 5))
    results = []
    for readable in (False, True):
        model.zero_grad()
        model.recurrent.as_written = model.backward_recurrent.as_written = readable
        if readable:
            logits, state = model(X, model.begin_state(4), Y)
            loss = functional.cross_entropy(logits, Y.t().flatten())
        else:
            loss, state = model.loss(X, Y, model.begin_state(4))
        loss.backward()
        results.append([loss, *state, *[p.grad for p in model.parameters()]])
    for mine, readable_one in zip(*results, strict=True):
        torch.testing.assert_close(mine, readable_one, atol=1e-5, rtol=1e-5)
    assert sum(len(layer) for layer in model.layer_parameters()) == len(list(model.parameters()))
    assert len(model.layer_parameters()) == config.num_layers + 1


def test_only_the_forward_state_is_carried(vocab: Vocab, indices: Tensor) -> None:
    """In the second minibatch, forward starts from the last state and backward from zero at its own end."""
    config = tiny(cell="lstm", initialization="uniform", clip_norm=None, learning_rate=1e-30, **CLOZE)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    batches = [event for event in train(state, vocab, indices) if isinstance(event, MinibatchFinished)]
    model = state.model
    rows = indices[: len(indices) // 4 * 4].view(4, -1)
    _, carried = model.recurrent(rows[:, :5].t(), model.begin_state(4))
    assert all(S.shape == (1, 4, 8) for S in carried)
    X, Y = rows[:, 5:10], rows[:, 6:11]
    left, _ = model.recurrent(X.t(), carried)
    right, _ = model.backward_recurrent(Y[:, 1:].t().flip(0), model.begin_state(4))
    right = torch.cat((right.flip(0), torch.zeros(1, 4, 8)))
    loss = functional.cross_entropy(model.dense(torch.cat((left, right), dim=2)).flatten(0, 1), Y.t().flatten())
    assert batches[1].loss == pytest.approx(loss.item(), rel=1e-6)
    # with the characters after the window, the result would differ
    longer, _ = model.loss(rows[:, 5:12], rows[:, 6:13], carried)
    assert batches[1].loss != pytest.approx(longer.item(), rel=1e-4)


@pytest.mark.parametrize("settings", [{}, {"num_steps": 1}, {"detach": False, "num_epochs": 1}, {"sampling": "random"}])
def test_it_trains_and_generates_text(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="gru", optimizer="adam", learning_rate=0.01, clip_norm=None, **CLOZE, **settings)
    events = list(train(TrainingState.begin(build_model(config, len(vocab)), config), vocab, indices))
    epochs = [event.loss for event in events if isinstance(event, EpochFinished)]
    assert epochs[-1] < math.log(len(vocab))
    texts = [event for event in events if isinstance(event, TextGenerated)]
    assert texts
    assert all(event.text.startswith(event.prefix) and len(event.text) == 9 for event in texts)


def test_generation_equals_filling_a_gap_with_no_text_after_it(vocab: Vocab) -> None:
    model = build_model(tiny(cell="gru", initialization="uniform", **CLOZE), len(vocab))
    text = generate(model, vocab, "the ", 5)
    for end in range(4, 9):
        assert fill_gap(model, vocab, text[:end], "")["top"][0][0] == text[end]


def trained(vocab: Vocab, indices: Tensor, **settings: Any) -> LanguageModel:
    config = tiny(
        cell="gru", num_hiddens=24, num_steps=20, num_epochs=40, optimizer="adam", learning_rate=0.01, clip_norm=None,
        initialization="uniform", num_preds=0, prefixes=(vocab.idx_to_token[0],), **settings,
    )  # fmt: skip
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    list(train(state, vocab, indices))
    return state.model


def test_two_sides_fill_more_gaps_than_a_single_side() -> None:
    """In a text of random pairs aw, bx, cy and dz, only the second character of a pair determines the first."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(4, (500,), generator=generator).tolist()
    text = "".join("abcd"[i] + "wxyz"[i] for i in drawn)
    rest, text = text[600:], text[:600]
    vocab = Vocab(text)
    indices = torch.tensor(vocab.encode(text))
    cloze = gaps(trained(vocab, indices, **CLOZE), vocab, indices, rest, 100)
    one_way = gaps(trained(vocab, indices), vocab, indices, rest, 100)
    for part in ("train", "held_out"):
        assert cloze[part]["num"] == one_way[part]["num"] == 100
        assert cloze[part]["accuracy"] > 0.95
    assert one_way["held_out"]["accuracy"] < 0.8
    assert all(0 <= result["accuracy"] <= result["top5"] <= 1 for result in (*cloze.values(), *one_way.values()))


def test_the_gaps_are_the_same_for_every_network_and_lie_within_the_text() -> None:
    assert gap_positions(2 * CONTEXT, 5) == []
    assert gap_positions(2 * CONTEXT + 1, 5) == [CONTEXT]
    for length, num in ((100, 1000), (10_000, 400), (475, 1)):
        positions = gap_positions(length, num)
        assert len(set(positions)) == len(positions) == min(num, length - 2 * CONTEXT)
        assert positions[0] == CONTEXT
        assert positions[-1] < length - CONTEXT
        assert positions == sorted(positions)


def test_accuracy_is_counted_gap_by_gap(vocab: Vocab, indices: Tensor) -> None:
    for settings in ({}, CLOZE, {"bidirectional": True}):
        model = build_model(tiny(initialization="uniform", **settings), len(vocab))
        found = gaps(model, vocab, indices, "ÉÉ" + TEXT[:60], 30)
        hits = top5 = 0
        for position in gap_positions(len(TEXT), 30):
            before, after = TEXT[position - CONTEXT : position], TEXT[position + 1 : position + CONTEXT + 1]
            top = [character for character, _ in fill_gap(model, vocab, before, after)["top"]]
            hits += top[0] == TEXT[position]
            top5 += TEXT[position] in top
        assert found["train"] == {"accuracy": pytest.approx(hits / 30), "top5": pytest.approx(top5 / 30), "num": 30}
        assert found["held_out"] is None  # too short


@pytest.mark.parametrize("settings", [{}, CLOZE])
def test_gaps_begin_with_the_rows_of_the_state_that_a_run_carries(settings: dict[str, Any]) -> None:
    model = build_model(tiny(cell="lstm", initialization="uniform", **settings), V)
    before, after = torch.randint(V, (2, 5, 4))
    state = tuple(torch.rand(1, 3, 8) for _ in range(2))
    found = gap_logits(model, before, after, state)
    for row in range(5):
        alone = gap_logits(
            model, before[row : row + 1], after[row : row + 1], tuple(S[:, row % 3 : row % 3 + 1] for S in state)
        )
        torch.testing.assert_close(found[row], alone[0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, gap_logits(model, before, after))


def test_only_a_cloze_network_uses_the_text_after_the_gap(vocab: Vocab) -> None:
    for settings, sees in (({}, False), ({"bidirectional": True}, False), (CLOZE, True)):
        model = build_model(tiny(initialization="uniform", **settings), len(vocab))
        first, second = (fill_gap(model, vocab, "the qu", after) for after in ("ick", "ack"))
        assert first["sees_after"] is sees
        assert (first["top"] != second["top"]) is sees
        assert len(first["top"]) == 5
        probabilities = [p for _, p in first["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        with pytest.raises(PrefixError):
            fill_gap(model, vocab, "É", "ick")
        with pytest.raises(PrefixError):
            fill_gap(model, vocab, "the", "É")
    assert len(fill_gap(model, vocab, "", "ick")["top"]) == 5
    one_way = build_model(tiny(), len(vocab))
    with pytest.raises(ValueError, match="before the gap"):
        gap_logits(one_way, torch.zeros((1, 0), dtype=torch.long), torch.zeros((1, 2), dtype=torch.long))
