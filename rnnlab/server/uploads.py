"""Bound what the server holds of uploaded files.

Streamlit keeps the files of a page in memory until the page is left, each up to `server.maxUploadSize`, and any number
of them: a visitor's program could fill the memory in seconds.
"""

from __future__ import annotations

import re
from collections import Counter

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from rnnlab.runs.limits import MEGABYTE, PAGE_UPLOADS_MB, UPLOADS_MB

_UPLOAD = re.compile(r"/_stcore/upload_file/(?P<page>[^/]+)/[^/]+$")
_RECORD = 2048
"""Bytes that an uploaded file takes besides its content."""

NO_LENGTH = """\
An upload has to state its size (Content-Length).
上传时必须注明大小（Content-Length）。
"""
TOO_MUCH = f"""\
A page holds up to {PAGE_UPLOADS_MB} MB of uploaded files, the server up to {UPLOADS_MB} MB. Remove a file or try later.
一个页面最多保存 {PAGE_UPLOADS_MB} MB 上传的文件，整个服务器最多 {UPLOADS_MB} MB。请移除一个文件，或稍后再试。
"""


class Uploads:
    """Middleware that refuses an upload for which there is no room, before it reads any of it.

    Args:
        app: the app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: Counter[str] = Counter()
        """Bytes that are on their way, by page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        page, length = found["page"], Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            await PlainTextResponse(NO_LENGTH, 411)(scope, receive, send)
            return
        size = int(length) + _RECORD
        held = _held()
        held.update(self._arriving)
        if held[page] + size > PAGE_UPLOADS_MB * MEGABYTE or held.total() + size > UPLOADS_MB * MEGABYTE:
            await PlainTextResponse(TOO_MUCH, 413, {"connection": "close"})(scope, receive, send)
            return
        self._arriving[page] += size
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            pass  # the visitor has left; a traceback in the log for each would let anybody fill the disk
        finally:
            self._arriving[page] -= size
            self._arriving += Counter()  # drops what is zero


def _held() -> Counter[str]:
    """Return the bytes of the files that Streamlit holds, by page."""
    manager = Runtime.instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return Counter()
    pages = list(manager.file_storage.items())  # a copy, as threads of pages remove theirs
    return Counter({page: sum(len(file.data) + _RECORD for file in list(files.values())) for page, files in pages})
