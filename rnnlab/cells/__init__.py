"""The recurrent cells: the equation of each, and what everybody else needs to know of it.

A cell is a `CellDescription` in `CELLS`. The configuration accepts what stands there; the engine trains, generates and
inspects by its equation; estimates, charts, lessons and pages read the rest. To add a cell, write its equation and its
description in a file of its own and list it here; a fast form in `rnnlab.engine.sequence` is an addition, not a need.

The equations are functions of arrays of any library that has ``@``, ``*`` and ``+``: torch in the engine, NumPy in the
pages, which load no torch. Nothing here imports either.
"""

from rnnlab.cells.description import ROLES, CellDescription, Functions, Gate, Library, OneHot
from rnnlab.cells.gru import GRU
from rnnlab.cells.lstm import LSTM
from rnnlab.cells.rnn import RNN

CELLS: dict[str, CellDescription] = {cell.name: cell for cell in (RNN, GRU, LSTM)}
"""Every cell by its name in a configuration."""

__all__ = ["CELLS", "ROLES", "CellDescription", "Functions", "Gate", "Library", "OneHot"]
