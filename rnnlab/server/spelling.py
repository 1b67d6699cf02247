"""Addresses of pages as people type them: in capitals, or with a slash at the end."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rnnlab.view.page.address import PAGES, page_named


class _Typed(Convertor[str]):
    """A part of a path that names a page, but is not spelled as its address is."""

    regex = rf"(?!(?:{'|'.join(PAGES)})$)(?i:{'|'.join(PAGES)})/?|home"  # home has no name in its address

    def convert(self, value: str) -> str:
        """Return the name of the page."""
        return page_named(value) or value

    def to_string(self, value: str) -> str:
        """Return the part of the path for the name of a page."""
        return value


register_url_convertor("page", _Typed())

PATH = "/{page:page}"
"""The path of such an address."""


async def answer(request: Request) -> Response:
    """Redirect to the address of the page, with its parameters."""
    page, path = request.path_params["page"], request.url.path
    up = "../" if path.endswith("/") else ""  # relative, as a proxy may serve the app in a folder
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{up}{'./' if page == 'home' else page}{query}", 307)
