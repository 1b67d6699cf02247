"""Identify the runs and recordings that pages choose, examine, pin and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_PINS = 6
"""The number of curves that can be told apart on a chart."""


@dataclass(frozen=True)
class Identity:
    """A run of this server, or a recording.

    Attributes:
        kind: "run" or "recorded".
        name: the id of the run, or of the recorded recipe.
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
        """Parse an identity from an address or a widget: ``run:<id>``, ``recorded:<recipe>``, or the bare id of a run.

        Whether the run or recording exists is not checked.
        """
        kind, colon, name = text.partition(":")
        if colon and kind == "recorded":
            return cls.of_recording(name)
        return cls.of_run(name if colon and kind == "run" else text)

    def __str__(self) -> str:
        """Return the identity as text, for widgets and addresses."""
        return f"{self.kind}:{self.name}"

    @property
    def pin(self) -> str:
        """The identity as a pin in an address: of a run the bare id."""
        return str(self) if self.recorded else self.name

    @property
    def recorded(self) -> bool:
        """Whether this is a recording."""
        return self.kind == "recorded"
