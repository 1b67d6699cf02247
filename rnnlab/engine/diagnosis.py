"""Diagnosis of a network with fixed weights: stuck at the character frequencies, reading the answer, overfitting.

`diagnose` changes nothing: neither the weights, nor the random state, nor the handling of denormal numbers. To finish
within seconds, it evaluates at most `text.targets.MAX_TARGETS` characters of a text, and samples for measures that cost
more than one pass. The book's text of 10,000 characters is evaluated completely.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.cells import State
from rnnlab.engine.minibatch import consecutive_minibatches
from rnnlab.engine.model import ClozeModel, LanguageModel
from rnnlab.events import Diagnosis, perplexity_of
from rnnlab.text.targets import minibatches_walked
from rnnlab.text.vocab import Vocab

SAMPLED_OUTPUTS = 2_000
"""Number of output distributions that are compared with their mean, spread evenly over the text."""
OUTPUTS_SHOWN = 30
"""Number of most frequent characters whose mean probability and frequency are reported."""
HONEST_LENGTHS = 40
"""Number of prefix lengths at which a bidirectional network is measured, spread evenly over longer windows."""
HONEST_PRODUCTS = 6e10
"""Limit on the multiplications for this measure; if all windows need more, a sample spread over the text is used."""


@dataclass(frozen=True)
class Windows:
    """Windows of a text, each with the initial state of the network.

    Attributes:
        X: characters, (N, T).
        Y: targets, X shifted by one character, (N, T).
        state: each tensor (num_layers · directions, N, num_hiddens).
    """

    X: Tensor
    Y: Tensor
    state: State

    def rows(self, chosen: Tensor | slice) -> Windows:
        """Return the chosen windows."""
        return Windows(self.X[chosen], self.Y[chosen], tuple(S[:, chosen] for S in self.state))


@dataclass
class Walk:
    """The results of one pass over a text.

    Attributes:
        losses: losses in nats, (N, T), one row for each window.
        windows: the windows of the losses.
        mean_output: mean output distribution, (vocab_size,).
        outputs: a sample of the output distributions, (n, vocab_size), spread evenly over the text.
        last: the last state.
    """

    losses: Tensor
    windows: Windows
    mean_output: Tensor
    outputs: Tensor
    last: State


def diagnose(
    model: LanguageModel,
    config: TrainConfig,
    vocab: Vocab,
    indices: Tensor | Sequence[int],
    held_out_text: str,
    state: State | None = None,
) -> Diagnosis:
    """Diagnose a network with fixed weights; takes a few seconds at most.

    The perplexity of the training text follows the sampling of the run: with random sampling, each window starts from
    the zero state; with consecutive sampling, the state is carried from minibatch to minibatch. The first minibatch
    starts from zero, or from `state` if the run carries its state across epochs: such a network has not seen the zero
    state since its first minibatch and may fail on the whole text from there (A10-one-way at epoch 40: perplexity 1.03
    from its own state, 191 from zero). The held-out perplexity is measured in the same way on the text after the
    training text, without the characters that are not in the vocabulary. In both, the two directions of a bidirectional
    network read their whole windows, as in training.

    The honest perplexity predicts each character from the same initial state and window, but only from the prefix of
    the window: the backward direction starts at the end of the prefix. For a one-directional network this equals the
    ordinary perplexity (tested), so it is not measured again. A cloze network loses its whole right side. Bidirectional
    networks run once for each prefix length; very many or very long windows are sampled evenly.

    The unigram perplexity and the KL divergence use the frequencies of the evaluated characters, as the perplexity
    does.

    The gradient is computed on the last evaluated minibatch, with denormal numbers kept.

    Args:
        model: the network; not changed.
        config: its configuration.
        vocab: vocabulary of the training text.
        indices: the training text, (length,), long enough for one minibatch.
        held_out_text: the text after it; may be empty.
        state: recurrent state that the run carries, `TrainingState.hidden`; used only if `carry_state` has an effect.
            Without it, a first pass over the text provides an approximate state.
    """
    device = model.dense.weight.device
    indices = torch.as_tensor(indices, dtype=torch.long, device=device)
    carries = config.carry_state and config.sampling == "consecutive"
    with torch.no_grad():
        begin = None
        if carries:
            begin = state or walk_text(model, indices, config).last
        walk = walk_text(model, indices, config, begin)
        perplexity = _perplexity(walk.losses)
        honest = perplexity
        if config.bidirectional:
            honest = _perplexity(honest_losses(model, _sample_windows(config, walk.windows)))
        known = [vocab.token_to_idx[token] for token in held_out_text if token in vocab.token_to_idx]
        held_out = None
        if len(known) > 1:
            held_out = walk_text(model, torch.tensor(known, device=device), config, begin, whole=True).losses
        text_frequencies = torch.bincount(indices, minlength=len(vocab)).double().cpu() / len(indices)
        # the reference: the frequencies of exactly the characters that the perplexity covers
        targets = torch.bincount(walk.windows.Y.flatten(), minlength=len(vocab)).double().cpu()
        frequencies = targets / targets.sum()
        mean = walk.mean_output.double().cpu()
        # a character that is never a target counts as half an occurrence: with zero occurrences, any probability of
        # it would make the KL divergence infinite
        counted = targets.clamp(min=0.5)
        kl = _kl(mean, counted / counted.sum())
        sensitivity = (walk.outputs - walk.mean_output).abs().sum(1).mean().item() / 2
    unigram = math.exp(float(torch.special.entr(frequencies).sum()))
    norms, denormal_shares = _gradients(model, walk.windows.rows(slice(-config.batch_size, None)))
    order = text_frequencies.argsort(descending=True, stable=True)[:OUTPUTS_SHOWN].tolist()
    return Diagnosis(
        perplexity=perplexity,
        honest_perplexity=honest,
        unigram_perplexity=unigram,
        kl_to_unigram=kl,
        sensitivity=min(1.0, sensitivity),
        held_out_perplexity=None if held_out is None else _perplexity(held_out),
        held_out_chars=0 if held_out is None else held_out.numel(),
        held_out_unknown=len(held_out_text) - len(known),
        loss_by_position=tuple(walk.losses.double().mean(0).tolist()),
        outputs=tuple((vocab.idx_to_token[i], float(mean[i]), float(text_frequencies[i])) for i in order),
        grad_norm_by_layer=norms,
        denormal_share_by_layer=denormal_shares,
    )


def walk_text(
    model: LanguageModel, indices: Tensor, config: TrainConfig, begin: State | None = None, whole: bool = False
) -> Walk:
    """Evaluate a text in minibatches of the sampling of `config`, from offset 0; random sampling keeps the text order.

    Args:
        model: the network.
        indices: the text, (length,).
        config: defines the sampling and the shape of a minibatch.
        begin: state of the first minibatch; None: zero.
        whole: whether to use fewer rows or steps for a text that is too short for a configured minibatch.
    """
    B, T = config.batch_size, config.num_steps
    if whole:  # rows much longer than the window, so that few characters have no context
        B = max(1, min(B, (len(indices) - 1) // (4 * T)))
        T = min(T, len(indices) // B - 1)
    minibatches = _windows_in_order(indices, B, T) if config.sampling == "random" else None
    limit = minibatches_walked(B, T)
    count = min(limit, max(1, (len(indices) // B - 1) // T))
    every = max(1, count * B * T // SAMPLED_OUTPUTS)
    state = None if begin is None else tuple(S[:, :B] for S in begin)
    losses, Xs, Ys, states, outputs = [], [], [], [], []
    mean = model.dense.weight.new_zeros(model.vocab_size, dtype=torch.float64)
    for number, (X, Y) in enumerate(minibatches or consecutive_minibatches(indices, B, T)):
        if number == limit:
            break
        before = state or model.begin_state(len(X))
        logits, last = model(X, before, Y)
        state = last if config.sampling == "consecutive" else None
        log_p = logits.log_softmax(1)
        loss = -log_p.gather(1, Y.t().reshape(-1, 1)).view(Y.shape[1], len(Y)).t()
        p = log_p.exp_()
        mean += p.sum(0)
        outputs.append(p[::every].clone())
        losses.append(loss)
        Xs.append(X)
        Ys.append(Y)
        states.append(before)
    windows = Windows(
        torch.cat(Xs), torch.cat(Ys), tuple(torch.cat(tensors, 1) for tensors in zip(*states, strict=True))
    )
    mean /= windows.Y.numel()
    return Walk(torch.cat(losses), windows, mean.to(p.dtype), torch.cat(outputs), last)


def honest_losses(model: LanguageModel, windows: Windows) -> Tensor:
    """Return the losses (N, n) in nats of n characters in each window, each predicted only from its prefix.

    The network is run on each prefix separately. Windows longer than `HONEST_LENGTHS` are measured at that many prefix
    lengths, spread evenly.
    """
    T = windows.X.shape[1]
    count = min(T, HONEST_LENGTHS)
    lengths = [1 + round(i * (T - 1) / max(1, count - 1)) for i in range(count)]
    losses = []
    for length in lengths:
        H, _ = model.recurrent(windows.X[:, :length].t(), windows.state)
        H_last = H[-1]
        if isinstance(model, ClozeModel):  # the right side is unknown
            H_last = torch.cat((H_last, torch.zeros_like(H_last)), dim=1)
        log_p = model.dense(H_last).log_softmax(1)
        losses.append(-log_p.gather(1, windows.Y[:, length - 1 : length]))
    return torch.cat(losses, 1)


def _sample_windows(config: TrainConfig, windows: Windows) -> Windows:
    """Return as many windows, spread evenly over the text, as can be run prefix by prefix within seconds."""
    N, T = windows.X.shape
    steps = sum(range(1, T + 1)) * min(1.0, HONEST_LENGTHS / T)
    # products per time step and row: state to state, and input to state from the second layer on
    matrices = config.num_layers * 2 + (config.num_layers - 1) * 4
    products = steps * matrices * len(CELLS[config.cell].gates) * config.num_hiddens**2
    count = max(1, int(HONEST_PRODUCTS / products))
    if count >= N:
        return windows
    return windows.rows(torch.linspace(0, N - 1, count, device=windows.X.device).long())


def _windows_in_order(indices: Tensor, B: int, T: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the windows of random sampling in text order, B at a time, including an incomplete last minibatch."""
    N = (len(indices) - 1) // T
    X, Y = indices[: N * T].view(N, T), indices[1 : N * T + 1].view(N, T)
    yield from zip(torch.split(X, B), torch.split(Y, B), strict=True)


