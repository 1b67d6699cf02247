"""Inspection of a trained network: states and gates along a text, predictions, and what they depend on.

The network reads the text once, layer by layer; the gates are computed from the states by the equation of the cell.
The logits and states are the network's own (tested to 1e-5). `rnnlab.inference.inspection` gives the same answers
without torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rnnlab.cells import ROLES, CellDescription, OneHot
from rnnlab.config import TrainConfig
from rnnlab.engine.cells import FUNCTIONS, State, Unit
from rnnlab.engine.model import ClozeModel, LanguageModel, Layers
from rnnlab.engine.sequence import all_states
from rnnlab.inference.inspection import answer
from rnnlab.text.vocab import Vocab

States = dict[str, Tensor]


@torch.no_grad()
def inspect(model: LanguageModel, config: TrainConfig, vocab: Vocab, text: str, layer: int = 1) -> dict[str, Any]:
    """Return the states and gates of one layer and the predictions while the network reads `text` from the zero state.

    A bidirectional network reads the whole text in both directions, as in training, so at each position but the last it
    has read the next character; a cloze network has not read the character that it predicts.

    Args:
        model: the network.
        config: its configuration.
        vocab: its vocabulary.
        text: the text to read.
        layer: number of the layer; 1 is the first layer.

    Returns:
        The answer that `rnnlab.inference.inspection.answer` describes.

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    X = torch.tensor(vocab.encode(text), device=model.dense.weight.device)
    states, logits = _states_and_logits(model, X, layer)
    arrays = [{name: values.cpu().numpy() for name, values in by_name.items()} for by_name in states]
    return answer(config, vocab, text, layer, arrays, logits.cpu().numpy())


def dependence(model: LanguageModel, vocab: Vocab, text: str, position: int) -> dict[str, Any]:
    """Measure how much the prediction after `position` depends on each character read so far.

    Every network, also a bidirectional or cloze network, reads the text only up to `position`.

    Returns:
        ``position``; ``predicted``: the most probable next character; ``weights``: for each position up to `position`
        the norm of the gradient of the logit of `predicted` with respect to the one-hot input row (vocab_size,).

    Raises:
        PrefixError: a character outside the vocabulary.
    """
    X = torch.tensor(vocab.encode(text)[: position + 1], device=model.dense.weight.device)
    with torch.enable_grad():
        rows = nn.functional.one_hot(X, len(vocab)).to(model.dense.weight.dtype)[:, None].requires_grad_()
        H = model.recurrent(rows, model.begin_state(1))[0][-1]
        if isinstance(model, ClozeModel):  # the right side is unknown
            H = torch.cat((H, torch.zeros_like(H)), dim=1)
        logits = model.dense(H)[0]
        predicted = int(logits.argmax())
        (gradient,) = torch.autograd.grad(logits[predicted], rows)
    weights = gradient[:, 0].norm(dim=1).tolist()
    return {"position": position, "predicted": vocab.idx_to_token[predicted], "weights": weights}


@torch.no_grad()
def layer_states(model: LanguageModel, X: Tensor, layer: int) -> list[States]:
    """Return the states and gates of one layer along characters X (T,), each (T, num_hiddens), for each direction.

    A backward state at position t is the state after reading from the end of the text down to t.
    """
    return _states_and_logits(model, X, layer)[0]


def _states_and_logits(model: LanguageModel, X: Tensor, layer: int) -> tuple[list[States], Tensor]:
    """Return the states of one layer along characters X (T,), for each direction, and the logits (T, vocab_size)."""
    states, H = _run_stack(model.recurrent, X, layer)
    if not isinstance(model, ClozeModel):
        return states, model.dense(H)
    backward, _ = _run_stack(model.backward_recurrent, X.flip(0), layer)
    states += [{name: values.flip(0) for name, values in by_name.items()} for by_name in backward]
    return states, model(X[None], model.begin_state(1))[0]


def _run_stack(stack: Layers, X: Tensor, layer: int) -> tuple[list[States], Tensor]:
    """Return the states of one layer of a stack, for each direction, and the outputs (T, ...) of its last layer."""
    inputs: Tensor = X[:, None]  # (T, 1) characters, then (T, 1, size) rows
    by_direction: list[States] = []
    for index in range(stack.num_layers):
        outputs = []
        for direction in range(stack.directions):
            unit, sequence = stack.unit_as_stored(index, direction), inputs.flip(0) if direction else inputs
            states = all_states(unit, sequence)
            if index == layer - 1:
                named = _states_and_gates(stack.description, unit, sequence, states)
                by_direction.append({name: values.flip(0) if direction else values for name, values in named.items()})
            outputs.append(states[0].flip(0) if direction else states[0])
        inputs = stack.after(index, inputs, torch.cat(outputs, dim=1)[:, None])
    return by_direction, inputs[:, 0]


def _states_and_gates(cell: CellDescription, unit: Unit, inputs: Tensor, states: State) -> States:
    """Return the states (T, h) of a cell by letter and its gates (T, h) by role.

    Since the states are known, the equation computes all time steps at once, as rows of a minibatch.
    """
    before = tuple(torch.cat((torch.zeros_like(S[:1]), S[:-1])) for S in states)
    X = OneHot(inputs[:, 0]) if inputs.dtype == torch.long else inputs[:, 0]
    after, gates = unit.equation(X, before, unit.weights(), FUNCTIONS[unit.activation])
    by_role = {gate.role: gates[gate.name] for gate in cell.gates if gate.role is not None}
    return dict(zip(cell.states, after, strict=True)) | {role: by_role[role] for role in ROLES if role in by_role}
