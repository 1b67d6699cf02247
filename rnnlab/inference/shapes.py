"""The names and shapes of a network's weights, computed from its configuration; no torch, no NumPy."""

from __future__ import annotations

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig

WEIGHTS = "model."
"""Prefix of the weights in a checkpoint, which also holds the state of the optimiser."""
Shapes = dict[str, tuple[int, ...]]


def weight_shapes(config: TrainConfig, vocab_size: int) -> Shapes:
    """Return the shape of each weight of the engine's model by its name, in the order of the model's parameters.

    Args:
        config: the configuration of the network.
        vocab_size: number of distinct characters.
    """
    gaps = config.objective == "cloze"  # two separate stacks instead of layers with two directions
    directions = 2 if config.bidirectional and not gaps else 1
    width = (2 if config.bidirectional else 1) * config.num_hiddens
    dense: Shapes = {"dense.weight": (vocab_size, width), "dense.bias": (vocab_size,)}
    stack = _stack(config, vocab_size, directions)
    shapes = {f"recurrent.{name}": shape for name, shape in stack.items()} | dense
    return shapes | ({f"backward_recurrent.{name}": shape for name, shape in stack.items()} if gaps else {})


def _stack(config: TrainConfig, vocab_size: int, directions: int) -> Shapes:
    """Return the shapes of recurrent layers of one or two directions."""
    width = directions * config.num_hiddens
    shapes: Shapes = {}
    if config.layer_norm:
        for layer in range(config.num_layers):
            shapes |= {f"norms.{layer}.weight": (width,), f"norms.{layer}.bias": (width,)}
    unit = _of_a_cell if config.implementation == "scratch" else _of_the_library
    for layer in range(config.num_layers):
        for direction in range(directions):
            shapes |= unit(config, layer, direction, directions, width if layer else vocab_size)
    return shapes


def _of_a_cell(config: TrainConfig, layer: int, direction: int, directions: int, inputs: int) -> Shapes:
    columns = len(CELLS[config.cell].gates) * config.num_hiddens
    prefix = f"cells.{layer * directions + direction}"
    return {
        f"{prefix}.W_x": (inputs, columns),
        f"{prefix}.W_h": (config.num_hiddens, columns),
        f"{prefix}.b": (columns,),
    }


def _of_the_library(config: TrainConfig, layer: int, direction: int, directions: int, inputs: int) -> Shapes:
    rows = len(CELLS[config.cell].gates) * config.num_hiddens
    stacked = config.residual or config.layer_norm or config.dropout > 0  # a layer of the framework for each of ours
    prefix, number = (f"layers.{layer}", 0) if stacked else ("layers", layer)
    suffix = f"l{number}{'_reverse' if direction else ''}"
    return {
        f"{prefix}.weight_ih_{suffix}": (rows, inputs),
        f"{prefix}.weight_hh_{suffix}": (rows, config.num_hiddens),
        f"{prefix}.bias_ih_{suffix}": (rows,),
        f"{prefix}.bias_hh_{suffix}": (rows,),
    }
