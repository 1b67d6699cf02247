"""The addresses of the events of live runs, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from streamlit.web.server.server_util import is_url_from_allowed_origins
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from rnnlab.errors import RNNLabError, RunError
from rnnlab.view.compare.pushed import Comparison
from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.page import plot, visitor
from rnnlab.view.room.pushed import Wall
from rnnlab.view.watch.stream import PARTS, Edition, Hub, Picture, RunPicture, Viewer

hubs: list[Hub] = []
"""The hub of this process, while the server runs."""

PATIENCE = 10.0
"""Seconds that a viewer may take to accept a message; then it is dropped."""
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect the events
]


class Events(Response):
    """A response that sends a viewer its messages until either side ends the connection."""

    def __init__(self, hub: Hub, viewer: Viewer) -> None:
        self.status_code = 200
        self.background = None
        self._hub, self._viewer = hub, viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the messages of the viewer as they come."""
        gone = asyncio.create_task(self._until_gone(receive))
        try:
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (message := await self._viewer.messages.get()) is not None:
                async with asyncio.timeout(PATIENCE):
                    await send({"type": "http.response.body", "body": message, "more_body": True})
            async with asyncio.timeout(PATIENCE):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass  # it reads too slowly
        finally:
            gone.cancel()
            self._hub.leave(self._viewer)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._viewer.put(None)


async def run(request: Request) -> Response:
    """Answer a request for the events of a run."""
    return await _answer(request, lambda: RunPicture(request.path_params["run"]))


async def compared(request: Request) -> Response:
    """Answer a request for the events of compared runs."""
    return await _answer(request, lambda: Comparison.read(request.path_params["pins"], request.query_params))


async def wall(request: Request) -> Response:
    """Answer a request for the events of a room."""
    return await _answer(request, lambda: Wall.of(request.path_params["code"]))


async def _answer(request: Request, picture: Callable[[], Picture]) -> Response:
    """Answer a request for the events of `picture`, under the rules that Streamlit has for its pages."""
    origin = request.headers.get("origin")
    if not is_host_allowed(request.headers.get("host")) or (origin and not is_url_from_allowed_origins(origin)):
        return PlainTextResponse("forbidden", 403)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return PlainTextResponse("forbidden", 403)
    query = request.query_params
    lang, parts = query.get("lang", "en"), tuple(filter(None, query.get("with", "").split(",")))
    try:
        after = plot.read_position(request.headers.get("last-event-id") or query.get("after") or "0")
        wanted = await asyncio.to_thread(picture)
    except (ValueError, RNNLabError):
        return PlainTextResponse("bad request", 400)
    if lang not in LANGUAGES or not set(parts) <= PARTS or len(after) != wanted.width:
        return PlainTextResponse("bad request", 400)
    if not hubs:
        return PlainTextResponse("starting", 503)
    hub, viewer = hubs[0], Viewer(wanted, Edition(lang, parts), _visitor(request), after)
    try:
        await asyncio.to_thread(hub.join, viewer)
    except RunError as error:
        return PlainTextResponse(error.code, 429 if error.code == "viewers" else 404)
    return Events(hub, viewer)


def _visitor(request: Request) -> str:
    # the identity of the browser, otherwise the address
    keys = visitor.keys()
    return (keys.identity(request.cookies) if keys else "") or (request.client.host if request.client else "")
