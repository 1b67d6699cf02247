"""The published clipping in a few lines of Python, to show why it never scales a gradient."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable


def clip(gradients: Iterable[list[float]], theta: float) -> None:
    """Scale `gradients` in place to the norm `theta`, as the published code intended."""
    norm = math.sqrt(sum(g[0] ** 2 for g in gradients))  # first iteration
    if norm > theta:
        for g in gradients:  # second iteration: a generator is exhausted
            g[0] *= theta / norm


def demonstrate() -> tuple[list[float], list[float]]:
    """Return the result of `clip` for the gradients 3 and 4 with θ = 1, given as a generator and as a list."""
    passed_on, kept = [[3.0], [4.0]], [[3.0], [4.0]]
    clip((g for g in passed_on), theta=1.0)
    clip(list(kept), theta=1.0)
    return [g[0] for g in passed_on], [g[0] for g in kept]


EXAMPLE = """passed_on, kept = [[3.0], [4.0]], [[3.0], [4.0]]
clip((g for g in passed_on), theta=1.0)
clip(list(kept), theta=1.0)
print(passed_on, kept)"""


def source() -> str:
    """Return the source code of `clip` without its docstring, followed by its use."""
    lines = inspect.getsource(clip).splitlines()
    body = [line for line in lines if '"""' not in line]
    return "\n".join(["import math", "", *[line.replace(": Iterable[list[float]]", "") for line in body], "", EXAMPLE])
