"""The parameters of the address of the Room page."""

from __future__ import annotations

from rnnlab.config import TrainConfig
from rnnlab.runs.rooms import CODE_LENGTH
from rnnlab.view.page.address import Address, Parameter, one_of

VIEWS = ("curves", "cards")
SETTINGS = tuple(TrainConfig.model_fields)

ADDRESS = Address(
    {
        "room": Parameter("the code of a room", read=lambda text: text.strip().upper()[: 4 * CODE_LENGTH] or None),
        "wall": Parameter("how the runs are shown", "curves", one_of(VIEWS)),
        **{name: Parameter(f"the open setting `{name}`, if a member has changed it") for name in SETTINGS},
    }
)
