"""Middleware for all requests: the Host check, the identity cookie, and security headers."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from functools import cache
from http.cookies import CookieError, SimpleCookie

from limits import parse
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from rnnlab.environment import Environment
from rnnlab.runs.rates import Rates
from rnnlab.view.page import visitor

NEW_VISITORS = parse("300/minute")
"""Rate of new identities for a network address, which a whole class may share."""
DAYS = 400
"""Days for which a browser keeps an identity."""
_NO_PAGE = re.compile(r"/(?:_stcore|static|media|component|lab|healthz|metrics|favicon)\b")


class Identity:
    """Refuses unknown hosts, gives each browser an identity, and sets the security headers.

    Args:
        app: the application.
        environment: the names under which the server may be asked.
    """

    def __init__(self, app: ASGIApp, environment: Environment) -> None:
        self._app = app
        self._environment = environment
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_known(headers.get("host", ""), self._environment.hosts):
            if scope["type"] == "websocket":
                await WebSocketClose(1008)(scope, receive, send)
            else:
                await PlainTextResponse(UNKNOWN_HOST, 421)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        cookie = self._new_cookie(scope, headers)
        framed = "embed=true" in scope.get("query_string", b"").decode("latin-1")

        async def respond(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in security(framed).items():
                    answer.setdefault(name, value)
                if cookie:
                    answer.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, respond)

    def _new_cookie(self, scope: Scope, headers: Headers) -> str:
        """Return the ``Set-Cookie`` header with a new identity; "" if none is needed."""
        keys = visitor.keys()
        if keys is None or scope["method"] != "GET" or _NO_PAGE.match(scope["path"]):
            return ""
        if "text/html" not in headers.get("accept", "") or keys.identity(cookies(headers)):
            return ""
        address = (scope.get("client") or ("",))[0]
        if not self._rates.hit(NEW_VISITORS, "visitor", address):
            return ""
        return cookie_header(visitor.COOKIE, keys.issue(), DAYS, is_secure(scope, headers))


UNKNOWN_HOST = """\
RNN Lab is not known under this host name. Whoever runs the server can allow it: RNNLAB_HOSTS=name.example.org
RNN Lab 不认识这个主机名。运行服务器的人可以用 RNNLAB_HOSTS=name.example.org 允许它。
"""


def security(framed: bool) -> dict[str, str]:
    """Return the security headers of a page; with `framed`, other sites may embed it."""
    frames = {} if framed else {"content-security-policy": "frame-ancestors 'self'", "x-frame-options": "SAMEORIGIN"}
    return {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", **frames}


def is_known(host: str, allowed: Iterable[str]) -> bool:
    """Return whether a ``Host`` header is allowed.

    Any name can be made to point to any machine, so that a foreign page could read the answers as if they were its own;
    an IP address, the machine's own names and the names that are `allowed` cannot.
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]/@?#\s]+)(?::\d{1,5})?", host)
    if found is None:
        return False
    name = found[1].strip("[]").lower().rstrip(".")
    patterns = set(allowed)
    if "*" in patterns or name in patterns or name in _own_names() or name.endswith(".localhost"):
        return True
    if any(pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in patterns):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _own_names() -> frozenset[str]:
    own = socket.gethostname().lower()
    short = own.partition(".")[0]
    return frozenset({"localhost", own, short, f"{short}.local", f"{short}.lan", f"{short}.home"} - {""})


def cookies(headers: Headers) -> dict[str, str]:
    """Return the cookies of a request."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def cookie_header(name: str, value: str, days: int, secure: bool) -> str:
    """Return a ``Set-Cookie`` header."""
    parts = [f"{name}={value}", f"Max-Age={days * 86400}", "Path=/", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def is_secure(scope: Scope, headers: Headers) -> bool:
    """Return whether the browser uses https, directly or through a proxy."""
    return bool(scope.get("scheme") == "https" or headers.get("x-forwarded-proto", "").startswith("https"))
