"""The source code of the cells, as text."""

from __future__ import annotations

import ast
import inspect
from functools import cache

from rnnlab.cells import CELLS


@cache
def cell_source(cell: str) -> str:
    """Return the source code of a time step of `cell` (a name in `rnnlab.cells`), without the docstring."""
    source = inspect.getsource(CELLS[cell].equation)
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    lines = source.splitlines()
    if ast.get_docstring(function) is not None:
        quoted = function.body[0]
        del lines[quoted.lineno - 1 : quoted.end_lineno]
    return "\n".join(lines)
