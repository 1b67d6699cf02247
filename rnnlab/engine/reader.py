"""One character at a time: what `LanguageModel` computes for windows of a single character, sooner (tested to 1e-5).

A network that writes has one row of one time step. Each weight is then used once, so that the time is that of reading
the weights, and whatever lays them out for many products would take longer than it saves. Here nothing is laid out:
each product is a matrix times a vector, on the weights where they lie.

Shapes: h hidden units, G gates; vectors have no axis for the minibatch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rnnlab.engine.cells import RNN, Cell
from rnnlab.engine.model import LanguageModel, LibraryLayers, ScratchLayers

Vectors = tuple[Tensor, ...]
"""``(H,)`` or ``(H, C)``, each (h,)."""


@dataclass(frozen=True)
class _Unit:
    """The weights of one layer and direction, gates in rows.

    Attributes:
        kind: "rnn", "gru" or "lstm".
        W_x: (G·h, num_inputs).
        W_h: (G·h, h).
        b: (G·h,).
        b_h: (G·h,) of the library's GRU, which resets after the product; else None.
        relu: whether the RNN's activation is ReLU.
        library: whether the LSTM's gates stand in the library's order: i, f, c, o.
    """

    kind: str
    W_x: Tensor
    W_h: Tensor
    b: Tensor
    b_h: Tensor | None = None
    relu: bool = False
    library: bool = False


class Reader:
    """A network that reads one character after another and says after each what it expects next.

    Args:
        model: its weights are read where they are; it is not changed.
    """

    def __init__(self, model: LanguageModel) -> None:
        layers = model.recurrent
        assert isinstance(layers, ScratchLayers | LibraryLayers)
        self._model, self._layers = model, layers
        self._units = [
            [_unit(layers, layer, direction) for direction in range(layers.directions)]
            for layer in range(layers.num_layers)
        ]
        zero = model.dense.weight.new_zeros(model.state_shape[1])
        self._states: list[list[Vectors]] = [[(zero,) * model.num_states for _ in units] for units in self._units]

    @torch.no_grad()
    def read(self, index: int) -> Tensor:
        """Read the character `index` and return the logits of the next one, (vocab_size,).

        The backward direction of a bidirectional network sees this one character, with the state that it came to at
        the last one; a cloze network sees nothing on its right.
        """
        inputs: Tensor | int = index
        for layer, units in enumerate(self._units):
            states = [_step(unit, inputs, state) for unit, state in zip(units, self._states[layer], strict=True)]
            self._states[layer] = states
            H = torch.cat([state[0] for state in states]) if len(states) > 1 else states[0][0]
            if isinstance(inputs, Tensor):
                inputs = self._layers.after(layer, inputs, H)
            else:  # a character is not added to the output of the first layer
                inputs = self._layers.after(layer, H, H)
        assert isinstance(inputs, Tensor)
        dense = self._model.dense
        return torch.addmv(dense.bias, dense.weight[:, : len(inputs)], inputs)


def _unit(layers: ScratchLayers | LibraryLayers, layer: int, direction: int) -> _Unit:
    if isinstance(layers, ScratchLayers):
        cell = layers.cells[layer * layers.directions + direction]
        assert isinstance(cell, Cell)
        relu = isinstance(cell, RNN) and cell.activation == "relu"
        return _Unit(type(cell).__name__.lower(), cell.W_x.t(), cell.W_h.t(), cell.b, relu=relu)
    W_ih, W_hh, b_ih, b_hh = layers.weights(layer, direction)
    if layers.cell == "gru":
        return _Unit("gru", W_ih, W_hh, b_ih, b_hh)
    return _Unit(layers.cell, W_ih, W_hh, b_ih + b_hh, relu=layers.relu, library=True)


def _step(unit: _Unit, inputs: Tensor | int, state: Vectors) -> Vectors:
    """Take one time step of the equations in `rnnlab.engine.cells`: a character or (num_inputs,) and state in."""
    H = state[0]
    # a one-hot row times W_x is a row of it
    A = unit.W_x[:, inputs] + unit.b if isinstance(inputs, int) else torch.addmv(unit.b, unit.W_x, inputs)
    if unit.kind == "rnn":
        A.addmv_(unit.W_h, H)
        return (A.relu_() if unit.relu else A.tanh_(),)
    h = len(H)
    if unit.kind == "gru":
        if unit.b_h is None:
            RZ = A[: 2 * h].addmv_(unit.W_h[: 2 * h], H).sigmoid_()
            H_tilde = A[2 * h :].addmv_(unit.W_h[2 * h :], RZ[:h] * H).tanh_()
        else:
            G = torch.addmv(unit.b_h, unit.W_h, H)
            RZ = A[: 2 * h].add_(G[: 2 * h]).sigmoid_()
            H_tilde = A[2 * h :].addcmul_(RZ[:h], G[2 * h :]).tanh_()
        return (torch.lerp(H_tilde, H, RZ[h:]),)
    A.addmv_(unit.W_h, H)
    I, F, third, fourth = torch.split(A, h)
    O, C_tilde = (fourth, third) if unit.library else (third, fourth)
    C = (F.sigmoid_() * state[1]).addcmul_(I.sigmoid_(), C_tilde.tanh_())
    return O.sigmoid_() * torch.tanh(C), C
