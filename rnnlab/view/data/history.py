"""Add up the events of a run, epoch by epoch."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping

from rnnlab import events

Ladder = Mapping[int, float]
"""Training perplexity by n-gram order; 0 is the uniform distribution."""


MAX_MINIBATCHES = 2000


class History:
    """What the events of a run add up to, epoch by epoch; where an epoch was repeated, the last one counts."""

    def __init__(self, so_far: Iterable[events.Event] = ()) -> None:
        self.epochs: list[events.EpochFinished] = []
        self.texts: dict[int, dict[str, str]] = {}
        self.changes: list[events.SettingChanged] = []
        self.probes: dict[int, events.Diagnosis] = {}
        self.minibatches: list[events.MinibatchFinished] = []
        self.started: events.RunStarted | None = None
        self.ending: events.RunFinished | events.RunDiverged | events.RunFailed | None = None
        self.paused = False
        self.add(so_far)

    def add(self, new: Iterable[events.Event]) -> None:
        """Take in the events that came since."""
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
        # a continuation repeats what came after its checkpoint; a minibatch names the epoch that it is in, a change
        # the epochs that were done
        self.minibatches = [
            one for one in self.minibatches if (one.epoch, one.minibatch) <= (event.epoch + 1, event.minibatch)
        ]
        self.changes = [one for one in self.changes if (one.epoch, one.minibatch) <= (event.epoch, event.minibatch)]

    def _put(self, event: events.EpochFinished) -> None:
        if not self.epochs or self.epochs[-1].epoch < event.epoch:
            self.epochs.append(event)
            return
        position = bisect.bisect_left(self.epochs, event.epoch, key=lambda one: one.epoch)
        if self.epochs[position].epoch == event.epoch:
            self.epochs[position] = event
        else:
            self.epochs.insert(position, event)

    @property
    def epoch(self) -> int:
        """The last finished epoch."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def last(self) -> events.EpochFinished | None:
        """The last finished epoch's event."""
        return self.epochs[-1] if self.epochs else None

    @property
    def progress(self) -> float:
        """Epochs done, the current one in part."""
        newest = self.minibatches[-1] if self.minibatches else None
        if newest is None or newest.epoch <= self.epoch:
            return float(self.epoch)
        return newest.epoch - 1 + newest.minibatch / newest.num_minibatches

    def written(self) -> list[int]:
        """Return the epochs after which the network wrote."""
        return sorted(self.texts)

    def at(self, epoch: int) -> events.EpochFinished | None:
        """Return the event of `epoch`, or None where it has not been trained."""
        position = bisect.bisect_left(self.epochs, epoch, key=lambda one: one.epoch)
        found = self.epochs[position] if position < len(self.epochs) else None
        return found if found is not None and found.epoch == epoch else None

    def copy(self) -> History:
        """Return a copy that later events of this one do not reach."""
        twin = History()
        twin.__dict__.update(self.__dict__)
        twin.epochs, twin.changes, twin.minibatches = list(self.epochs), list(self.changes), list(self.minibatches)
        twin.probes = dict(self.probes)
        twin.texts = {epoch: dict(texts) for epoch, texts in self.texts.items()}
        return twin

    def until(self, epoch: int) -> History:
        """Return the history as it stood after `epoch`, for playing a recording."""
        part = History()
        part.started = self.started
        part.epochs = [one for one in self.epochs if one.epoch <= epoch]
        part.texts = {at: texts for at, texts in self.texts.items() if at <= epoch}
        part.changes = [one for one in self.changes if (one.epoch, one.minibatch) <= (epoch, 0)]
        part.probes = {at: values for at, values in self.probes.items() if at <= epoch}
        part.ending = self.ending if epoch >= self.epoch else None
        return part

    def seconds_per_epoch(self, count: int = 8) -> float | None:
        """Return the mean time of the last `count` epochs."""
        recent = self.epochs[-count:]
        return sum(one.seconds for one in recent) / len(recent) if recent else None

    def characters_per_second(self, count: int = 8) -> float | None:
        """Return the training speed over the last `count` epochs."""
        recent = self.epochs[-count:]
        seconds = sum(one.seconds for one in recent)
        return sum(one.num_tokens for one in recent) / seconds if seconds > 0 else None
