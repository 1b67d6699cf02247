"""What the server of the pages answers besides Streamlit's own addresses, and what it does when it starts and stops."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

import click
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from rnnlab.environment import Environment
from rnnlab.server import health, live, scripts, sign_in, spelling
from rnnlab.server.compression import Compression
from rnnlab.server.frames import Frames
from rnnlab.server.identity import Identity
from rnnlab.server.uploads import Uploads
from rnnlab.view.page import asking, plot, session, visitor
from rnnlab.view.page.visitor import Keys
from rnnlab.view.watch.stream import Hub

secrets_singleton.load_if_toml_exists()  # what stands there at the top level becomes environment variables
ENVIRONMENT = Environment.from_environ()
ROUTES = [
    Route("/lab/live/{run}", live.run),
    Route("/lab/compared/{pins}", live.compared),
    Route("/lab/wall/{code}", live.wall),
    Route("/lab/{name}.js", scripts.answer),
    Route("/lab/teacher", sign_in.teacher, methods=["GET", "POST"]),
    Route("/lab/device/{code}", sign_in.device, methods=["GET", "POST"]),
    Route("/healthz", health.healthz),
    Route("/metrics", health.metrics),
    Route(spelling.PATH, spelling.answer),
]
MIDDLEWARE = [
    Middleware(Identity, environment=ENVIRONMENT),
    Middleware(Frames),
    Middleware(Uploads),
    Middleware(Compression),
    Middleware(scripts.Preloads),
]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Serve the routes: the hub of the live runs exists while the server runs."""
    loop = asyncio.get_running_loop()
    hub = Hub(loop)
    live.hubs.append(hub)
    await asyncio.to_thread(_open_doors)
    path = scripts.path()
    if path is not None:
        plot.serve(path)
    try:
        with _before_stopping(lambda: loop.call_soon_threadsafe(hub.close)):
            yield {}
    finally:
        live.hubs.remove(hub)
        hub.close()
        await asyncio.to_thread(_close_doors)


def _open_doors() -> None:
    """Read or make the keys of the home, and print the teacher's key."""
    keys = Keys(ENVIRONMENT)
    visitor.serve(keys)
    if not visitor.is_alone(ENVIRONMENT, {}) and not ENVIRONMENT.teacher_key:
        base = config.get_option("server.baseUrlPath").strip("/")
        address = f"http://localhost:{config.get_option('server.port')}/{f'{base}/' if base else ''}lab/teacher"
        click.echo(f"  Teacher's key: {keys.teacher_key}   (enter it at {address})", err=True)


def _close_doors() -> None:
    """End the questions of pages: otherwise Python waits for their answers before the process ends."""
    asking.close()
    session.connection().close()


@contextmanager
def _before_stopping(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` when a signal stops the server, which then waits until all connections have ended."""
    if threading.current_thread() is not threading.main_thread():  # it is stopped in another way
        yield
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    kept = {int(number): handler for number, handler in found.items() if callable(handler)}

    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        act()
        # after SIGTERM the runs resume at the next start; the server may raise the signal again
        if number == signal.SIGTERM and not told:
            session.connection().end_supervisor()
        told.append(number)
        kept[number](number, frame)

    for number in kept:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
