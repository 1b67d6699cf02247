"""A room as CSV files: its runs, and the guesses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from rnnlab.runs.rooms import Room
from rnnlab.runs.store import Store
from rnnlab.view.language.i18n import t
from rnnlab.view.page.pictures import cell


def runs(store: Store, room: Room, lang: str) -> bytes:
    """Return the runs of a room: who, which settings were changed, how far, and the result."""
    names = {member.visitor: member.name for member in store.members(room.code)}
    rows = []
    for run_id in store.runs_of_room(room.code):
        run = store.run(run_id)
        changes = "; ".join(f"{name}={value}" for name, value in run.config.changes_from(room.config).items())
        who = names.get(run.owner, "") or t("room.teacher" if run.owner == room.owner else "room.nameless", lang)
        rows.append([run.id, who, changes, run.state, run.epoch, run.num_epochs, run.perplexity])
    return _csv(["run", "name", "changes", "state", "epoch", "num_epochs", "perplexity"], rows)


def guesses(store: Store, room: Room, lang: str) -> bytes:
    """Return the guesses of a room, question by question."""
    names = {member.visitor: member.name for member in store.members(room.code)}
    rows = [
        [guess.question, names.get(guess.visitor, "") or t("room.nameless", lang), guess.value]
        for guess in store.guesses(room.code)
    ]
    return _csv(["question", "name", "guess"], rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([cell("" if value is None else value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")  # without this mark spreadsheets assume a Latin encoding
