"""Filling a gap: predict the character between two pieces of text.

A cloze network (`rnnlab.engine.model.ClozeModel`) concatenates the forward state before the gap and the backward state
after it. Every other network uses only the text before the gap, even a bidirectional network: its backward direction
was trained to read the missing character itself, so it starts at the last character before the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnlab.engine.cells import State
from rnnlab.engine.model import ClozeModel, LanguageModel
from rnnlab.text.vocab import Vocab

CONTEXT = 35
"""Number of characters on each side of a measured gap."""
NUM_TOP = 5
"""Number of most probable characters that are returned, or counted as a hit."""


def fill_gap(model: LanguageModel, vocab: Vocab, before: str, after: str, state: State | None = None) -> dict[str, Any]:
    """Predict the character between `before` and `after`.

    Args:
        model: the network.
        vocab: its vocabulary.
        before: text before the gap; may be empty only for a cloze network.
        after: text after the gap; used only by a cloze network.
        state: initial state, see `gaps`; its first row is used. None: zero.

    Returns:
        ``top``: the most probable characters with their probabilities; ``sees_after``: whether `after` was used.

    Raises:
        PrefixError: a character outside the vocabulary.
        ValueError: `before` is empty, and the network is not a cloze network.
    """
    device = model.dense.weight.device
    left, right = (torch.tensor([vocab.encode(text)], dtype=torch.long, device=device) for text in (before, after))
    with torch.no_grad():
        probabilities, chosen = gap_logits(model, left, right, state)[0].softmax(0).topk(min(NUM_TOP, len(vocab)))
    top = [[vocab.idx_to_token[i], p] for i, p in zip(chosen.tolist(), probabilities.tolist(), strict=True)]
    return {"top": top, "sees_after": isinstance(model, ClozeModel)}


def gaps(
    model: LanguageModel,
    vocab: Vocab,
    indices: Tensor | Sequence[int],
    held_out_text: str,
    num: int = 400,
    state: State | None = None,
) -> dict[str, Any]:
    """Measure how well a network fills gaps that are spread evenly over the text.

    The gaps depend only on the text and `num`, so that networks can be compared. Characters of the held-out text that
    are not in the vocabulary are removed first.

    Args:
        model: the network.
        vocab: vocabulary of the training text.
        indices: the training text, (length,).
        held_out_text: the text after it; may be empty.
        num: number of gaps, each with `CONTEXT` characters on both sides.
        state: state that the run carries across epochs (`TrainingState.hidden`); None: zero. Such a run starts each
            epoch from a state elsewhere in the text and has not been trained to start from zero. The gaps use its rows
            in turn.

    Returns:
        ``train`` and ``held_out`` (None: the text is too short), each ``{"accuracy", "top5", "num"}``: the fractions of
        gaps where the character was the most probable, and among the five most probable.
    """
    device = model.dense.weight.device
    known = [vocab.token_to_idx[token] for token in held_out_text if token in vocab.token_to_idx]
    texts = {"train": torch.as_tensor(indices, dtype=torch.long), "held_out": torch.tensor(known, dtype=torch.long)}
    return {name: _measure(model, text.to(device), num, state) for name, text in texts.items()}


def gap_positions(length: int, num: int) -> list[int]:
    """Return the positions of at most `num` gaps in a text, at least `CONTEXT` characters from both ends."""
    first, last = CONTEXT, length - CONTEXT - 1
    if last < first:
        return []
    count = min(num, last - first + 1)
    return [first + i * (last - first) // max(1, count - 1) for i in range(count)]


def gap_logits(model: LanguageModel, before: Tensor, after: Tensor, state: State | None = None) -> Tensor:
    """Return the logits (B, vocab_size) of the character between two pieces of text.

    Args:
        model: any network.
        before: characters before the gap, (B, m); m may be 0 only for a cloze network.
        after: characters after the gap, (B, n), n = 0 if unknown; used only by a cloze network.
        state: initial states of the left side, whose rows are used in turn; None: zero. The right side starts at zero.
    """
    begin = model.begin_state(len(before))
    if state is not None:
        rows = torch.arange(len(before), device=before.device) % state[0].shape[1]
        begin = tuple(S[:, rows] for S in state)
    if isinstance(model, ClozeModel):
        left = _last_hidden(model, model.recurrent, before, begin)
        right = _last_hidden(model, model.backward_recurrent, after.flip(1), model.begin_state(len(after)))
        logits: Tensor = model.dense(torch.cat((left, right), dim=1))
        return logits
    if not before.shape[1]:
        raise ValueError("a network that was not trained to fill gaps needs a character before the gap")
    logits, _ = model(before, begin)
    return logits[-len(before) :]


def _last_hidden(model: ClozeModel, stack: nn.Module, characters: Tensor, begin: State) -> Tensor:
    """Return the H (B, num_hiddens) of a stack after reading `characters` (B, m); zero if m is 0."""
    if not characters.shape[1]:
        return model.dense.weight.new_zeros(len(characters), model.state_shape[1])
    H: Tensor = stack(characters.t(), begin)[0]
    return H[-1]


@torch.no_grad()
def _measure(model: LanguageModel, text: Tensor, num: int, state: State | None) -> dict[str, Any] | None:
    positions = gap_positions(len(text), num)
    if not positions:
        return None
    places = torch.tensor(positions, device=text.device)[:, None] + torch.arange(
        -CONTEXT, CONTEXT + 1, device=text.device
    )
    windows = text[places]
    logits = gap_logits(model, windows[:, :CONTEXT], windows[:, CONTEXT + 1 :], state)
    hits = logits.topk(min(NUM_TOP, logits.shape[1])).indices == windows[:, CONTEXT, None]
    return {
        "accuracy": hits[:, 0].double().mean().item(),
        "top5": hits.any(1).double().mean().item(),
        "num": len(positions),
    }
