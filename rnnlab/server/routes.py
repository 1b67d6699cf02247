"""What the server of the pages answers besides Streamlit's own addresses, and what it does when it starts and stops."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import Route

from rnnlab.server import live, scripts, spelling
from rnnlab.server.frames import Frames
from rnnlab.view.page import plot
from rnnlab.view.watch.stream import Hub

ROUTES = [
    Route("/lab/live/{run}", live.answer),
    Route("/lab/{name}.js", scripts.answer),
    Route(spelling.PATH, spelling.answer),
]
MIDDLEWARE = [Middleware(Frames)]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Serve the routes: the hub of the live runs exists while the server runs."""
    loop = asyncio.get_running_loop()
    hub = Hub(loop)
    live.hubs.append(hub)
    path = scripts.path()
    if path is not None:
        plot.serve(path)
    try:
        with _before_stopping(lambda: loop.call_soon_threadsafe(hub.close)):
            yield {}
    finally:
        live.hubs.remove(hub)
        hub.close()


@contextmanager
def _before_stopping(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` when a signal stops the server, which then waits until all connections have ended."""
    if threading.current_thread() is not threading.main_thread():  # it is stopped in another way
        yield
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    kept = {int(number): handler for number, handler in found.items() if callable(handler)}

    def stop(number: int, frame: FrameType | None) -> None:
        act()
        kept[number](number, frame)

    for number in kept:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
