"""What is recorded beside the recipes, so that every page has a result before anybody trains.

A race of the cells, an experiment with several random seeds, the rungs between two experiments, and the answers of two
networks about gaps. They are found by their settings and are no recipes, so no menu lists them.
"""

from __future__ import annotations

from typing import NamedTuple

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES, rungs

ANSWERS = "answers.json.gz"
"""The file with the answers: what the networks of `GAPS` fill in, and the comparisons of scratch and library."""
GAPS = ("A10-cloze", "A10-one-way")
"""The recipes of the networks whose answers about gaps are recorded."""
PARITY = {"rnn": "A2", "lstm": "A6", "gru": "A4"}
"""Each cell that the library has too, with the recipe that trains it from scratch."""
PARITY_CHANGES = {"initialization": "uniform"}
"""The weights of the comparison come from the library's initialisation: with the tiny weights of the scratch recipes,
even different functions would give nearly the same results."""
NUM_GAPS = 400
"""Number of gaps in each text of the measurement."""
LADDER = ("A6", "A7", 20)
"""The two ends of the ladder, and the number of epochs of its rungs."""
SEEDS = ("A2", (1, 2, 3, 4))
"""The experiment that is recorded with more random seeds than that of its recipe, and these seeds."""
RACE = ("A2", ("gru", "lstm"))
"""The experiment that is recorded with other cells, and these cells."""


class Extra(NamedTuple):
    """A recorded run that follows no recipe: its settings, and the recipe that they depart from."""

    config: TrainConfig
    based_on: str


def extras() -> dict[str, Extra]:
    """Return the runs that are recorded beside the recipes, by the name of their recording."""
    recipe, seeds = SEEDS
    runs = {f"seed-{recipe}-{seed}": Extra(RECIPES[recipe].config.change(random_seed=seed), recipe) for seed in seeds}
    recipe, cells = RACE
    runs |= {f"race-{recipe}-{cell}": Extra(RECIPES[recipe].config.change(cell=cell), recipe) for cell in cells}
    start, goal, epochs = LADDER
    chain = rungs(*(RECIPES[name].config.change(num_epochs=epochs) for name in (start, goal)))
    return runs | {f"ladder-{start}-{goal}-{step}": Extra(rung.config, start) for step, rung in enumerate(chain)}