def _gradients(model: LanguageModel, windows: Windows) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the gradient norm of each layer and the fraction of denormal numbers in the gradient."""
    layers = model.layer_parameters()
    parameters = [p for layer in layers for p in layer]
    with torch.enable_grad(), denormals_kept():
        loss, _ = model.loss(windows.X, windows.Y, windows.state)
        grads = iter(torch.autograd.grad(loss, parameters, allow_unused=True))
        tiny = torch.finfo(parameters[0].dtype).tiny
        norms, shares = [], []
        for layer in layers:
            of_layer = [grad.double().abs().flatten() for grad in islice(grads, len(layer)) if grad is not None]
            flat = torch.cat(of_layer)
            norm = flat.norm().item()
            norms.append(norm if math.isfinite(norm) else sys.float_info.max)
            shares.append(((flat > 0) & (flat < tiny)).double().mean().item())
    return tuple(norms), tuple(shares)


@contextmanager
def denormals_kept() -> Iterator[None]:
    """Keep denormal numbers in this thread within the block, and restore the previous handling after it."""
    flushing = _flushes_denormals()
    torch.set_flush_denormal(False)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushing)


def _flushes_denormals() -> bool:
    """Return whether this thread flushes denormal numbers to zero, by a trial: torch has no function for it."""
    smallest = torch.full((64,), torch.finfo(torch.float32).tiny)
    return bool((smallest * 0.5).sum().item() == 0.0)


def _perplexity(losses: Tensor) -> float | None:
    mean = losses.double().mean().item()
    return perplexity_of(mean) if math.isfinite(mean) else None


def _kl(p: Tensor, q: Tensor) -> float:
    """Return KL(p ‖ q) in nats; q must not contain zeros."""
    return max(0.0, float((torch.special.xlogy(p, p) - p * q.log()).sum()))
