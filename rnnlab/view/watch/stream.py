"""Push the points of live runs to the browsers that watch them.

One thread for each watched run waits for news, encodes each point once for each language, and hands the same bytes to
all viewers. A point is the rows that a chart adds (`tables.curve_points`) and the figures above it. What else a page
shows (buttons, texts, notes) the page draws itself; the event ``page`` asks for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.page import session
from rnnlab.view.watch import progress, tables
from rnnlab.view.watch.scenes import Scene, feed

BEAT = 2.0
"""Seconds between two signs of life; without any, a browser considers the events held back on their way."""
QUEUE = 64
"""Number of messages that may wait for a viewer; a viewer that reads more slowly is dropped."""
SPREAD = 0.03
"""Seconds for each viewer of a run within which their pages are drawn again, so that points are not kept waiting."""
FEW = 10
"""Number of viewers of a run whose pages are drawn again at once."""
MAX_VIEWERS = 4000
"""Connections of all visitors together."""
MAX_PER_VISITOR = 12
"""Connections of one visitor: charts on several visible tabs."""


@dataclass(eq=False)
class Viewer:
    """A connection that follows a run.

    Attributes:
        run_id: the run.
        lang: language of the figures.
        visitor: the person or browser that opened the connection, for the limit.
        after: position up to which the browser has drawn the run.
        messages: encoded events to send; None ends the connection.
    """

    run_id: str
    lang: str
    visitor: str
    after: float = 0.0
    messages: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def put(self, message: bytes | None) -> None:
        """Add a message; a viewer whose queue is full is dropped instead."""
        try:
            self.messages.put_nowait(message)
        except asyncio.QueueFull:
            while not self.messages.empty():
                self.messages.get_nowait()
            self.messages.put_nowait(None)


def encode(event: str, data: str = "", position: float | None = None) -> bytes:
    """Return a server-sent event; `position` is what a browser that reconnects names as its last."""
    head = "" if position is None else f"id: {position!r}\n"
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


def point(scene: Scene, after: float) -> bytes:
    """Return the event ``point``: what a chart lacks that shows the run up to the position `after`."""
    added = tables.curve_points(scene.history, scene.vocab_size, after)
    message = {
        "add": {name: table for name, table in added.items() if table["epoch"]},
        "put": tables.newest_points(scene.history, scene.vocab_size, scene.lang),
        "figures": progress.figures(scene),
    }
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return encode("point", text, scene.history.position)


class _Channel:
    """The viewers of a run, and what was sent to them last."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.viewers: set[Viewer] = set()
        self.position = 0.0
        self.phase = ""
        self.live = True
        self._scenes: dict[str, Scene] = {}
        self._record: RunRecord | None = None

    def look(self) -> None:
        """Read the current state of the run.

        Raises:
            RunError: it does not exist.
        """
        self._record = session.store().run(self.run_id)
        self._scenes.clear()
        scene = self.scene("en")
        self.position, self.phase, self.live = scene.history.position, scene.phase, self._record.live

    def scene(self, lang: str) -> Scene:
        """Return the state of the run in a language; its theme is left to the browser."""
        assert self._record is not None
        if lang not in self._scenes:
            self._scenes[lang] = feed(self.run_id).scene(self._record, lang, "light")
        return self._scenes[lang]


class Hub:
    """The viewers of all live runs.

    Args:
        loop: the event loop of the server, in which the viewers are served.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._channels: dict[str, _Channel] = {}
        self._visitors: Counter[str] = Counter()
        self._closed = False

    def join(self, viewer: Viewer) -> None:
        """Add a viewer. It is sent at once what its browser lacks. Call this in a thread: it reads the store.

        Raises:
            RunError: ``viewers``: this visitor, or all together, have too many connections, or the server stops; or
                there is no such run.
        """
        with self._lock:
            if (
                self._closed
                or self._visitors.total() >= MAX_VIEWERS
                or self._visitors[viewer.visitor] >= MAX_PER_VISITOR
            ):
                raise RunError("viewers", "There are too many connections.")
            channel = self._channels.get(viewer.run_id)
            begins = channel is None
            if channel is None:
                channel = _Channel(viewer.run_id)
                channel.look()
                self._channels[viewer.run_id] = channel
            messages = [encode("ready")]
            if channel.position > viewer.after:
                messages.append(point(channel.scene(viewer.lang), viewer.after))
            messages.append(encode("page", channel.phase))  # the browser ignores it if it has drawn this one
            channel.viewers.add(viewer)
            self._visitors[viewer.visitor] += 1
            self._send([viewer], *messages)
        if begins:
            threading.Thread(target=self._follow, args=(channel,), name=f"watch {viewer.run_id}", daemon=True).start()

    def leave(self, viewer: Viewer) -> None:
        """Remove a viewer."""
        with self._lock:
            channel = self._channels.get(viewer.run_id)
            if channel is not None:
                channel.viewers.discard(viewer)
            self._visitors[viewer.visitor] -= 1
            if not self._visitors[viewer.visitor]:
                del self._visitors[viewer.visitor]

    @property
    def num_viewers(self) -> int:
        """Number of connections."""
        with self._lock:
            return self._visitors.total()

    def close(self) -> None:
        """End all connections, when the server stops."""
        with self._lock:
            self._closed = True
            for channel in self._channels.values():
                self._send(channel.viewers, None)

    def _follow(self, channel: _Channel) -> None:
        """Send the news of a run until it has ended or nobody watches it."""
        client, version, beat = session.client(), -1, time.monotonic()
        try:
            while not self._closed:
                version = client.wait(channel.run_id, version, timeout=BEAT)
                with self._lock:
                    if not channel.viewers:
                        break
                    self._publish(channel)
                    if not channel.live:
                        break
                    if time.monotonic() - beat >= BEAT:
                        beat = time.monotonic()
                        self._send(channel.viewers, encode("ready"))
        except RNNLabError:
            pass  # the run was deleted, or there is no supervisor: the page finds out when it looks for itself
        finally:
            with self._lock:
                self._send(channel.viewers, encode("page"), encode("end"), None)
                self._channels.pop(channel.run_id, None)

    def _publish(self, channel: _Channel) -> None:
        position, drawn = channel.position, channel.phase
        channel.look()
        if channel.position != position:
            points = {lang: point(channel.scene(lang), position) for lang in {v.lang for v in channel.viewers}}
            for lang, message in points.items():
                self._send([viewer for viewer in channel.viewers if viewer.lang == lang], message)
        if channel.phase != drawn:
            viewers = len(channel.viewers)
            spread = SPREAD * viewers if viewers > FEW else 0.0
            self._send(channel.viewers, encode("spread", f"{spread:.1f}"), encode("page", channel.phase))

    def _send(self, viewers: Iterable[Viewer], *messages: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(_put_all, list(viewers), messages)


def _put_all(viewers: Sequence[Viewer], messages: Sequence[bytes | None]) -> None:
    for viewer in viewers:
        for message in messages:
            viewer.put(message)
