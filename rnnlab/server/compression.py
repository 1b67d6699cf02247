"""The scripts and styles of Streamlit's front end, compressed: a first visit loads 2.2 MB instead of 5.0 MB.

Streamlit serves them as they are. Everyone in a class waits for them on the same wireless network. Each file is
compressed once, because its name changes with its content.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

LEVEL = 6
"""Of gzip: the highest level saves 0.3 % more."""
# no folders in the names, so that there is no other spelling of a file and what is kept is bounded
_FILE = re.compile(r"/static/(?:js|css)/[\w.-]+\.(?:js|css)")


@dataclass(frozen=True)
class _Answer:
    start: Message
    body: bytes


class Compression:
    """Middleware that sends the files of the front end compressed to browsers that accept it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answers: dict[str, _Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if not _is_compressible(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._answers:
            answer = await self._compressed(scope)
            if answer.start["status"] != 200:  # there is no such file
                await _send(answer, send)
                return
            self._answers[path] = answer
        await _send(self._answers[path], send)

    async def _compressed(self, scope: Scope) -> _Answer:
        """Return the app's answer, compressed if it is a file."""
        starts: list[Message] = []
        parts: list[bytes] = []
        requests: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            # the answer is for all visitors, so it must be whole although this one may have left; nothing ever comes
            return requests.pop() if requests else await asyncio.get_running_loop().create_future()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, collect)
        start, body = starts[0], b"".join(parts)
        if start["status"] == 200:
            body = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
            headers = MutableHeaders(scope=start)
            headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(body))
            headers.add_vary_header("accept-encoding")
            del headers["accept-ranges"]
            if "etag" in headers:  # the strong one belongs to the file as it is
                headers["etag"] = f"W/{headers['etag'].removeprefix('W/')}"
        return _Answer(start, body)


def _is_compressible(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = Headers(scope=scope)
    base = config.get_option("server.baseUrlPath").strip("/")
    return (
        _FILE.fullmatch(scope["path"].removeprefix(f"/{base}" if base else "")) is not None
        and "gzip" in headers.get("accept-encoding", "")
        # a part of a file, or only whether it has changed
        and not {"range", "if-none-match"} & set(headers.keys())
    )


async def _send(answer: _Answer, send: Send) -> None:
    await send({**answer.start, "headers": list(answer.start["headers"])})
    await send({"type": "http.response.body", "body": answer.body})
