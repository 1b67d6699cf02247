"""Check the messages on the web socket of a page; an invalid message closes the connection.

Streamlit ends it too, but leaves a traceback in the log each time, so that anybody could fill the disk of the server.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

_NOT_BINARY, _NOT_A_MESSAGE = 1003, 1002


class Frames:
    """Middleware that closes a web socket when an invalid message arrives.

    Args:
        app: the app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        closed = False

        async def checked() -> Message:
            nonlocal closed
            message = await receive()
            code = _objection(message)
            if code is None:
                return message
            closed = True
            await send({"type": "websocket.close", "code": code})
            return {"type": "websocket.disconnect", "code": code}

        async def unless_closed(message: Message) -> None:
            if not closed:
                await send(message)

        await self._app(scope, checked, unless_closed)


def _objection(message: Message) -> int | None:
    """Return the code with which to close the web socket on which `message` arrived, or None if it is one."""
    if message["type"] != "websocket.receive":
        return None
    data = message.get("bytes")
    if data is None:
        return _NOT_BINARY
    try:
        BackMsg.FromString(data)
    except Exception:  # whatever the parser raises, it is no message
        return _NOT_A_MESSAGE
    return None
