"""Push the points of live runs to the browsers that watch them.

A `Picture` is what viewers see of one or several runs. One thread for each picture waits for news, encodes each point
once for each language, and hands the same bytes to all viewers. What else a page shows (buttons, texts, notes) the page
draws itself; the event ``page`` asks for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.page import session
from rnnlab.view.page.plot import Position, position_text
from rnnlab.view.watch import curve, progress, tables
from rnnlab.view.watch.scenes import Scene, feed

BEAT = 2.0
"""Seconds between two signs of life; without any, a browser considers the events held back on their way."""
QUEUE = 64
"""Number of messages that may wait for a viewer; a viewer that reads more slowly is dropped."""
SPREAD = 0.03
"""Seconds for each viewer of a run within which their pages are drawn again, so that points are not kept waiting."""
FEW = 10
"""Number of viewers of a run whose pages are drawn again at once."""
REST = 10
"""Minimum pause between two points of several runs, as a multiple of the time to encode a point."""
MAX_VIEWERS = 4000
"""Connections of all visitors together."""
MAX_PER_VISITOR = 12
"""Connections of one visitor: charts on several visible tabs."""

PARTS = frozenset({"gradients"})
"""The charts that may be drawn besides a picture's own."""


class Edition(NamedTuple):
    """The form in which a viewer gets the points of a picture.

    Attributes:
        lang: language of the texts.
        parts: names of the charts that are drawn besides the picture's own, e.g. ``gradients``.
    """

    lang: str
    parts: tuple[str, ...] = ()


class Picture(Protocol):
    """A view of one or several runs that is pushed to browsers."""

    @property
    def key(self) -> Hashable:
        """The key of the channel; viewers with equal keys share it."""

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of the runs to wait for."""

    @property
    def width(self) -> int:
        """Number of runs of a position."""

    @property
    def pace(self) -> float:
        """Seconds between two points at least; 0 where each event is a point."""

    def look(self) -> Look:
        """Read the current state.

        Raises:
            RunError: a run does not exist.
        """


class Look(Protocol):
    """The state of a picture at one moment."""

    @property
    def position(self) -> Position:
        """How far each run has come, in epochs."""

    @property
    def phase(self) -> str:
        """The part of the state that the page draws itself: when it changes, the page is drawn again."""

    @property
    def live(self) -> bool:
        """Whether any of the runs is live."""

    def point(self, edition: Edition, after: Position) -> Mapping[str, Any]:
        """Return the changes of the tables since the position `after`.

        ``add`` has rows by table, ``put`` whole tables, ``drop`` the places along the axis whose rows are replaced,
        ``figures``, ``notes`` and ``board`` the texts around the chart; see `rnnlab/view/page/assets/plot.js`.
        """


@dataclass(frozen=True)
class RunPicture:
    """The curve of one run with its figures and, on request, its gradients."""

    run_id: str
    width = 1
    pace = 0.0

    @property
    def key(self) -> Hashable:
        """The id of the run."""
        return self.run_id

    @property
    def runs(self) -> tuple[str, ...]:
        """The id of the run."""
        return (self.run_id,)

    def look(self) -> _RunLook:
        """Read the current state.

        Raises:
            RunError: the run does not exist.
        """
        return _RunLook(session.store().run(self.run_id))


class _RunLook:
    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._scenes: dict[str, Scene] = {}
        scene = self._scene("en")
        self.position: Position = (scene.history.position,)
        self.phase, self.live = scene.phase, record.live

    def _scene(self, lang: str) -> Scene:
        # the theme does not matter, as the browser chooses the colours
        if lang not in self._scenes:
            self._scenes[lang] = feed(self._record.id).scene(self._record, lang, "light")
        return self._scenes[lang]

    def point(self, edition: Edition, after: Position) -> Mapping[str, Any]:
        scene = self._scene(edition.lang)
        added = tables.curve_points(scene.history, scene.vocab_size, after[0])
        put = tables.newest_points(scene.history, scene.vocab_size, scene.lang, scene.around, after[0])
        message: dict[str, Any] = {
            "put": put,
            "figures": progress.figures(scene),
        }
        if "gradients" in edition.parts:
            added |= tables.gradient_points(scene.history, scene.lang, after[0])
            message["notes"] = {"clipping": curve.clipping(scene)}
        return {"add": {name: table for name, table in added.items() if table["epoch"]}, **message}


@dataclass(eq=False)
class Viewer:
    """A connection that follows a picture.

    Attributes:
        picture: what it follows.
        edition: the form in which it gets the points.
        visitor: the person or browser that opened the connection, for the limit.
        after: position up to which the browser has drawn the runs.
        messages: encoded events to send; None ends the connection.
    """

    picture: Picture
    edition: Edition
    visitor: str
    after: Position
    messages: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def put(self, message: bytes | None) -> None:
        """Add a message; a viewer whose queue is full is dropped instead."""
        try:
            self.messages.put_nowait(message)
        except asyncio.QueueFull:
            while not self.messages.empty():
                self.messages.get_nowait()
            self.messages.put_nowait(None)


def encode(event: str, data: str = "", position: Position | None = None) -> bytes:
    """Return a server-sent event; `position` is what a browser that reconnects names as its last."""
    head = "" if position is None else f"id: {position_text(position)}\n"
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


def _point(look: Look, edition: Edition, after: Position) -> bytes:
    text = json.dumps(look.point(edition, after), ensure_ascii=False, separators=(",", ":"))
    return encode("point", text, look.position)


class _Channel:
    """The viewers of a picture, and the state that was sent last."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.viewers: set[Viewer] = set()
        self.look = picture.look()
        self.news = threading.Event()
        self.over = threading.Event()

    def wait(self, run_id: str) -> None:
        """Wait for the changes of a run until the channel is over."""
        client, version = session.connection(), -1
        try:
            while not self.over.is_set():
                version = client.wait(run_id, version, timeout=BEAT)
                self.news.set()
        except RNNLabError:
            self.over.set()  # the run was deleted, or there is no supervisor: the page finds out when it looks
            self.news.set()


