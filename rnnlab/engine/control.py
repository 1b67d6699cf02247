"""Control of a run between two minibatches: learning rate, clipping, pause, step, stop. No torch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from rnnlab.config import TrainConfig

Unit = Literal["minibatch", "epoch", "period"]
SettingName = Literal["learning_rate", "clip_norm"]


class Control:
    """The pending control requests of a run, which `train` reads between two minibatches.

    The methods may be called from another thread or from within `poll`.

    Args:
        poll: receives new requests, for example from a socket, and calls the methods. It is called with 0 between two
            minibatches and must return at once; it is called with None while the run is paused and may block. Without
            `poll`, a paused run waits for another thread.
    """

    def __init__(self, poll: Callable[[float | None], None] | None = None) -> None:
        self._poll = poll
        self._changed = threading.Condition()
        self._settings: deque[tuple[SettingName, float | None]] = deque()
        self._step: Unit | None = None
        self.paused = False
        self.stopping = False

    @property
    def stepping(self) -> Unit | None:
        """The unit of the current step of the run; None between steps."""
        return self._step

    def pause(self) -> None:
        """Pause before the next minibatch."""
        self._update(paused=True, step=None)

    def resume(self) -> None:
        """Resume the run."""
        self._update(paused=False, step=None)

    def step(self, unit: Unit) -> None:
        """Run to the end of the next minibatch, epoch or prediction period, then pause."""
        self._update(paused=False, step=unit)

    def stop(self) -> None:
        """Stop before the next minibatch."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()

    def set(self, name: SettingName, value: float | None) -> None:
        """Change a setting from the next minibatch on.

        Raises:
            ConfigError: the value is not allowed.
        """
        TrainConfig.make(**{name: value})
        with self._changed:
            self._settings.append((name, value))
            self._changed.notify_all()

    # called by `train`

    def poll(self) -> None:
        """Receive new requests without waiting."""
        if self._poll is not None:
            self._poll(0)

    def wait(self) -> None:
        """Wait for a new request."""
        if self._poll is not None:
            self._poll(None)
            return
        with self._changed:
            self._changed.wait_for(lambda: not self.paused or self.stopping or bool(self._settings))

    def take_setting(self) -> tuple[SettingName, float | None] | None:
        """Remove and return the oldest change of a setting that has not been applied; None if there is none."""
        return self._settings.popleft() if self._settings else None

    def finished(self, unit: Unit) -> None:
        """Pause if the requested step ends with this `unit`."""
        if self._step == unit:
            self.pause()

    def _update(self, *, paused: bool, step: Unit | None) -> None:
        with self._changed:
            self.paused, self._step = paused, step
            self._changed.notify_all()
