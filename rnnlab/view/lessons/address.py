"""What the address of the Lessons page says."""

from __future__ import annotations

from rnnlab.view.lessons import contents
from rnnlab.view.lessons.compute import tuning
from rnnlab.view.page.address import Address, Parameter


def _lesson(text: str) -> str | None:
    return contents.find(text).name if text else None


ADDRESS = Address(
    {
        "lesson": Parameter("the lesson or exercise; without it the table of contents", read=_lesson),
        # which runs belong to an exercise, it knows, and says
        "run": Parameter("the runs of an exercise, separated by commas; without it recordings"),
        "tune": Parameter("the setting tuned in exercise X1", next(iter(tuning.GRID)), tuning.find),
    }
)
