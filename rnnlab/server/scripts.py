"""The JavaScript of the chart component, served under an address that changes with its content.

Vega itself is the copy that Streamlit ships for its own charts, so that a browser loads and compiles it once.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import Response

from rnnlab.view.page import plot

FOREVER = "public, max-age=31536000, immutable"

_SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"
_LOADER = "loadVegaEmbed.*.js"
_IMPORT = re.compile(r"import\(`\./(embed\.[\w-]+\.js)`\)\.then\(e=>e\.(\w+)\)")


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


async def answer(request: Request) -> Response:
    """Answer a request for the module."""
    source = module()
    if source is None or request.url.path.rpartition("/")[2] != (path() or "").rpartition("/")[2]:
        return Response("not found", 404, media_type="text/plain")
    return Response(source, media_type="text/javascript", headers={"Cache-Control": FOREVER})
