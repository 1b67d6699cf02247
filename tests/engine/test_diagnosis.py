"""The diagnosis: each number equals that of a slow, simple computation, and nothing is changed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnlab.config import TrainConfig
from rnnlab.engine.diagnosis import _flushes_denormals, denormals_kept, diagnose, honest_losses, walk_text
from rnnlab.engine.model import LanguageModel, build_model
from rnnlab.engine.training import TrainingState, train
from rnnlab.events import Diagnosis, EpochFinished
from rnnlab.text.ngrams import ladder
from rnnlab.text.targets import walked_targets
from rnnlab.text.vocab import Vocab
from tests.engine.conftest import TEXT, tiny

ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.01, "clip_norm": None, "initialization": "uniform"}


def trained(config: TrainConfig, vocab: Vocab, indices: Tensor) -> LanguageModel:
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    list(train(state, vocab, indices))
    return state.model


def look(config: TrainConfig, vocab: Vocab, indices: Tensor, held_out: str = "") -> Diagnosis:
    return diagnose(trained(config, vocab, indices), config, vocab, indices, held_out)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_perplexity_is_that_of_an_epoch_without_updates(bidirectional: bool, vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="gru", bidirectional=bidirectional, initialization="uniform", num_layers=2)
    model = build_model(config, len(vocab))
    found = diagnose(model, config, vocab, indices, "")
    still = config.change(num_epochs=1, learning_rate=1e-30)
    events = train(TrainingState.begin(model, still), vocab, indices)
    (epoch,) = [event for event in events if isinstance(event, EpochFinished)]
    assert found.perplexity == pytest.approx(epoch.perplexity, rel=1e-5)
    assert found.unigram_perplexity == pytest.approx(ladder(walked_targets(TEXT, config), 1)[1])
    assert len(found.loss_by_position) == config.num_steps
    assert sum(found.loss_by_position) / config.num_steps == pytest.approx(epoch.loss, rel=1e-5)


def test_a_run_that_carries_its_state_is_measured_from_that_state(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="gru", num_hiddens=16, carry_state=True, **ADAM)
    state = TrainingState.begin(build_model(config, len(vocab)), config)
    list(train(state, vocab, indices))
    carried = tuple(S.clone() for S in state.hidden or ())
    found = diagnose(state.model, config, vocab, indices, TEXT[:90], carried)
    # the result that the next epoch would report without updates
    still = config.change(num_epochs=4, learning_rate=1e-30)
    going_on = TrainingState.restore(build_model(still, len(vocab)), still, state.tensors(), state.metadata())
    going_on.learning_rate = 1e-30
    (epoch,) = [event for event in train(going_on, vocab, indices) if isinstance(event, EpochFinished)]
    assert found.perplexity == pytest.approx(epoch.perplexity, rel=1e-5)
    from_zero = diagnose(state.model, config.change(carry_state=False), vocab, indices, TEXT[:90], carried)
    assert from_zero.perplexity != pytest.approx(found.perplexity, rel=1e-5)
    assert from_zero.held_out_perplexity != pytest.approx(found.held_out_perplexity, rel=1e-5)
    assert from_zero == diagnose(state.model, config.change(carry_state=False), vocab, indices, TEXT[:90])
    # without the state, the result is close
    alone = diagnose(state.model, config, vocab, indices, TEXT[:90])
    assert alone.perplexity == pytest.approx(found.perplexity, rel=0.01)


@pytest.mark.parametrize("sampling", ["random", "consecutive"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_a_one_directional_network_has_equal_honest_and_ordinary_losses(
    cell: str, implementation: str, sampling: str, vocab: Vocab, indices: Tensor
) -> None:
    """With fixed weights, initial state and window, the losses prefix by prefix equal the ordinary losses."""
    config = tiny(
        cell=cell, implementation=implementation, sampling=sampling, num_layers=2, initialization="uniform",
        residual=True, layer_norm=True,
    )  # fmt: skip
    model = trained(config, vocab, indices)
    with torch.no_grad():
        walk = walk_text(model, indices, config)
        torch.testing.assert_close(honest_losses(model, walk.windows), walk.losses, atol=1e-5, rtol=1e-5)
    found = diagnose(model, config, vocab, indices, "")
    assert found.honest_perplexity == found.perplexity
    assert not found.reads_the_answer


def test_the_honest_loss_of_a_bidirectional_network_is_that_of_each_prefix_alone(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="lstm", bidirectional=True, initialization="uniform", num_layers=2)
    model = build_model(config, len(vocab))
    with torch.no_grad():
        windows = walk_text(model, indices, config).windows
        mine = honest_losses(model, windows)
        for row in (0, 3, 4, 17):  # rows from 4 on start with a carried state
            state = tuple(S[:, row : row + 1].clone() for S in windows.state)
            assert bool(state[0].any()) is (row >= 4)
            for t in range(config.num_steps):
                logits, _ = model(windows.X[row : row + 1, : t + 1], state)
                loss = functional.cross_entropy(logits[-1:], windows.Y[row, t : t + 1])
                assert mine[row, t].item() == pytest.approx(loss.item(), abs=1e-5)


def test_a_bidirectional_network_reads_the_answer_and_a_one_directional_network_does_not(
    vocab: Vocab, indices: Tensor
) -> None:
    both = tiny(cell="gru", num_hiddens=16, bidirectional=True, num_epochs=12, **ADAM)
    found = look(both, vocab, indices)
    assert found.perplexity is not None
    assert found.leak_ratio is not None
    assert found.leak_ratio > 2
    assert found.reads_the_answer
    # at the last position of the window, where no future character can be copied, the loss jumps
    assert found.loss_by_position[-1] > 2 * max(found.loss_by_position[1:-1])
    assert not look(both.change(bidirectional=False), vocab, indices).reads_the_answer


def test_long_windows_are_sampled(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(bidirectional=True, num_steps=90, initialization="uniform")
    model = build_model(config, len(vocab))
    with torch.no_grad():
        assert honest_losses(model, walk_text(model, indices, config).windows).shape == (4, 40)


def test_unknown_held_out_characters_are_removed_and_counted(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(initialization="uniform")
    model = build_model(config, len(vocab))
    rest = "the lazy fox runs on to the river"
    known = diagnose(model, config, vocab, indices, rest)
    with_unknown = diagnose(model, config, vocab, indices, "É".join(rest))
    assert known.held_out_unknown == 0
    assert with_unknown.held_out_unknown == len(rest) - 1
    assert known.held_out_perplexity == with_unknown.held_out_perplexity
    assert len(rest) - 6 <= known.held_out_chars < len(rest)
    for nothing in ("", "t", "ÉÉÉ"):
        found = diagnose(model, config, vocab, indices, nothing)
        assert (found.held_out_perplexity, found.held_out_chars) == (None, 0)


def test_overfitting_shows_on_the_held_out_text(vocab: Vocab, indices: Tensor) -> None:
    train_text = TEXT[: len(TEXT) // 6]  # one repetition of the sentence, and a text that it has not seen
    rest = "on the sea the river runs to the brown dog and the quick fox sleeps while the lazy rats jump up " * 2
    known = Vocab(train_text)
    text = torch.tensor(known.encode(train_text))
    config = tiny(cell="gru", num_hiddens=24, num_epochs=60, **ADAM)
    found = look(config, known, text, rest)
    assert found.perplexity is not None
    assert found.held_out_perplexity is not None
    assert found.perplexity < 1.5
    assert found.held_out_perplexity > 3 * found.perplexity


def test_output_and_frequencies(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(initialization="uniform", sampling="random")
    model = build_model(config, len(vocab))
    found = diagnose(model, config, vocab, indices, "")
    n = (len(indices) - 1) // 5 * 5
    with torch.no_grad():
        logits, _ = model(indices[:n].view(-1, 5), model.begin_state(n // 5))
    P = logits.softmax(1).double()
    frequencies = torch.bincount(indices[1 : n + 1]).double() / n
    mean = P.mean(0)
    assert found.kl_to_unigram == pytest.approx((mean * (mean / frequencies).log()).sum().item(), rel=1e-4)
    assert found.sensitivity == pytest.approx(((P - mean).abs().sum(1) / 2).mean().item(), rel=1e-4)
    assert [character for character, _, _ in found.outputs] == list(vocab.idx_to_token)[:30]
    assert found.outputs[0][1] == pytest.approx(mean[0].item(), rel=1e-4)
    assert found.outputs[0][2] == pytest.approx(TEXT.count(" ") / len(TEXT))


@pytest.mark.parametrize("sampling", ["random", "consecutive"])
def test_a_constant_output_is_compared_with_the_predicted_characters(sampling: str) -> None:
    """The best constant prediction has exactly the unigram perplexity."""
    text = "z" + "ab" * 20 + "c" * 20 + "q"  # the first and the last character are never predicted
    known = Vocab(text)
    config = tiny(sampling=sampling, batch_size=1 if sampling == "consecutive" else 4, num_chars=len(text))
    model = build_model(config, len(known))
    predicted = walked_targets(text, config)
    assert set(known.idx_to_token) - set(predicted) == {"z", "q"}
    with torch.no_grad():
        model.dense.weight.zero_()
        counts = torch.tensor([max(predicted.count(token), 1e-6) for token in known.idx_to_token])
        model.dense.bias.copy_((counts / counts.sum()).log())
    found = diagnose(model, config, known, torch.tensor(known.encode(text)), "")
    assert found.perplexity == pytest.approx(found.unigram_perplexity, rel=1e-5)
    assert found.unigram_perplexity != pytest.approx(ladder(text, 1)[1], rel=1e-3)
    # two characters that are never predicted change the KL divergence little and do not make it infinite
    assert 0 <= found.kl_to_unigram < 0.02
    assert found.sensitivity == pytest.approx(0, abs=1e-6)
    assert found.stuck


def test_six_layers_are_stuck_and_with_residual_connections_they_are_not(vocab: Vocab, indices: Tensor) -> None:
    deep = tiny(
        cell="lstm", implementation="library", num_layers=6, num_hiddens=24, num_epochs=8, carry_state=True,
        **ADAM,
    )  # fmt: skip
    torch.set_flush_denormal(True)  # as in training, whose vanishing gradients are denormal numbers
    stuck = look(deep, vocab, indices)
    assert stuck.perplexity == pytest.approx(stuck.unigram_perplexity, rel=0.1)
    assert stuck.stuck
    # vanishing gradients are smaller the nearer the layer is to the input
    assert stuck.grad_norm_by_layer[0] < 1e-3 * stuck.grad_norm_by_layer[5]
    rescued = look(deep.change(residual=True), vocab, indices)
    assert not rescued.stuck
    assert rescued.perplexity is not None
    assert rescued.perplexity < stuck.unigram_perplexity / 2


def test_an_untrained_network_and_a_learning_network_are_not_stuck(vocab: Vocab, indices: Tensor) -> None:
    assert not look(tiny(num_epochs=0), vocab, indices).stuck
    on_its_way = look(tiny(cell="gru", num_hiddens=16, num_epochs=3, **ADAM), vocab, indices)
    assert on_its_way.perplexity is not None
    assert on_its_way.perplexity > 2
    assert not on_its_way.stuck


def test_gradients_by_layer_and_their_denormal_numbers(vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="lstm", num_layers=3, initialization="uniform", num_hiddens=16)
    model = build_model(config, len(vocab))
    healthy = diagnose(model, config, vocab, indices, "")
    assert len(healthy.grad_norm_by_layer) == 4
    assert healthy.denormal_share_by_layer[-2:] == (0, 0)
    with torch.no_grad():  # so that the gradient shrinks towards the first layer
        model.recurrent.cells[1].W_x.mul_(1e-20)
        model.recurrent.cells[2].W_x.mul_(1e-18)
    torch.set_flush_denormal(True)
    try:
        vanishing = diagnose(model, config, vocab, indices, "")
        assert _flushes_denormals()
    finally:
        torch.set_flush_denormal(False)
    assert vanishing.denormal_share_by_layer[0] > 0.3
    assert vanishing.denormal_share_by_layer[-1] == 0
    assert vanishing.grad_norm_by_layer[0] < 1e-30
    windows = walk_text(model, indices, config).windows.rows(slice(-4, None))
    loss, _ = model.loss(windows.X, windows.Y, tuple(S.detach() for S in windows.state))
    loss.backward()
    expected = math.hypot(*[p.grad.norm().item() for p in model.layer_parameters()[3] if p.grad is not None])
    assert vanishing.grad_norm_by_layer[3] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("flushing", [False, True])
def test_the_handling_of_denormal_numbers_is_restored(flushing: bool) -> None:
    torch.set_flush_denormal(flushing)
    try:
        with denormals_kept():
            assert not _flushes_denormals()
        assert _flushes_denormals() is flushing
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.parametrize("settings", [{}, {"bidirectional": True}, {"bidirectional": True, "objective": "cloze"}])
def test_a_diagnosis_changes_nothing(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    config = tiny(cell="lstm", **settings)
    model = trained(config, vocab, indices)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    random_state = torch.get_rng_state()
    first, second = (diagnose(model, config, vocab, indices, TEXT[:50]) for _ in range(2))
    assert first == second
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name])
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        assert p.grad is None if gradient is None else torch.equal(p.grad, gradient)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_steps": 1, "batch_size": 1},
        {"num_steps": 200, "batch_size": 2, "sampling": "random"},
        {"precision": "float64", "offset": "random"},
        {"detach": False, "num_layers": 2},
    ],
)
def test_unusual_settings(settings: dict[str, Any], vocab: Vocab, indices: Tensor) -> None:
    config = tiny(**settings)
    found = diagnose(build_model(config, len(vocab)), config, vocab, indices, TEXT[:70])
    assert found.perplexity is not None
    assert found.held_out_perplexity is not None
    assert Diagnosis.model_validate_json(found.model_dump_json()) == found
