"""The parameters of the address of the Compare page."""

from __future__ import annotations

from rnnlab.config import TrainConfig
from rnnlab.recipes import recipe
from rnnlab.view.compare.measures import AXES, FINISHES
from rnnlab.view.compare.variants import KINDS
from rnnlab.view.page.address import Address, Parameter, one_of

VIEWS = ("overlay", "race", "seeds", "same")


def _recipe(text: str) -> str:
    return recipe(text).id


def _epochs(text: str) -> str:
    return str(TrainConfig().change_from_text({"num_epochs": text}).num_epochs)


ADDRESS = Address(
    {
        "view": Parameter("the view", "overlay", one_of(VIEWS)),
        "pins": Parameter(
            "ids of runs and `recorded:` ids of recipes, separated by commas; without it a recorded pair"
        ),
        "by": Parameter("the unit of the horizontal axis", "epoch", one_of(AXES)),
        "smooth": Parameter("1 for smoothed curves", read=one_of(("1",))),
        "recipe": Parameter("the experiment of a race or of the random seeds", "A2", _recipe),
        **{
            name: Parameter(f"the setting `{name}`, if it differs from the recipe") for name in TrainConfig.model_fields
        },
        "num_epochs": Parameter("the number of epochs of runs started on this page", read=_epochs),
        "vary": Parameter("what varies in a race", "cell", one_of(KINDS)),
        **{
            f"{kind}s": Parameter(f"the values of `{kind}` in a race, separated by commas; without it the first four")
            for kind in KINDS
            if kind != "own"
        },
        "own": Parameter("the variants written by the reader", "cell=rnn; cell=gru"),
        "finish": Parameter("the finishing line", "bigram", one_of(FINISHES)),
    }
)
