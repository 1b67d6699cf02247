"""The output layer and the cross-entropy of a minibatch in one function.

A single buffer holds the logits, then the probabilities, then the gradient:

    O = H W_hq + b_q,   loss = mean over rows of -log softmax(O)[target],   d loss / d O = (softmax(O) - one-hot) / n

The readable form is ``cross_entropy(dense(H), targets)``; values and gradients of both are equal (tested to 1e-5). For
a vocabulary of 1,000 this buffer is by far the largest of a minibatch, and passing over the memory once instead of five
times saves up to a third of an epoch. Its rows do not depend on each other, so that threads can share them, and the
first rows can be computed while the recurrent layers still walk through later time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from rnnlab.engine.products import add_products, add_sum, joined, product, rows_of
from rnnlab.engine.tasks import Task, Tasks


class Prediction:
    """The output layer and the loss of a minibatch, for some rows at a time.

    Args:
        W: weights, (V, k), whose transpose is W_hq.
        b: bias, (V,).
        P: memory (n, V), which contains the logits, then the probabilities, then the gradient of the logits times n.
        rows: the rows that are computed at a time.
    """

    def __init__(self, W: Tensor, b: Tensor, P: Tensor, rows: Sequence[slice]) -> None:
        self.W, self.b, self.P, self.rows = W, b, P, rows
        self._chosen = P[:, :0]  # the probabilities of the targets, (n, 1), set by `add`

    def add(self, tasks: Tasks, H: Tensor, targets: Tensor, ready: Sequence[Sequence[Task]] = ()) -> None:
        """Add the predictions to `tasks`.

        Args:
            tasks: the tasks.
            H: the hidden states (n, k), which need not be computed before the tasks.
            targets: characters, (n,).
            ready: the tasks after which the rows of each part are there; empty: they are there.
        """
        self._chosen = self.P.new_empty(len(self.P), 1)
        for number, some in enumerate(self.rows):
            work = partial(self._predict, H[some], targets[some, None], some)
            tasks.add(work, ready[number] if ready else [])

    def _predict(self, H: Tensor, column: Tensor, some: slice) -> None:
        P = self.P[some]
        torch.softmax(product(H, self.W.t(), self.b, P), dim=1, out=P)
        torch.gather(P, 1, column, out=self._chosen[some])
        P.scatter_add_(1, column, P.new_full((1, 1), -1.0).expand_as(column))

    def loss(self, H: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats, after the predictions."""
        if self._chosen.min() > torch.finfo(self._chosen.dtype).tiny:
            return self._chosen.log().mean().neg_()
        # a probability has underflowed, but its logarithm has not
        return functional.cross_entropy(product(H, self.W.t(), self.b), targets)

    def add_back(self, tasks: Tasks, d_loss: Tensor, H: Tensor) -> Back:
        """Add the gradients to `tasks`.

        Args:
            tasks: the tasks.
            d_loss: gradient of the loss, a single number.
            H: the hidden states, (n, k).
        """
        scale = d_loss / len(self.P)  # cheaper to apply to the products than to P
        dH: dict[int, Tensor] = {}

        def part(number: int) -> None:
            dH[number] = product(self.P[self.rows[number]], self.W).mul_(scale)

        # the last part first, because the pass back in time begins there
        added = [tasks.add(partial(part, number)) for number in reversed(range(len(self.rows)))]
        dW, db = add_products(tasks, self.P.t(), H, scale=scale), add_sum(tasks, self.P, scale=scale)
        return Back(dW, db, dH, [[task] for task in reversed(added)])


class Back(NamedTuple):
    """The gradients of `Prediction`, which tasks compute.

    Attributes:
        W: gradient of the weights.
        b: gradient of the bias.
        H: gradient of the hidden states of each part, (rows, k), by its number; none before its tasks have ended.
        ready: for each part, the tasks that compute the gradient of its hidden states.
    """

    W: Tensor
    b: Tensor
    H: dict[int, Tensor]
    ready: list[list[Task]]


def output_loss(dense: nn.Linear, H: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats.

    Args:
        dense: output layer; W_hq is the transpose of its weight.
        H: hidden states, (n, num_hiddens · directions).
        targets: characters, (n,).
    """
    loss: Tensor = _OutputLoss.apply(H, dense.weight, dense.bias, targets)  # type: ignore[no-untyped-call]
    return loss


class _OutputLoss(Function):
    @staticmethod
    def forward(ctx: Any, H: Tensor, W: Tensor, b: Tensor, targets: Tensor) -> Tensor:
        tasks, ctx.rows = Tasks(), rows_of(len(H), [(W.t(), b), (W, None)])
        prediction = Prediction(W, b, H.new_empty(len(H), len(W)), ctx.rows)
        prediction.add(tasks, H, targets)
        tasks.run()
        ctx.save_for_backward(prediction.P, H, W, b)
        return prediction.loss(H, targets)

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:
        P, H, W, b = ctx.saved_tensors
        tasks, prediction = Tasks(), Prediction(W, b, P, ctx.rows)
        back = prediction.add_back(tasks, d_loss, H)
        tasks.run()
        return joined(back.H), back.W, back.b, None
