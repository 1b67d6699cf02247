"""The parameters of the address of the Train page."""

from __future__ import annotations

from rnnlab.config import TrainConfig
from rnnlab.view.page.address import Address, Parameter, one_of
from rnnlab.view.watch.address import EPOCH, RUN

# read together, as the configuration validates combinations
SETUP = {
    "recipe": Parameter("the recipe of the setup; without it that of the run, or the default recipe"),
    **{name: Parameter(f"the setting `{name}`, if it differs from the recipe") for name in TrainConfig.model_fields},
}

STAGE = Parameter("1 for the stage: curve, texts and large buttons, for a projector", read=one_of(("1",)))

ADDRESS = Address({"run": RUN, "epoch": EPOCH, "stage": STAGE, **SETUP})
