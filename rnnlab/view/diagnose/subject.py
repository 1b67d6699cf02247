"""Whom the page examines: a run of this server or a recording, with its checkpoints and their diagnoses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from rnnlab.config import TrainConfig, in_section
from rnnlab.errors import RunError
from rnnlab.events import Diagnosis
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.data.recorded import Recording
from rnnlab.view.page import asking, names, session
from rnnlab.view.watch import scenes
from rnnlab.view.watch.scenes import Scene

SHOWN = 40
"""Runs to choose from, the newest."""
KNOWN = 200
"""Runs among which a twin or a variant is looked for."""
EPOCH = "diagnose.epoch"
"""Where the session keeps the checkpoint looked at, by subject."""
_ANCHOR = "diagnose.anchor"  # the newest checkpoint when a look at a live run began
_RUNS = "diagnose.runs"  # read once a page


@dataclass(frozen=True)
class Subject:
    """Who is examined, at which checkpoint.

    Attributes:
        scene: the run as it stands.
        record: of a run of this server; None for a recording.
        epochs: those that can be diagnosed, the earliest first.
        epoch: the one that is; None where there is none yet.
    """

    scene: Scene
    record: RunRecord | None
    epochs: tuple[int, ...]
    epoch: int | None

    @property
    def identity(self) -> Identity:
        """Which run or recording it is."""
        assert self.scene.identity is not None
        return self.scene.identity

    @property
    def name(self) -> str:
        """What charts and tables call it."""
        return names.label(self.record) if self.record else self.identity.name

    @property
    def config(self) -> TrainConfig:
        """Its settings."""
        return self.scene.config

    def question(self, epoch: int) -> tuple[object, ...]:
        """Return the key of its diagnosis; a checkpoint that was written anew is another one."""
        assert self.record is not None
        return ("diagnose", self.record.id, epoch, stamp(self.record.id, epoch))

    def diagnose(self, epoch: int | None = None) -> asking.Answer[Diagnosis] | None:
        """Return how the diagnosis at `epoch` (by default the chosen one) stands; None: nothing to diagnose."""
        epoch = self.epoch if epoch is None else epoch
        if epoch is None:
            return None
        if epoch in self.scene.history.probes:
            return asking.Answer(value=self._against_its_targets(self.scene.history.probes[epoch]))
        if self.record is None:
            return None
        run_id, client = self.record.id, session.client()
        return asking.ask(self.question(epoch), lambda: client.diagnose(run_id, epoch)[1])

    def _against_its_targets(self, found: Diagnosis) -> Diagnosis:
        # one that was recorded earlier holds the unigram perplexity of the whole text
        text = self.scene.text
        if text is None:
            return found
        return found.model_copy(update={"unigram_perplexity": text.unigram(self.config, walked=True)})

    def unigram(self) -> float:
        """Return the unigram perplexity over the targets of an epoch; without the text, as diagnosed or recorded.

        A diagnosis has its own, over the targets that it walked: of a text of up to 20,000 characters the same.
        """
        if self.scene.text is not None:
            return self.scene.text.unigram(self.config)
        newest = max(self.scene.history.probes, default=None)
        if newest is not None:
            return self.scene.history.probes[newest].unigram_perplexity
        return self.scene.ladder.get(1, self.scene.ladder[0])

    @property
    def texts(self) -> Mapping[str, str]:
        """What it wrote at the chosen checkpoint, by prefix; where there is none to choose, what it wrote last."""
        written = self.scene.history.texts
        return written.get(max(written, default=0) if self.epoch is None else self.epoch, {})

    @property
    def changed_by_hand(self) -> bool:
        """Whether settings were changed while it trained: no run with its configuration is its twin then."""
        return bool(self.scene.history.changes)


def begin() -> None:
    """Begin a page: read the runs once."""
    st.session_state[_RUNS] = session.store().runs(limit=KNOWN)


def runs() -> list[RunRecord]:
    """Return the runs to choose from, as they stood when this page was begun."""
    found: list[RunRecord] = st.session_state[_RUNS]
    return found[:SHOWN]


def find(config: TrainConfig, *, epochs_too: bool = True) -> RunRecord | None:
    """Return the newest run of this server with these settings that has an epoch, else one that waits, or None.

    One whose settings were changed while it trained is none with these settings.

    Args:
        config: the settings.
        epochs_too: whether the number of epochs, the prefixes and the way of writing must agree too.
    """
    free = () if epochs_too else ("num_epochs", *in_section("generation"))
    same = [
        one
        for one in st.session_state[_RUNS]
        if one.config == config.model_copy(update={name: getattr(one.config, name) for name in free})
        and not scenes.changed_by_hand(one)
    ]
    found = next((one for one in same if one.epoch), same[0] if same else None)
    return session.store().run(found.id) if found else None


def stamp(run_id: str, epoch: int) -> str:
    """Return the name of the checkpoint after `epoch`."""
    names = [path.name for at, minibatch, path in session.store().checkpoints(run_id) if (at, minibatch) == (epoch, 0)]
    return names[-1] if names else ""


def of(identity: Identity) -> Subject | None:
    """Return the subject that goes by `identity`; one that is gone is said."""
    if identity.recorded:
        return of_recording(recorded.recording(identity.name))
    try:
        return of_run(session.store().run(identity.name))
    except RunError as error:
        session.show_error(error)
        return None


def of_recording(recording: Recording) -> Subject:
    """Return a recording, whole, as a subject."""
    scene = scenes.recorded_scene(recording, recording.history.epoch, session.language(), session.theme())
    epochs = tuple(sorted(scene.history.probes))
    return Subject(scene, None, epochs, _epoch_of(Identity.of_recording(recording.name), epochs))


def of_run(record: RunRecord) -> Subject:
    """Return a run of this server as a subject."""
    scene = scenes.feed(record.id).scene(record, session.language(), session.theme())
    kept = {epoch for epoch, minibatch, _ in session.store().checkpoints(record.id) if minibatch == 0 and epoch}
    epochs = tuple(sorted(kept | set(scene.history.probes)))
    asking.follow(record)
    return Subject(scene, record, epochs, _newest(record, epochs))


def _epoch_of(identity: Identity, epochs: tuple[int, ...]) -> int | None:
    asked = st.session_state.get(EPOCH, {}).get(identity)
    return asked if asked in epochs else epochs[-1] if epochs else None


def _newest(record: RunRecord, epochs: tuple[int, ...]) -> int | None:
    """Return the checkpoint to look at; of a run that trains the one that was the newest when the look began."""
    epoch = _epoch_of(Identity.of_run(record.id), epochs)
    if epoch is None or not record.live:
        return epoch
    anchor: dict[str, int] = st.session_state.setdefault(_ANCHOR, {})
    return epoch if epoch != epochs[-1] else anchor.setdefault(record.id, epoch)
