"""What the address of Home says."""

from __future__ import annotations

from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.page.address import Address, Parameter
from rnnlab.view.watch.address import EPOCH


def _recipe(text: str) -> str:
    # an experiment that has not been recorded can be picked too: the page says so
    exact = next((name for name in RECIPES if name.lower() == text.strip().lower()), None)
    return exact or recorded.ask(text).name


ADDRESS = Address(
    {
        "recording": Parameter("the chosen experiment; without it one in the language of the page", read=_recipe),
        "epoch": EPOCH,
    }
)
