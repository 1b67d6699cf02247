"""A trained network, character by character: states and gates along a text, what comes next, what that depended on.

The gates are worked out again from the weights, by the equations in `cells` for the scratch cells and by the library's
own for its layers; the hidden states that come out are those of the network (tested to 1e-5).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnlab.config import TrainConfig
from rnnlab.engine.cells import Cell
from rnnlab.engine.model import ClozeModel, LanguageModel, LibraryLayers, ScratchLayers
from rnnlab.engine.sequence import input_products
from rnnlab.text.vocab import Vocab

NUM_TOP = 5
"""How many of the most probable next characters are named."""
DIRECTIONS = ("forward", "backward")

States = dict[str, Tensor]


@torch.no_grad()
def inspect(model: LanguageModel, config: TrainConfig, vocab: Vocab, text: str, layer: int = 1) -> dict[str, Any]:
    """Look at one layer while the network reads `text` from the zero state.

    A bidirectional network reads the whole text in both directions, as in training, so at each position but the last it
    has seen the next character; a cloze network has not seen the one it predicts.

    Args:
        layer: counted from 1, the one next to the characters.

    Returns:
        ``text``, ``layer``, ``num_layers``, ``num_hiddens``;

        ``states``: for each name and direction ``{"name", "direction", "values"}``, the names being H, C, input_gate,
        forget_gate, output_gate, update_gate, reset_gate and candidate, as far as the cell has them, and the values
        little-endian float16 of shape (len(text), num_hiddens), in base64;

        ``next``: for each position ``{"top", "entropy", "surprise"}``: the five most probable next characters with
        their probabilities, the entropy of the distribution in nats, and -ln of the probability of the character that
        does follow, None at the last position.

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    X = torch.tensor(vocab.encode(text), device=model.dense.weight.device)
    log_p = model(X[None], model.begin_state(1))[0].log_softmax(1)
    probabilities, chosen = log_p.exp().topk(min(NUM_TOP, len(vocab)))
    entropy = torch.special.entr(log_p.exp()).sum(1).tolist()
    surprise = [*(-log_p[:-1].gather(1, X[1:, None])).flatten().tolist(), None]
    tops = zip(chosen.tolist(), probabilities.tolist(), strict=True)
    return {
        "text": text,
        "layer": layer,
        "num_layers": config.num_layers,
        "num_hiddens": config.num_hiddens,
        "states": [
            {"name": name, "direction": DIRECTIONS[direction], "values": _packed(values)}
            for direction, states in enumerate(layer_states(model, X, layer))
            for name, values in states.items()
        ],
        "next": [
            {
                "top": [[vocab.idx_to_token[i], p] for i, p in zip(*top, strict=True)],
                "entropy": max(0.0, entropy[t]),
                "surprise": surprise[t],
            }
            for t, top in enumerate(tops)
        ],
    }


