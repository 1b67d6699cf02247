"""Adam, by the fused kernel of PyTorch: the same updates as `torch.optim.Adam(fused=True)`, bit for bit.

The class of PyTorch loads its compiler, eight hundred modules, when the first optimiser is made. No run uses the
compiler, and every server would wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adam import adam


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
        updated = [(index, p, p.grad) for index, p in enumerate(self._parameters) if p.grad is not None]
        slots = [self.slots.get(index) or self._begin(index) for index, _, _ in updated]
        adam(
            [p for _, p, _ in updated],
            [grad for _, _, grad in updated],
            [slot["exp_avg"] for slot in slots],
            [slot["exp_avg_sq"] for slot in slots],
            [],
            [slot["step"] for slot in slots],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )

    def _begin(self, index: int) -> dict[str, Tensor]:
        p = self._parameters[index]
        self.slots[index] = {
            "step": torch.zeros((), dtype=torch.float32, device=p.device),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
        return self.slots[index]

    def load(self, slots: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Take the state from copies of `slots`, as `Adam.slots` has them on any device."""
        self.slots = {}
        for index, slot in slots.items():
            p = self._parameters[index]
            self.slots[index] = {
                name: tensor.to(p.device, torch.float32 if name == "step" else p.dtype, copy=True)
                for name, tensor in slot.items()
            }
