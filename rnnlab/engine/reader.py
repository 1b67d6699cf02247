"""Single time steps for generation: the results of `LanguageModel` for one character in less time (tested to 1e-5).

Generation processes a single row for a single time step. Each weight is used once, so the time is dominated by reading
the weights, and packing them for many products would cost more than it saves. Here every product is a matrix times a
vector on the unpacked weights. The time step is that of the fast forms in `rnnlab.engine.walks`; a cell without a fast
form uses its equation.

Shapes: h hidden units, G gates; vectors have no minibatch axis.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnnlab.cells import OneHot
from rnnlab.engine.cells import FUNCTIONS, State, Unit
from rnnlab.engine.forms import Form, form_of
from rnnlab.engine.model import LanguageModel


class Reader:
    """A network that reads one character at a time and predicts the next.

    Args:
        model: the network; its weights must not change while the reader is in use.
    """

    def __init__(self, model: LanguageModel) -> None:
        layers = model.recurrent
        self._model = model
        self._layers = layers
        with torch.no_grad():
            self._units = [
                [_step_of(layers.unit(layer, direction)) for direction in range(layers.directions)]
                for layer in range(layers.num_layers)
            ]

    @torch.no_grad()
    def read(self, index: int) -> Tensor:
        """Read the character `index` and return the logits of the next character, (vocab_size,).

        The backward direction of a bidirectional network reads only this character, from its state after the previous
        character; a cloze network has no right side.
        """
        inputs: Tensor | int = index
        for layer, units in enumerate(self._units):
            outputs = [unit.step(inputs) for unit in units]
            H = torch.cat(outputs) if len(outputs) > 1 else outputs[0]
            if isinstance(inputs, Tensor):
                inputs = self._layers.after(layer, inputs, H)
            else:  # the first layer has no residual connection
                inputs = self._layers.after(layer, H, H)
        assert isinstance(inputs, Tensor)
        dense = self._model.dense
        return torch.addmv(dense.bias, dense.weight[:, : len(inputs)], inputs)


class _EquationStep:
    """Time steps of one layer and direction by the equation of its cell; `state` starts at zero."""

    def __init__(self, unit: Unit) -> None:
        self.state: State = (unit.b.new_zeros(len(unit.W_h)),) * unit.num_states
        self._unit = unit
        self._weights = unit.weights()

    def step(self, inputs: Tensor | int) -> Tensor:
        """Read a character or a vector (num_inputs,) and return the new H (h,)."""
        X = inputs if isinstance(inputs, Tensor) else OneHot(inputs)
        self.state, _ = self._unit.equation(X, self.state, self._weights, FUNCTIONS[self._unit.activation])
        return self.state[0]


class _FastStep(_EquationStep):
    """Time steps of one layer and direction by a fast form, as a minibatch of one row and one time step."""

    def __init__(self, unit: Unit, form: Form) -> None:
        super().__init__(unit)
        h, n = len(unit.W_h), form.num_states
        self._W_x = unit.W_x.t()
        self._A = torch.empty_like(unit.b)
        states = unit.b.new_zeros(2, n, 1, h)  # before and after the time step
        self._before, self._after = states
        others = [unit.b.new_empty(1, 1, width * h) for width in form.widths[n:]]
        buffers = [*(states[:, place] for place in range(n)), *others]
        self._compute = form.step_for(unit, self._A[None, None], buffers)
        self._H = states[1, 0, 0]

    def step(self, inputs: Tensor | int) -> Tensor:
        """Read a character or a vector (num_inputs,) and return the new H (h,), valid until the next step."""
        if isinstance(inputs, Tensor):
            torch.addmv(self._unit.b, self._W_x, inputs, out=self._A)
        else:  # a one-hot row times W_x is a row of W_x
            torch.add(self._unit.W_x[inputs], self._unit.b, out=self._A)
        self._before.copy_(self._after)
        self._compute()
        return self._H


def _step_of(unit: Unit) -> _EquationStep:
    form = form_of(unit)
    return _EquationStep(unit) if form is None else _FastStep(unit, form)
