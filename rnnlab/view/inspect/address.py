"""What the address of the Inspect page says."""

from __future__ import annotations

from rnnlab.runs.questions import MAX_TEXT
from rnnlab.view.data import networks
from rnnlab.view.inspect.charts import STATES
from rnnlab.view.page.address import Address, Parameter, one_of, stored_run, whole

VIEWS = ("next", "dependence", "states")
DIRECTIONS = ("forward", "backward")
ROWS = ("all", "active", "unit")

ADDRESS = Address(
    {
        "run": Parameter("the run; without it the newest run with a checkpoint", read=stored_run),
        "recording": Parameter("the recipe of a network that ships with the app", read=networks.ask),
        # which epochs there are, the page knows, and says
        "epoch": Parameter("the checkpoint, an epoch or `newest`; without it the best one, or else the newest"),
        "text": Parameter("the text that the network reads; without it a line of the training text"),
        "at": Parameter(
            "the chosen character, from 1; without it where the surprise is greatest", read=whole(1, MAX_TEXT)
        ),
        "view": Parameter("the view", "next", one_of(VIEWS)),
        "layer": Parameter("the layer whose states are shown", "1", whole(1, 99)),
        "gate": Parameter("the state or gate", "H", one_of(STATES)),
        "direction": Parameter("the direction", "forward", one_of(DIRECTIONS)),
        "rows": Parameter("how the units are shown", "all", one_of(ROWS)),
        "unit": Parameter("the unit; without it an outstanding unit", read=whole(1, 100_000)),
    }
)
