"""The parameters of the address of a run that is watched, live or recorded."""

from __future__ import annotations

from rnnlab.view.page.address import Address, Parameter

# the part of the page that shows a run, a recording or an epoch reports those that do not exist
RUN = Parameter("the id of a run of this server")
RECORDING = Parameter("the recorded run, by the id of its recipe")
EPOCH = Parameter("the epoch of the slider; without it a run shows its newest text, and a recording plays")

ADDRESS = Address(
    {
        "run": RUN,
        "recording": RECORDING,
        "recipe": Parameter("the same as `recording`, as in links to the Train page"),
        "epoch": EPOCH,
    }
)
"""All parameters of an embedded page; Home and Train have some of them."""
