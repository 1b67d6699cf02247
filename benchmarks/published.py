"""The algorithm as published in the book, for comparison: one-hot vectors, one product per gate and time step.

Written from the equations and the described procedure (1st edition 6.4 to 6.10): scratch cells multiply one-hot vectors
by gate and time step, and the output layer at each time step; library layers get complete one-hot vectors. The
optimiser updates one parameter after the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from rnnlab.config import TrainConfig
from rnnlab.engine.minibatch import epoch_minibatches
from rnnlab.engine.model import LanguageModel, LibraryLayers, ScratchLayers


class PublishedRun:
    """A run of a recipe in the published form; `epochs` yields the perplexity of each epoch.

    Args:
        model: gives the initial weights; the weights of library layers are trained in place.
        config: the settings.
        indices: the text, (length,).
        hidden: the initial recurrent state; None: zero.
    """

    def __init__(
        self, model: LanguageModel, config: TrainConfig, indices: Tensor, hidden: tuple[Tensor, ...] | None = None
    ) -> None:
        self.hidden = hidden
        self.config, self.indices, self.vocab_size = config, indices, model.vocab_size
        self.scratch = isinstance(model.recurrent, ScratchLayers)
        if isinstance(model.recurrent, ScratchLayers):
            (cell,) = model.recurrent.cells
            self.gates = [[w.detach().clone().requires_grad_() for w in gate] for gate in cell.unit().weights()]
            self.W_hq = model.dense.weight.detach().t().clone().requires_grad_()
            self.b_q = model.dense.bias.detach().clone().requires_grad_()
            self.parameters = [*(w for gate in self.gates for w in gate), self.W_hq, self.b_q]
        elif isinstance(model.recurrent, LibraryLayers):
            self.layers, self.dense = model.recurrent.layers, model.dense
            self.parameters = [*self.layers.parameters(), *self.dense.parameters()]
            self.adam = torch.optim.Adam(self.parameters, lr=config.learning_rate)
        self.begin_state = model.begin_state

    def epochs(self) -> Iterator[float]:
        """Train without end, yielding the perplexity of each epoch."""
        generator = torch.Generator().manual_seed(self.config.random_seed)
        state = self.hidden
        while True:
            loss_sum, n = 0.0, 0
            if not self.config.carry_state:
                state = None
            for X, Y in epoch_minibatches(self.indices, self.config, generator)[1]:
                if state is None or self.config.sampling == "random":
                    state = self.begin_state(len(X))
                state = tuple(S.detach() for S in state)
                step = self._scratch_step if self.scratch else self._library_step
                loss, state = step(X, Y, state)
                loss_sum += loss * Y.numel()
                n += Y.numel()
            yield math.exp(loss_sum / n)

    def _scratch_step(self, X: Tensor, Y: Tensor, state: tuple[Tensor, ...]) -> tuple[float, tuple[Tensor, ...]]:
        inputs = [functional.one_hot(column, self.vocab_size).float() for column in X.t()]
        outputs, hidden = [], tuple(S[0] for S in state)
        for X_t in inputs:
            hidden = self._cell(X_t, hidden)
            outputs.append(hidden[0] @ self.W_hq + self.b_q)
        loss = functional.cross_entropy(torch.cat(outputs), Y.t().reshape(-1))
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()
        loss.backward()
        if self.config.clip_norm is not None:
            norm = sum((p.grad**2).sum() for p in self.parameters).sqrt().item()
            if norm > self.config.clip_norm:
                for parameter in self.parameters:
                    parameter.grad *= self.config.clip_norm / norm
        for parameter in self.parameters:
            parameter.data -= self.config.learning_rate * parameter.grad
        return loss.item(), tuple(S[None] for S in hidden)

    def _cell(self, X: Tensor, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        def product(gate: list[Tensor], H: Tensor) -> Tensor:
            W_x, W_h, b = gate
            return X @ W_x + H @ W_h + b

        H = hidden[0]
        if self.config.cell == "rnn":
            return (torch.tanh(product(self.gates[0], H)),)
        if self.config.cell == "gru":
            R, Z = torch.sigmoid(product(self.gates[0], H)), torch.sigmoid(product(self.gates[1], H))
            H_tilde = torch.tanh(product(self.gates[2], R * H))
            return (Z * H + (1 - Z) * H_tilde,)
        I, F, O = (torch.sigmoid(product(gate, H)) for gate in self.gates[:3])
        C = F * hidden[1] + I * torch.tanh(product(self.gates[3], H))
        return O * C.tanh(), C

    def _library_step(self, X: Tensor, Y: Tensor, state: tuple[Tensor, ...]) -> tuple[float, tuple[Tensor, ...]]:
        rows = functional.one_hot(X.t(), self.vocab_size).float()
        H, last = self.layers(rows, state if len(state) == 2 else state[0])
        loss = functional.cross_entropy(self.dense(H.view(-1, H.shape[-1])), Y.t().reshape(-1))
        self.adam.zero_grad(set_to_none=False)
        loss.backward()
        # the published clipping computes the norm but scales nothing, because that exhausts the generator of parameters
        sum((p.grad**2).sum() for p in self.parameters).sqrt().item()
        self.adam.step()
        return loss.item(), last if isinstance(last, tuple) else (last,)


def multiplications(config: TrainConfig, vocab_size: int, num_tokens: int) -> float:
    """Return the floating-point operations of the unavoidable matrix products of an epoch.

    One forward and two backward products (inputs and weights), with two operations per multiplication: the recurrent
    weights of every layer and direction, the input weights of all layers except the first (whose one-hot products are
    row lookups), and the output layer.
    """
    G = {"rnn": 1, "gru": 3, "lstm": 4}[config.cell]
    h, directions = config.num_hiddens, 2 if config.bidirectional else 1
    weights = config.num_layers * directions * G * h * h
    weights += (config.num_layers - 1) * directions * G * h * directions * h
    weights += directions * h * vocab_size
    return 3 * 2 * weights * num_tokens