class Hub:
    """The viewers of all live runs.

    Args:
        loop: the event loop of the server, in which the viewers are served.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._channels: dict[Hashable, _Channel] = {}
        self._visitors: Counter[str] = Counter()
        self._closed = False

    def join(self, viewer: Viewer) -> None:
        """Add a viewer. It is sent at once what its browser lacks. Call this in a thread: it reads the store.

        Raises:
            RunError: ``viewers``: this visitor, or all together, have too many connections, or the server stops; or
                there is no such run.
        """
        key = viewer.picture.key
        with self._lock:
            if (
                self._closed
                or self._visitors.total() >= MAX_VIEWERS
                or self._visitors[viewer.visitor] >= MAX_PER_VISITOR
            ):
                raise RunError("viewers", "There are too many connections.")
            channel = self._channels.get(key)
            begins = channel is None
            if channel is None:
                channel = self._channels[key] = _Channel(viewer.picture)
            look = channel.look
            messages = [encode("ready")]
            if sum(look.position) > sum(viewer.after):
                messages.append(_point(look, viewer.edition, viewer.after))
            messages.append(encode("page", look.phase))  # the browser ignores it if it has drawn this one
            channel.viewers.add(viewer)
            self._visitors[viewer.visitor] += 1
            self._send([viewer], *messages)
        if begins:
            threading.Thread(target=self._follow, args=(channel,), name=f"watch {key}", daemon=True).start()

    def leave(self, viewer: Viewer) -> None:
        """Remove a viewer."""
        with self._lock:
            channel = self._channels.get(viewer.picture.key)
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
                channel.over.set()
                channel.news.set()
                self._send(channel.viewers, None)

    def _follow(self, channel: _Channel) -> None:
        """Send changes of a picture until its runs have ended or the last viewer has left."""
        beat = time.monotonic()
        for run_id in channel.picture.runs:
            threading.Thread(target=channel.wait, args=(run_id,), name=f"wait {run_id}", daemon=True).start()
        try:
            while not channel.over.is_set():
                channel.news.wait(BEAT)
                channel.news.clear()
                began = time.monotonic()
                with self._lock:
                    if not channel.viewers:
                        break
                    self._publish(channel)
                    if not channel.look.live:
                        break
                    if time.monotonic() - beat >= BEAT:
                        beat = time.monotonic()
                        self._send(channel.viewers, encode("ready"))
                if channel.picture.pace:  # a point of long curves takes time, which others need
                    channel.over.wait(max(channel.picture.pace, REST * (time.monotonic() - began)))
        except RNNLabError:
            pass  # a run was deleted: the page finds out when it looks for itself
        finally:
            with self._lock:
                channel.over.set()
                self._send(channel.viewers, encode("page"), encode("end"), None)
                self._channels.pop(channel.picture.key, None)

    def _publish(self, channel: _Channel) -> None:
        before, channel.look = channel.look, channel.picture.look()
        look = channel.look
        if look.position != before.position:
            for edition in {viewer.edition for viewer in channel.viewers}:
                message = _point(look, edition, before.position)
                self._send([viewer for viewer in channel.viewers if viewer.edition == edition], message)
        if look.phase != before.phase:
            viewers = len(channel.viewers)
            spread = SPREAD * viewers if viewers > FEW else 0.0
            self._send(channel.viewers, encode("spread", f"{spread:.1f}"), encode("page", look.phase))

    def _send(self, viewers: Iterable[Viewer], *messages: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(_put_all, list(viewers), messages)


def _put_all(viewers: Sequence[Viewer], messages: Sequence[bytes | None]) -> None:
    for viewer in viewers:
        for message in messages:
            viewer.put(message)
