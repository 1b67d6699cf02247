"""The JavaScript of the chart component, served under an address that changes with its content.

Vega itself is the copy that Streamlit ships for its own charts, so that a browser loads and compiles it once. The
header of each page names these scripts, so that a browser loads them beside the others. Otherwise it would learn of
them one after another, when the first chart arrives: on a phone that is 2.5 s later.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rnnlab.view.page import plot

FOREVER = "public, max-age=31536000, immutable"

_SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"
_LOADER = "loadVegaEmbed.*.js"
_IMPORT = re.compile(r"import\(`\./(embed\.[\w-]+\.js)`\)\.then\(e=>e\.(\w+)\)")
_WITHOUT_CHARTS = ("runs", "room")
"""Pages that have no chart when they open; the scripts would only delay their first paint."""
_IMPORTED = re.compile(r'\b(?:from|import)"\./([\w.-]+\.js)"')


@cache
def vega() -> tuple[str, str] | None:
    """Return the file name of Streamlit's Vega-Embed, and the name under which the file exports it; None if unknown."""
    for path in _SCRIPTS.glob(_LOADER):
        if found := _IMPORT.search(path.read_text(encoding="utf-8")):
            return found[1], found[2]
    return None


@cache
def module() -> bytes | None:
    """Return the module of the chart component; None if this version of Streamlit has no Vega that we know."""
    found = vega()
    if found is None:
        return None
    file, export = found
    source = (plot.ASSETS / "plot.js").read_text(encoding="utf-8")
    line = f'import {{ {export} as bundle }} from "../static/js/{file}";\nconst embed = bundle.default;'
    return re.sub(r"^import \{ embed \}.*$", lambda _: line, source, count=1, flags=re.M).encode("utf-8")


def path() -> str | None:
    """Return the path of the module below the address of the server; None if there is none."""
    source = module()
    return None if source is None else f"lab/plot-{hashlib.sha256(source).hexdigest()[:16]}.js"


@cache
def preloads() -> str:
    """Return the ``Link`` header with the module and all that it imports; "" if there is no module.

    The scripts are only loaded, at a low priority. With ``modulepreload`` they would also be compiled before they are
    needed, and the heading of the page would come 0.1 s later.
    """
    found, own = vega(), path()
    if found is None or own is None:
        return ""
    names: list[str] = []
    wanted = [found[0]]
    while wanted:
        name = wanted.pop()
        if name not in names and (_SCRIPTS / name).is_file():
            names.append(name)
            wanted += _IMPORTED.findall((_SCRIPTS / name).read_text(encoding="utf-8"))
    files = (own, *(f"static/js/{name}" for name in names))
    return ", ".join(f"<./{file}>; rel=preload; as=script; crossorigin; fetchpriority=low" for file in files)


class Preloads:
    """Middleware that names the scripts of the charts in the header of each page that has one.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        page = scope.get("path", "").rstrip("/").rpartition("/")[2]
        if scope["type"] != "http" or scope["path"].startswith("/lab/") or page in _WITHOUT_CHARTS:
            await self._app(scope, receive, send)
            return

        async def respond(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html") and preloads():
                    headers.append("link", preloads())
            await send(message)

        await self._app(scope, receive, respond)


async def answer(request: Request) -> Response:
    """Answer a request for the module."""
    source = module()
    if source is None or request.url.path.rpartition("/")[2] != (path() or "").rpartition("/")[2]:
        return Response("not found", 404, media_type="text/plain")
    return Response(source, media_type="text/javascript", headers={"Cache-Control": FOREVER})
