"""Collect the events of a run, epoch by epoch."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping

from rnnlab import events

Ladder = Mapping[int, float]
"""Training perplexity by n-gram order; 0 is the uniform distribution."""


MAX_MINIBATCHES = 2000


class History:
    """The events of a run, collected by epoch; of a repeated epoch, the last event counts."""

    def __init__(self, so_far: Iterable[events.Event] = ()) -> None:
        self.epochs: list[events.EpochFinished] = []
        self.texts: dict[int, dict[str, str]] = {}
        self.changes: list[events.SettingChanged] = []
        self.probes: dict[int, events.Diagnosis] = {}
        self.minibatches: list[events.MinibatchFinished] = []
        self.started: events.RunStarted | None = None
        self.ending: events.RunFinished | events.RunDiverged | events.RunFailed | None = None
        self.paused = False
        self.starts = 0  # how often the training began: a continued run repeats what came after its checkpoint
        self.add(so_far)

    def add(self, new: Iterable[events.Event]) -> None:
        """Add new events."""
        for event in new:
            match event:
                case events.EpochFinished():
                    self._put(event)
                case events.MinibatchFinished():
                    self.minibatches.append(event)
                case events.TextGenerated():
                    self.texts.setdefault(event.epoch, {})[event.prefix] = event.text
                case events.SettingChanged():
                    self.changes.append(event)
                case events.Probed():
                    self.probes[event.epoch] = event.diagnosis
                case events.RunStarted():
                    self._begin(event)
                case events.RunPaused():
                    self.paused = True
                case events.RunResumed():
                    self.paused = False
                case events.RunFinished() | events.RunDiverged() | events.RunFailed():
                    self.ending, self.paused = event, False
                case _:
                    pass
        del self.minibatches[:-MAX_MINIBATCHES]

    def _begin(self, event: events.RunStarted) -> None:
        self.started, self.ending, self.paused = event, None, False
        self.starts += 1
        # A continued run repeats what came after its checkpoint. The epoch of a minibatch is the current one, that of a
        # change the last finished one.
        self.minibatches = [
            minibatch
            for minibatch in self.minibatches
            if (minibatch.epoch, minibatch.minibatch) <= (event.epoch + 1, event.minibatch)
        ]
        self.changes = [
            change for change in self.changes if (change.epoch, change.minibatch) <= (event.epoch, event.minibatch)
        ]

    def _put(self, event: events.EpochFinished) -> None:
        if not self.epochs or self.epochs[-1].epoch < event.epoch:
            self.epochs.append(event)
            return
        position = bisect.bisect_left(self.epochs, event.epoch, key=lambda finished: finished.epoch)
        if self.epochs[position].epoch == event.epoch:
            self.epochs[position] = event
        else:
            self.epochs.insert(position, event)

    @property
    def epoch(self) -> int:
        """Number of the last finished epoch."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def last(self) -> events.EpochFinished | None:
        """Event of the last finished epoch."""
        return self.epochs[-1] if self.epochs else None

    @property
    def clips(self) -> bool:
        """Whether clipping was on in any epoch, or has been switched on since."""
        on = (change.value is not None for change in self.changes if change.name == "clip_norm")
        return any(event.clip_norm is not None for event in self.epochs) or any(on)

    @property
    def progress(self) -> float:
        """Number of finished epochs, plus the finished part of the current one."""
        newest = self.minibatches[-1] if self.minibatches else None
        if newest is None or newest.epoch <= self.epoch:
            return float(self.epoch)
        return newest.epoch - 1 + newest.minibatch / newest.num_minibatches

    @property
    def position(self) -> float:
        """The same, but below the next whole number until that epoch is finished: its last minibatch comes before."""
        return min(self.progress, math.nextafter(self.epoch + 1, 0))

    def written(self) -> list[int]:
        """Return the epochs after which texts were generated."""
        return sorted(self.texts)

    def at(self, epoch: int) -> events.EpochFinished | None:
        """Return the event of `epoch`, or None if it has not been trained."""
        position = bisect.bisect_left(self.epochs, epoch, key=lambda finished: finished.epoch)
        event = self.epochs[position] if position < len(self.epochs) else None
        return event if event is not None and event.epoch == epoch else None

    def copy(self) -> History:
        """Return a copy that does not change when events are added to this history."""
        copied = History()
        copied.__dict__.update(self.__dict__)
        copied.epochs, copied.changes, copied.minibatches = (
            list(self.epochs),
            list(self.changes),
            list(self.minibatches),
        )
        copied.probes = dict(self.probes)
        copied.texts = {epoch: dict(texts) for epoch, texts in self.texts.items()}
        return copied

    def until(self, epoch: int) -> History:
        """Return the history up to `epoch`, for playing a recording."""
        part = History()
        part.started = self.started
        part.epochs = [event for event in self.epochs if event.epoch <= epoch]
        part.texts = {at: texts for at, texts in self.texts.items() if at <= epoch}
        part.changes = [change for change in self.changes if (change.epoch, change.minibatch) <= (epoch, 0)]
        part.probes = {at: values for at, values in self.probes.items() if at <= epoch}
        part.minibatches = [minibatch for minibatch in self.minibatches if minibatch.epoch <= epoch]
        part.ending = self.ending if epoch >= self.epoch else None
        return part

    def seconds_per_epoch(self, count: int = 8) -> float | None:
        """Return the mean seconds per epoch over the last `count` epochs."""
        recent = self.epochs[-count:]
        return sum(epoch.seconds for epoch in recent) / len(recent) if recent else None

    def characters_per_second(self, count: int = 8) -> float | None:
        """Return the training speed over the last `count` epochs, in characters per second."""
        recent = self.epochs[-count:]
        seconds = sum(epoch.seconds for epoch in recent)
        return sum(epoch.num_tokens for epoch in recent) / seconds if seconds > 0 else None
