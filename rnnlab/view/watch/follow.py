"""Follow a live run: redraw it when events arrive."""

from __future__ import annotations

from collections.abc import Callable

from rnnlab.errors import RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.page import plot, session
from rnnlab.view.page.refresh import moving
from rnnlab.view.watch.scenes import Scene, feed

TICK = 0.9
"""Seconds between two updates of a live run; a killed run is shown as failed within a second."""
FIRST_TICK = 0.2
"""Seconds between two updates before the first epoch is finished."""


def follow(shown: RunRecord, draw: Callable[[Scene], None]) -> None:
    """Draw a run, repeatedly while it is live; when its state changes, the whole page is rerun.

    Args:
        shown: the run as the rest of the page shows it; if its state differs later, the page is rerun.
        draw: draws the run with charts whose events say when the page has to be drawn again.
    """
    run_id = shown.id
    lang = session.language()

    def update() -> tuple[object, ...] | None:
        try:
            record = session.store().run(run_id)
        except RunError:  # deleted in the meantime
            return None
        draw(feed(run_id).scene(record, lang, session.theme()))  # the theme may change while the run is followed
        return _phase(record)

    # where the server pushes the points, an event asks for another drawing; until the first point, look more often
    pace = None if plot.pushes() else TICK if shown.epoch else FIRST_TICK
    moving(update, pace if shown.live else None, _phase(shown))


def _phase(record: RunRecord) -> tuple[object, ...]:
    # the part of the state that the rest of the page depends on: its buttons, its sections and the interval
    return record.state, record.num_epochs, record.epoch > 0, record.continuable, plot.pushes()
