"""What the server of the pages answers besides Streamlit's own addresses, and what it does when it starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Route

from rnnlab.server import live, scripts, spelling
from rnnlab.view.page import plot
from rnnlab.view.watch.stream import Hub

ROUTES = [
    Route("/lab/live/{run}", live.answer),
    Route("/lab/{name}.js", scripts.answer),
    Route(spelling.PATH, spelling.answer),
]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Serve the routes: the hub of the live runs exists while the server runs."""
    hub = Hub(asyncio.get_running_loop())
    live.hubs.append(hub)
    path = scripts.path()
    if path is not None:
        plot.serve(path)
    try:
        yield {}
    finally:
        live.hubs.remove(hub)
        hub.close()
