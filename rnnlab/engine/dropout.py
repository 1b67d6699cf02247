"""Dropout: each element is set to zero with probability p, and the others are divided by 1 - p, as in the book (3.13).

The expected value of an element stays the same, so that nothing has to be scaled when the network is used. The masks
come from a separate generator, whose state is part of the checkpoint: a resumed run continues with the same masks.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Dropout:
    """Drops elements of tensors.

    Args:
        probability: p, in [0, 1).
        seed: of the generator of the masks.
    """

    def __init__(self, probability: float, seed: int) -> None:
        self._keep = 1 - probability
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, H: Tensor) -> Tensor:
        """Return H with some of its elements set to zero, and the others scaled; differentiable."""
        mask = torch.empty(H.shape, dtype=H.dtype).bernoulli_(self._keep, generator=self.generator)
        return H * mask.div_(self._keep).to(H.device)
