"""Adam, by the fused kernel of PyTorch: the same updates as `torch.optim.Adam(fused=True)`, bit for bit.

The class of PyTorch loads its compiler, eight hundred modules, when the first optimiser is made. No run uses the
compiler, and every server would wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from rnnlab.engine.parts import Share, compute, shares


class Adam:
    """The optimiser of a network, with the usual decay rates 0.9 and 0.999.

    Args:
        parameters: the parameters to update.

    Attributes:
        slots: for the index of each parameter that has been updated, `step` (the number of updates, float32), and
            `exp_avg` and `exp_avg_sq` (the running means, each of the parameter's shape).
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self.slots: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update each parameter that has a gradient."""
        updated = [index for index, p in enumerate(self._parameters) if p.grad is not None]
        slots = [self.slots.get(index) or self._begin(index) for index in updated]
        params = [self._parameters[index] for index in updated]
        grads = [p.grad for p in params if p.grad is not None]
        means, squares = ([slot[name] for slot in slots] for name in ("exp_avg", "exp_avg_sq"))
        steps = [slot["step"] for slot in slots]
        torch._foreach_add_(steps, 1)

        def update(share: Share) -> None:
            numbers, (params, grads, means, squares) = share
            torch._fused_adam_(
                params,
                grads,
                means,
                squares,
                [],
                [steps[number] for number in numbers],
                lr=learning_rate,
                beta1=0.9,
                beta2=0.999,
                weight_decay=0,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
            )

        compute(update, shares(params, grads, means, squares))

    def _begin(self, index: int) -> dict[str, Tensor]:
        p = self._parameters[index]
        self.slots[index] = {name: self._slot(name, p) for name in ("step", "exp_avg", "exp_avg_sq")}
        return self.slots[index]

    @staticmethod
    def _slot(name: str, p: Tensor) -> Tensor:
        """Return zeros for a slot of a parameter, with the same layout in memory."""
        return torch.zeros((), dtype=torch.float32, device=p.device) if name == "step" else torch.zeros_like(p)

    def load(self, slots: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Take the state from copies of `slots`, as `Adam.slots` has them on any device."""
        self.slots = {}
        for index, slot in slots.items():
            p = self._parameters[index]
            # the layout in memory is that of the parameter
            self.slots[index] = {name: self._slot(name, p).copy_(tensor) for name, tensor in slot.items()}
