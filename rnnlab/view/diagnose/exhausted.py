"""The published clipping, in a few lines of plain Python: why it never shortens a gradient."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable


def clip(gradients: Iterable[list[float]], theta: float) -> None:
    """Shorten `gradients` in place to the norm `theta`, as the published code meant to."""
    norm = math.sqrt(sum(g[0] ** 2 for g in gradients))  # the first walk
    if norm > theta:
        for g in gradients:  # the second walk: of a generator nothing is left
            g[0] *= theta / norm


def demonstrate() -> tuple[list[float], list[float]]:
    """Return what `clip` makes of the gradients 3 and 4 at θ = 1, given as a generator and given as a list."""
    passed_on, kept = [[3.0], [4.0]], [[3.0], [4.0]]
    clip((g for g in passed_on), theta=1.0)
    clip(list(kept), theta=1.0)
    return [g[0] for g in passed_on], [g[0] for g in kept]


EXAMPLE = """passed_on, kept = [[3.0], [4.0]], [[3.0], [4.0]]
clip((g for g in passed_on), theta=1.0)
clip(list(kept), theta=1.0)
print(passed_on, kept)"""


def source() -> str:
    """Return the code as it runs here, without its docstring, followed by its use."""
    lines = inspect.getsource(clip).splitlines()
    body = [line for line in lines if '"""' not in line]
    return "\n".join(["import math", "", *[line.replace(": Iterable[list[float]]", "") for line in body], "", EXAMPLE])