def dependence(model: LanguageModel, vocab: Vocab, text: str, position: int) -> dict[str, Any]:
    """Say on which characters the prediction after `position` depended: how much each input row could move its logit.

    The network reads the text up to `position` and no further, a bidirectional or cloze one too.

    Returns:
        ``position``; ``predicted``: the most probable next character; ``weights``: for each position up to this one the
        norm of the gradient of that character's logit with respect to the input row, the one-hot row of length
        vocab_size.

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    X = torch.tensor(vocab.encode(text)[: position + 1], device=model.dense.weight.device)
    with torch.enable_grad():
        rows = nn.functional.one_hot(X, len(vocab)).to(model.dense.weight.dtype)[:, None].requires_grad_()
        H = model.recurrent(rows, model.begin_state(1))[0][-1]
        if isinstance(model, ClozeModel):  # nothing is known on the right
            H = torch.cat((H, torch.zeros_like(H)), dim=1)
        logits = model.dense(H)[0]
        predicted = int(logits.argmax())
        (gradient,) = torch.autograd.grad(logits[predicted], rows)
    weights = gradient[:, 0].norm(dim=1).tolist()
    return {"position": position, "predicted": vocab.idx_to_token[predicted], "weights": weights}


def layer_states(model: LanguageModel, X: Tensor, layer: int) -> list[States]:
    """Return the states and gates of one layer along characters X (T,), each (T, num_hiddens), by direction.

    The backward ones stand at the character that was read last: at position t it has read from the end down to t.
    """
    if isinstance(model, ClozeModel):
        return _stack_states(model.recurrent, X, layer) + [
            {name: values.flip(0) for name, values in states.items()}
            for states in _stack_states(model.backward_recurrent, X.flip(0), layer)
        ]
    return _stack_states(model.recurrent, X, layer)


def _stack_states(stack: nn.Module, X: Tensor, layer: int) -> list[States]:
    """Return the states of one layer of a stack, in text order, by direction."""
    assert isinstance(stack, ScratchLayers | LibraryLayers)
    inputs: Tensor = X[:, None]  # (T, 1) characters, then (T, 1, size) rows
    found: list[States] = []
    for index in range(layer):
        found = []
        for direction in range(stack.directions):
            sequence = inputs.flip(0) if direction else inputs
            if isinstance(stack, ScratchLayers):
                cell = stack.cells[index * stack.directions + direction]
                assert isinstance(cell, Cell)
                states = _scratch_states(cell, sequence)
            else:
                states = _library_states(stack.cell, stack.relu, stack.weights(index, direction), sequence)
            found.append({name: values.flip(0) if direction else values for name, values in states.items()})
        H = torch.cat([states["H"] for states in found], dim=1)[:, None]
        inputs = stack.after(index, inputs, H)
    return found


def _scratch_states(cell: Cell, inputs: Tensor) -> States:
    """Walk a cell written from its equations along (T, 1) characters or (T, 1, num_inputs) rows."""
    A = input_products(cell, inputs)[:, 0]
    h = cell.num_hiddens
    H = A.new_zeros(h)
    kind = "".join(cell.gates)
    if kind == "h":
        relu = getattr(cell, "activation", "tanh") == "relu"
        return _rnn(A, cell.W_h, H, relu)
    if kind == "ifoc":
        return _lstm(A, cell.W_h, H)
    steps = []
    for A_t in A:
        RZ = torch.sigmoid(A_t[: 2 * h] + H @ cell.W_h[:, : 2 * h])
        R, Z = RZ.chunk(2)
        H_tilde = torch.tanh(A_t[2 * h :] + (R * H) @ cell.W_h[:, 2 * h :])
        H = Z * H + (1 - Z) * H_tilde
        steps.append((H, Z, R, H_tilde))
    return _named(("H", "update_gate", "reset_gate", "candidate"), steps)


def _library_states(kind: str, relu: bool, weights: tuple[Tensor, ...], inputs: Tensor) -> States:
    """Walk one layer and direction of `torch.nn.RNN`, `GRU` or `LSTM`, which resets after the product."""
    W_ih, W_hh, b_ih, b_hh = weights
    x = W_ih.t()[inputs[:, 0]] if inputs.dtype == torch.long else inputs[:, 0] @ W_ih.t()
    h = W_hh.shape[1]
    H = W_hh.new_zeros(h)
    if kind == "rnn":
        return _rnn(x + b_ih + b_hh, W_hh.t(), H, relu)
    if kind == "lstm":  # the library's order is i, f, c, o
        order = torch.cat([torch.arange(first * h, (first + 1) * h, device=x.device) for first in (0, 1, 3, 2)])
        return _lstm((x + b_ih + b_hh)[:, order], W_hh[order].t(), H)
    steps = []
    for A_t in x + b_ih:
        G = H @ W_hh.t() + b_hh
        R, Z = torch.sigmoid(A_t[: 2 * h] + G[: 2 * h]).chunk(2)
        N = torch.tanh(A_t[2 * h :] + R * G[2 * h :])
        H = Z * H + (1 - Z) * N
        steps.append((H, Z, R, N))
    return _named(("H", "update_gate", "reset_gate", "candidate"), steps)


def _rnn(A: Tensor, W_hh: Tensor, H: Tensor, relu: bool) -> States:
    φ = torch.relu if relu else torch.tanh
    steps = []
    for A_t in A:
        H = φ(A_t + H @ W_hh)
        steps.append((H,))
    return _named(("H",), steps)


def _lstm(A: Tensor, W_h: Tensor, H: Tensor) -> States:
    """Walk an LSTM whose gates lie in the order i, f, o, c."""
    h = len(H)
    C = torch.zeros_like(H)
    steps = []
    for A_t in A:
        pre = A_t + H @ W_h
        I, F, O = torch.sigmoid(pre[: 3 * h]).chunk(3)
        C_tilde = torch.tanh(pre[3 * h :])
        C = F * C + I * C_tilde
        H = O * torch.tanh(C)
        steps.append((H, C, I, F, O, C_tilde))
    return _named(("H", "C", "input_gate", "forget_gate", "output_gate", "candidate"), steps)


def _named(names: tuple[str, ...], steps: Sequence[tuple[Tensor, ...]]) -> States:
    return {name: torch.stack(values) for name, values in zip(names, zip(*steps, strict=True), strict=True)}


def _packed(values: Tensor) -> str:
    """Return numbers as little-endian float16 in base64."""
    return base64.b64encode(values.detach().cpu().to(torch.float16).numpy().astype("<f2").tobytes()).decode("ascii")
