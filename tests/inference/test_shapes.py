"""Test the names and shapes of the weights that are computed without torch against those of the model."""

from __future__ import annotations

from itertools import product

import pytest

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.errors import ConfigError
from rnnlab.inference.shapes import weight_shapes


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("implementation", ["scratch", "library"])
def test_the_shapes_are_those_of_the_model(cell: str, implementation: str) -> None:
    tried = 0
    for layers, both, objective, norm, residual, dropout in product(
        (1, 3), (False, True), ("next", "cloze"), (False, True), (False, True), (0.0, 0.5)
    ):
        try:
            config = TrainConfig.make(
                cell=cell, implementation=implementation, num_layers=layers, bidirectional=both, objective=objective,
                layer_norm=norm, residual=residual, dropout=dropout, num_hiddens=3, sampling="consecutive",
            )  # fmt: skip
        except ConfigError:
            continue
        tried += 1
        model = build_model(config, 5)
        expected = [(name, tuple(parameter.shape)) for name, parameter in model.named_parameters()]
        assert list(weight_shapes(config, 5).items()) == expected, config.to_json()
        assert [name for name, _ in expected] == list(model.state_dict())
    assert tried > 20
