"""What the address says of a run that is watched, live or recorded."""

from __future__ import annotations

from rnnlab.view.page.address import Address, Parameter

# what of these does not exist, the part of the page that shows it says: it knows what there is
RUN = Parameter("the id of a run of this server")
RECORDING = Parameter("the recorded run, by the id of its recipe")
EPOCH = Parameter("the epoch at which the slider stands; without it a run is at its newest text, and a recording plays")

ADDRESS = Address(
    {
        "run": RUN,
        "recording": RECORDING,
        "recipe": Parameter("the same as `recording`, as links to the Train page say it"),
        "epoch": EPOCH,
    }
)
"""All that an embedded page keeps in its URL; Home and Train have their parts of it."""
