"""Filling a gap: the character between two pieces of text, by a network that was trained to, and by one that was not.

A cloze network (`rnnlab.engine.model.ClozeModel`) puts the forward state before the gap beside the backward state after
it. Every other network sees what stands before the gap alone, a bidirectional one too: its backward direction then
begins at the end of that, since it was trained to read on through the very character that is missing.
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
"""Characters on each side of a measured gap."""
NUM_TOP = 5
"""How many of the most probable characters are named, or counted as a hit."""


def fill_gap(model: LanguageModel, vocab: Vocab, before: str, after: str, state: State | None = None) -> dict[str, Any]:
    """Return what the network would put between `before` and `after`.

    Args:
        state: the one that the run carries across epochs, if it does, see `gaps`; its first row counts.

    Returns:
        ``top``: the most probable characters with their probabilities; ``sees_after``: whether `after` counted.

    Raises:
        PrefixError: a character outside the vocabulary.
        ValueError: nothing stands before the gap, and the network knows no other side.
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
    """Measure how well a network fills `num` gaps, evenly over the text, each with `CONTEXT` characters on both sides.

    The gaps depend on text and `num` alone, so that networks can be compared. In the held-out text the characters that
    the vocabulary does not have are left out first.

    Args:
        state: the one that the run carries across epochs (`TrainingState.hidden`), if it does; None: zero. Such a run
            begins each epoch with a state from elsewhere in the text, and no longer knows the zero state. Each gap
            takes one of its rows to begin with.

    Returns:
        ``train`` and ``held_out`` (None: too short a text), each ``{"accuracy", "top5", "num"}``: the shares of gaps
        where the character was the most probable, and among the five most probable.
    """
    device = model.dense.weight.device
    known = [vocab.token_to_idx[token] for token in held_out_text if token in vocab.token_to_idx]
    texts = {"train": torch.as_tensor(indices, dtype=torch.long), "held_out": torch.tensor(known, dtype=torch.long)}
    return {name: _measure(model, text.to(device), num, state) for name, text in texts.items()}


def gap_positions(length: int, num: int) -> list[int]:
    """Return where the gaps of a text are: `num` places, or fewer in a short text, `CONTEXT` from both ends."""
    first, last = CONTEXT, length - CONTEXT - 1
    if last < first:
        return []
    count = min(num, last - first + 1)
    return [first + i * (last - first) // max(1, count - 1) for i in range(count)]


def gap_logits(model: LanguageModel, before: Tensor, after: Tensor, state: State | None = None) -> Tensor:
    """Return the logits (B, vocab_size) of the character between two pieces of text.

    Args:
        model: any network.
        before: characters (B, m); only a cloze network does without any.
        after: characters (B, n), n = 0 for nothing known; only a cloze network looks at them.
        state: rows to begin with on the left, dealt out over the gaps; None: zero. The right side begins at zero.
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
    """Return the H (B, num_hiddens) to which a stack comes by reading `characters` (B, m); zero if there are none."""
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
