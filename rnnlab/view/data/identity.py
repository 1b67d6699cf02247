"""Name the runs and recordings that pages choose, examine, pin and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_PINS = 6
"""As many curves as can be told apart."""


@dataclass(frozen=True)
class Identity:
    """A run of this server, or a recording.

    Attributes:
        kind: which of the two.
        name: the id of the run, or of the recipe that was recorded.
    """

    kind: Literal["run", "recorded"]
    name: str

    @classmethod
    def of_run(cls, run_id: str) -> Identity:
        """Return the identity of a run of this server."""
        return cls("run", run_id)

    @classmethod
    def of_recording(cls, recipe_id: str) -> Identity:
        """Return the identity of the recording of a recipe."""
        return cls("recorded", recipe_id)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """Read an identity from an address or a widget: ``run:<id>``, ``recorded:<recipe>``, or the bare id of a run.

        It is not checked that there is such a run or recording.
        """
        kind, colon, name = text.partition(":")
        if colon and kind == "recorded":
            return cls.of_recording(name)
        return cls.of_run(name if colon and kind == "run" else text)

    def __str__(self) -> str:
        """Return it as text, for widgets and addresses."""
        return f"{self.kind}:{self.name}"

    @property
    def pin(self) -> str:
        """As the pins in an address write it: a run by its bare id."""
        return str(self) if self.recorded else self.name

    @property
    def recorded(self) -> bool:
        """Whether it is a recording."""
        return self.kind == "recorded"
