"""A minimal OpenID Connect provider for tests: it signs in any address that is typed into its form."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "rnnlab-tests"
_FORM = """<!doctype html><title>Provider</title><form method="post" action="/authorize?{query}">
<label>Address <input name="email"></label>
<label><input type="checkbox" name="unverified"> not verified</label><button>Sign in</button></form>"""


class Provider(ThreadingHTTPServer):
    """The provider; its address is `url`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, parameters={"kid": "1"})
        self.claims: dict[str, dict[str, Any]] = {}

    def secrets(self, app: str) -> str:
        """Return the secrets of an app at the address `app`, which asks this provider."""
        return (
            f'[auth]\nredirect_uri = "{app}/oauth2callback"\ncookie_secret = "{"c" * 32}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "known to both"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        """Answer with the addresses of the provider, its key, or the form."""
        url, here = urlsplit(self.path), self.server.url
        if url.path == "/.well-known/openid-configuration":
            self._json(
                {
                    "issuer": here,
                    "authorization_endpoint": f"{here}/authorize",
                    "token_endpoint": f"{here}/token",
                    "jwks_uri": f"{here}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif url.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        else:
            self._answer(200, _FORM.format(query=escape(url.query)).encode(), "text/html")

    def do_POST(self) -> None:
        """Take the form, and send the visitor back with a code; or give the app the claims for a code."""
        url = urlsplit(self.path)
        sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            code = urlsafe_b64encode(str(time.monotonic_ns()).encode()).decode()
            now = int(time.time())
            self.server.claims[code] = {
                "iss": self.server.url,
                "aud": CLIENT,
                "sub": sent["email"][0],
                "iat": now,
                "exp": now + 600,
                "email": sent["email"][0],
                "email_verified": "unverified" not in sent,
                **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
            }
            back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            self.send_response(302)
            self.send_header("location", back)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        claims = self.server.claims.pop(sent["code"][0])
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.server.key)
        self._json({"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def _json(self, answer: dict[str, Any]) -> None:
        self._answer(200, json.dumps(answer).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider."""
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
