"""The equations of the three cells, and the code that computes them, read as text."""

from __future__ import annotations

import ast
import textwrap
from functools import cache
from importlib import resources

EQUATIONS: dict[str, tuple[str, ...]] = {
    "rnn": (
        r"\mathbf{H}_t = \phi(\mathbf{X}_t \mathbf{W}_{xh} + \mathbf{H}_{t-1} \mathbf{W}_{hh} + \mathbf{b}_h)",
        r"\mathbf{O}_t = \mathbf{H}_t \mathbf{W}_{hq} + \mathbf{b}_q",
    ),
    "gru": (
        r"\mathbf{R}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xr} + \mathbf{H}_{t-1} \mathbf{W}_{hr} + \mathbf{b}_r)",
        r"\mathbf{Z}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xz} + \mathbf{H}_{t-1} \mathbf{W}_{hz} + \mathbf{b}_z)",
        r"\tilde{\mathbf{H}}_t = \tanh(\mathbf{X}_t \mathbf{W}_{xh}"
        r" + (\mathbf{R}_t \odot \mathbf{H}_{t-1}) \mathbf{W}_{hh} + \mathbf{b}_h)",
        r"\mathbf{H}_t = \mathbf{Z}_t \odot \mathbf{H}_{t-1} + (1 - \mathbf{Z}_t) \odot \tilde{\mathbf{H}}_t",
    ),
    "lstm": (
        r"\mathbf{I}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xi} + \mathbf{H}_{t-1} \mathbf{W}_{hi} + \mathbf{b}_i)",
        r"\mathbf{F}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xf} + \mathbf{H}_{t-1} \mathbf{W}_{hf} + \mathbf{b}_f)",
        r"\mathbf{O}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xo} + \mathbf{H}_{t-1} \mathbf{W}_{ho} + \mathbf{b}_o)",
        r"\tilde{\mathbf{C}}_t = \tanh(\mathbf{X}_t \mathbf{W}_{xc} + \mathbf{H}_{t-1} \mathbf{W}_{hc} + \mathbf{b}_c)",
        r"\mathbf{C}_t = \mathbf{F}_t \odot \mathbf{C}_{t-1} + \mathbf{I}_t \odot \tilde{\mathbf{C}}_t",
        r"\mathbf{H}_t = \mathbf{O}_t \odot \tanh(\mathbf{C}_t)",
    ),
}
"""The book's equations of each cell, as LaTeX."""

_LIBRARY_NOTE = {"rnn": "torch.nn.RNN", "gru": "torch.nn.GRU", "lstm": "torch.nn.LSTM"}


@cache
def cell_source(cell: str) -> str:
    """Return the code of one time step of `cell` ("rnn", "gru", "lstm"), as ``rnnlab/engine/cells.py`` has it."""
    source = resources.files("rnnlab.engine").joinpath("cells.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == cell:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "step":
                    lines = source.splitlines()[part.lineno - 1 : part.end_lineno]
                    if ast.get_docstring(part) is not None:
                        quoted = part.body[0]
                        del lines[quoted.lineno - part.lineno : (quoted.end_lineno or quoted.lineno) - part.lineno + 1]
                    return textwrap.dedent("\n".join(lines))
    raise LookupError(cell)


def library_layer(cell: str) -> str:
    """Return the name of the library's layer for `cell`."""
    return _LIBRARY_NOTE[cell]
