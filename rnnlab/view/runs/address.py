"""The parameters of the address of the Runs page."""

from __future__ import annotations

from rnnlab.view.page.address import Address, Parameter, one_of

FILTERS = ("all", "mine", "live", "ended", "starred")
LONGEST = 200
"""Maximum length of a search, in characters."""

ADDRESS = Address(
    {
        "show": Parameter("which runs are listed", "all", one_of(FILTERS)),
        "find": Parameter("the search in the list", read=lambda text: text[:LONGEST] or None),
    }
)
