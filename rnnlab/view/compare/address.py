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
        "view": Parameter("what is shown", "overlay", one_of(VIEWS)),
        "pins": Parameter("ids of runs and `recorded:` ids of recipes, by commas; without it a recorded pair"),
        "by": Parameter("along which axis the curves are laid over each other", "epoch", one_of(AXES)),
        "smooth": Parameter("1 where the curves are smoothed", read=one_of(("1",))),
        "recipe": Parameter("the experiment from which a race or the seeds start", "A2", _recipe),
        **{name: Parameter(f"the setting `{name}`, other than in the recipe") for name in TrainConfig.model_fields},
        "num_epochs": Parameter("how long runs that are started here train", read=_epochs),
        "vary": Parameter("what varies in a race", "cell", one_of(KINDS)),
        **{
            f"{kind}s": Parameter(f"the values of `{kind}` that race, by commas; without it the first four")
            for kind in KINDS
            if kind != "own"
        },
        "own": Parameter("the variants that the reader wrote", "cell=rnn; cell=gru"),
        "finish": Parameter("the finishing line", "bigram", one_of(FINISHES)),
    }
)
