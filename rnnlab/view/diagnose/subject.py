"""The examined run: a run of this server or a recording, with its checkpoints and their diagnoses."""

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
"""Maximum number of runs in the menu, the newest first."""
KNOWN = 200
"""Maximum number of runs among which counterparts and variants are searched."""
EPOCH = "diagnose.epoch"
"""Session key of the chosen checkpoint, by run."""
_ANCHOR = "diagnose.anchor"  # the newest checkpoint when a live run was first shown
_RUNS = "diagnose.runs"  # read once per run of the page


@dataclass(frozen=True)
class ExaminedRun:
    """A run or recording that is examined at a checkpoint.

    Attributes:
        scene: its current state.
        record: the record of a run of this server; None for a recording.
        epochs: the epochs that can be diagnosed, ascending.
        epoch: the chosen epoch; None if there is none yet.
    """

    scene: Scene
    record: RunRecord | None
    epochs: tuple[int, ...]
    epoch: int | None

    @property
    def identity(self) -> Identity:
        """The run or recording."""
        assert self.scene.identity is not None
        return self.scene.identity

    @property
    def name(self) -> str:
        """Its name in charts and tables."""
        return names.label(self.record) if self.record else self.identity.name

    @property
    def config(self) -> TrainConfig:
        """Its configuration."""
        return self.scene.config

    def question(self, epoch: int) -> tuple[object, ...]:
        """Return the key of its diagnosis at `epoch`, which changes when the checkpoint is written again."""
        assert self.record is not None
        return ("diagnose", self.record.id, epoch, stamp(self.record.id, epoch))

    def diagnose(self, epoch: int | None = None) -> asking.Answer[Diagnosis] | None:
        """Return the diagnosis at `epoch`, by default the chosen epoch; None if there is nothing to diagnose."""
        epoch = self.epoch if epoch is None else epoch
        if epoch is None:
            return None
        if epoch in self.scene.history.probes:
            return asking.Answer(value=self._against_its_targets(self.scene.history.probes[epoch]))
        if self.record is None:
            return None
        run_id, client = self.record.id, session.client()
        return asking.ask(self.question(epoch), lambda: client.diagnose(run_id, epoch)[1], self.config.corpus)

    def _against_its_targets(self, diagnosis: Diagnosis) -> Diagnosis:
        # older recordings have the unigram perplexity of the whole text
        text = self.scene.text
        if text is None:
            return diagnosis
        return diagnosis.model_copy(update={"unigram_perplexity": text.unigram(self.config, walked=True)})

    def unigram(self) -> float:
        """Return the unigram perplexity over the targets of an epoch; without the text, that of the diagnosis.

        A diagnosis has its own value, over the targets it used; for a text of up to 20,000 characters it is the same.
        """
        if self.scene.text is not None:
            return self.scene.text.unigram(self.config)
        newest = max(self.scene.history.probes, default=None)
        if newest is not None:
            return self.scene.history.probes[newest].unigram_perplexity
        return self.scene.ladder.get(1, self.scene.ladder[0])

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts generated at the chosen checkpoint by prefix; without a checkpoint, the last generated texts."""
        written = self.scene.history.texts
        return written.get(max(written, default=0) if self.epoch is None else self.epoch, {})

    @property
    def changed_by_hand(self) -> bool:
        """Whether settings were changed during training, so that a run with its configuration would differ."""
        return bool(self.scene.history.changes)


def begin() -> None:
    """Begin a run of the page: read the runs once."""
    st.session_state[_RUNS] = session.store().runs(limit=KNOWN)


def runs() -> list[RunRecord]:
    """Return the runs to choose from, as of the beginning of this run of the page."""
    records: list[RunRecord] = st.session_state[_RUNS]
    return records[:SHOWN]


def find(config: TrainConfig, *, epochs_too: bool = True) -> RunRecord | None:
    """Return the newest run of this server with these settings, preferably one with epochs, or None.

    Runs whose settings were changed during training are ignored.

    Args:
        config: the settings.
        epochs_too: whether the number of epochs, the prefixes and the decoding must be equal too.
    """
    free = () if epochs_too else ("num_epochs", *in_section("generation"))
    same = [
        record
        for record in st.session_state[_RUNS]
        if record.config == config.model_copy(update={name: getattr(record.config, name) for name in free})
        and not scenes.changed_by_hand(record)
    ]
    newest = next((record for record in same if record.epoch), same[0] if same else None)
    return session.store().run(newest.id) if newest else None


def stamp(run_id: str, epoch: int) -> str:
    """Return the file name of the checkpoint after `epoch`, "" without one."""
    names = [path.name for at, minibatch, path in session.store().checkpoints(run_id) if (at, minibatch) == (epoch, 0)]
    return names[-1] if names else ""


def of(identity: Identity) -> ExaminedRun | None:
    """Return the examined run of an identity; None, with an error on the page, if it does not exist."""
    if identity.recorded:
        return of_recording(recorded.recording(identity.name))
    try:
        return of_run(session.store().run(identity.name))
    except RunError as error:
        session.show_error(error)
        return None


def of_recording(recording: Recording) -> ExaminedRun:
    """Return a complete recording as an examined run."""
    scene = scenes.recorded_scene(recording, recording.history.epoch, session.language(), session.theme())
    epochs = tuple(sorted(scene.history.probes))
    return ExaminedRun(scene, None, epochs, _epoch_of(Identity.of_recording(recording.name), epochs))


def of_run(record: RunRecord) -> ExaminedRun:
    """Return a run of this server as an examined run."""
    scene = scenes.feed(record.id).scene(record, session.language(), session.theme())
    kept = {epoch for epoch, minibatch, _ in session.store().checkpoints(record.id) if minibatch == 0 and epoch}
    epochs = tuple(sorted(kept | set(scene.history.probes)))
    asking.follow(record)
    return ExaminedRun(scene, record, epochs, _newest(record, epochs))


def _epoch_of(identity: Identity, epochs: tuple[int, ...]) -> int | None:
    chosen = st.session_state.get(EPOCH, {}).get(identity)
    return chosen if chosen in epochs else epochs[-1] if epochs else None


def _newest(record: RunRecord, epochs: tuple[int, ...]) -> int | None:
    """Return the checkpoint to show; of a live run, the newest one when it was first shown."""
    epoch = _epoch_of(Identity.of_run(record.id), epochs)
    if epoch is None or not record.live:
        return epoch
    anchor: dict[str, int] = st.session_state.setdefault(_ANCHOR, {})
    return epoch if epoch != epochs[-1] else anchor.setdefault(record.id, epoch)
