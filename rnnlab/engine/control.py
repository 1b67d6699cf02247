"""What acts on a run between two minibatches: learning rate, clipping, pause, step, stop. No torch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from rnnlab.config import TrainConfig

Unit = Literal["minibatch", "epoch", "period"]
SettingName = Literal["learning_rate", "clip_norm"]


class Control:
    """The wishes of whoever steers a run; `train` asks for them between two minibatches.

    The methods may be called from another thread, or from within `poll`.

    Args:
        poll: reads new wishes from elsewhere (a socket, say) and calls the methods. Called with 0 between two
            minibatches, when it must return at once, and with None while the run is paused, when it may wait. Without
            it, a paused run waits for another thread.
    """

    def __init__(self, poll: Callable[[float | None], None] | None = None) -> None:
        self._poll = poll
        self._changed = threading.Condition()
        self._settings: deque[tuple[SettingName, float | None]] = deque()
        self._step: Unit | None = None
        self.paused = False
        self.stopping = False

    def pause(self) -> None:
        """Wait before the next minibatch."""
        self._update(paused=True, step=None)

    def resume(self) -> None:
        """Go on."""
        self._update(paused=False, step=None)

    def step(self, unit: Unit) -> None:
        """Go on to the end of the next minibatch, epoch or prediction period, then pause."""
        self._update(paused=False, step=unit)

    def stop(self) -> None:
        """End before the next minibatch."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()

    def set(self, name: SettingName, value: float | None) -> None:
        """Change a setting from the next minibatch on.

        Raises:
            ConfigError: a value outside what is allowed.
        """
        TrainConfig.make(**{name: value})
        with self._changed:
            self._settings.append((name, value))
            self._changed.notify_all()

    # what `train` asks

    def poll(self) -> None:
        """Read new wishes, without waiting."""
        if self._poll is not None:
            self._poll(0)

    def wait(self) -> None:
        """Wait for a new wish."""
        if self._poll is not None:
            self._poll(None)
            return
        with self._changed:
            self._changed.wait_for(lambda: not self.paused or self.stopping or bool(self._settings))

    def take_setting(self) -> tuple[SettingName, float | None] | None:
        """Return the oldest changed setting that is not in force yet."""
        return self._settings.popleft() if self._settings else None

    def finished(self, unit: Unit) -> None:
        """Hear that a `unit` is done: if that was the step wished for, pause."""
        if self._step == unit:
            self.pause()

    def _update(self, *, paused: bool, step: Unit | None) -> None:
        with self._changed:
            self.paused, self._step = paused, step
            self._changed.notify_all()
