"""What the address of Home says."""

from __future__ import annotations

from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.page.address import Address, Parameter
from rnnlab.view.watch.address import EPOCH


def _recipe(text: str) -> str:
    # an experiment that has not been recorded can be picked too: the page says so
    exact = next((one for one in RECIPES if one.lower() == text.strip().lower()), None)
    return exact or recorded.ask(text).name


ADDRESS = Address(
    {
        "recording": Parameter("the experiment that was picked; without it one that suits the language", read=_recipe),
        "epoch": EPOCH,
    }
)
