"""What the address of the Runs page says."""

from __future__ import annotations

from rnnlab.view.page.address import Address, Parameter, one_of

FILTERS = ("all", "live", "ended", "starred")
LONGEST = 200
"""Characters of a search."""

ADDRESS = Address(
    {
        "show": Parameter("which runs are listed", "all", one_of(FILTERS)),
        "find": Parameter("what is searched for among them", read=lambda text: text[:LONGEST] or None),
    }
)
