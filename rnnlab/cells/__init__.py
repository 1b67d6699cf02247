"""The recurrent cells: the equation and the description of each.

A cell is a `CellDescription` in `CELLS`. The configuration accepts the cells in `CELLS`; the engine computes training,
generation and inspection from the equation; estimates, charts, lessons and pages read the other fields. To add a cell,
write its equation and description in a new file and add it to `CELLS`. A fast form in `rnnlab.engine.sequence` is
optional.

The equations work on arrays of any library with ``@``, ``*`` and ``+``: torch in the engine, NumPy in the pages, which
do not load torch. This package imports neither.
"""

from rnnlab.cells.description import ROLES, CellDescription, Functions, Gate, Library, OneHot
from rnnlab.cells.gru import GRU
from rnnlab.cells.lstm import LSTM
from rnnlab.cells.rnn import RNN

CELLS: dict[str, CellDescription] = {cell.name: cell for cell in (RNN, GRU, LSTM)}
"""The cells by their name in a configuration."""

__all__ = ["CELLS", "ROLES", "CellDescription", "Functions", "Gate", "Library", "OneHot"]
