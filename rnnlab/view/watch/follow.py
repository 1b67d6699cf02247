"""Follow a live run: draw it again while events arrive."""

from __future__ import annotations

from collections.abc import Callable

from rnnlab.errors import RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.page import session
from rnnlab.view.page.refresh import moving
from rnnlab.view.watch.scenes import Scene, feed

TICK = 0.9
"""Seconds between two looks at a live run: one that was killed shows as failed within a second."""
FIRST_TICK = 0.2
"""The same, until its first epoch is finished."""


def follow(shown: RunRecord, draw: Callable[[Scene], None], every: float = TICK) -> None:
    """Draw a run, again and again while it is live; when its state changes the whole page runs once more.

    Args:
        shown: the run as the rest of the page shows it; any later state makes the page run again.
    """
    run_id = shown.id
    lang = session.language()

    def look() -> tuple[object, ...] | None:
        try:
            record = session.store().run(run_id)
        except RunError:  # deleted meanwhile
            return None
        draw(feed(run_id).scene(record, lang, session.theme()))  # the theme may change while it is looked at
        return _phase(record)

    # until the first point is there, look more often
    pace = every if shown.epoch else min(every, FIRST_TICK)
    moving(look, pace if shown.live else None, _phase(shown))


def _phase(record: RunRecord) -> tuple[object, ...]:
    # what the rest of the page depends on: its buttons, its sections and the pace
    return record.state, record.num_epochs, record.epoch > 0, record.continuable
