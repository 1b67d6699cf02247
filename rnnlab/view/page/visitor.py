"""The visitor of a page: an identity from a cookie, and a role.

The server of the pages sets the cookie (`rnnlab.server.identity`). It holds a random token with a signature, so that
identities cannot be made up; everything that is stored has only the hash of the token.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from streamlit import config

from rnnlab.environment import Environment
from rnnlab.runs.protocol import Asker

COOKIE = "rnnlab"
"""Name of the cookie with the identity of a visitor."""
TEACHER_COOKIE = "rnnlab_teacher"
"""Name of the cookie of a visitor who entered the teacher's key."""
TEACHER_DAYS = 30
"""Days for which the teacher's key need not be entered again."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via")
"""Headers with which a proxy passes on a request."""

Role = Literal["alone", "teacher", "visitor"]


@dataclass(frozen=True)
class Visitor:
    """The visitor of a page.

    Attributes:
        id: the hash of the identity; "" without one: such a visitor can only watch.
        role: "alone" is the owner of the machine, to whom everything belongs.
    """

    id: str
    role: Role

    @property
    def may_all(self) -> bool:
        """Whether the visitor may steer and read everything."""
        return self.role != "visitor"

    @property
    def asker(self) -> Asker | None:
        """The visitor as sent to the supervisor with each command."""
        return None if self.role == "alone" else Asker(id=self.id, teacher=self.role == "teacher")

    def owns(self, owner: str) -> bool:
        """Return whether the visitor may control the runs of `owner`."""
        return self.may_all or bool(self.id and self.id == owner)


class Keys:
    """The keys of a home: the secret that signs the cookies, and the teacher's key.

    Args:
        environment: the home, and the teacher's key if one is set. Otherwise one is made and kept in the home.
    """

    def __init__(self, environment: Environment) -> None:
        secret = _kept(environment.home / "secret")
        self.teacher_key = environment.teacher_key or _kept(environment.home / "teacher.key", short=True)
        self._tokens = TimestampSigner(secret, salt="rnnlab.visitor")
        self._teachers = URLSafeTimedSerializer(secret, salt=f"rnnlab.teacher.{_hash(self.teacher_key)}")

    def issue(self) -> str:
        """Return the cookie of a new visitor."""
        return self._tokens.sign(secrets.token_urlsafe(24)).decode()

    def identity(self, cookies: Mapping[str, str]) -> str:
        """Return the hash of the visitor's token; "" without a valid one."""
        try:
            return _hash(self._tokens.unsign(cookies.get(COOKIE, "")).decode())
        except (BadData, UnicodeError):
            return ""

    def appoint(self, identity: str) -> str:
        """Return the cookie that makes a visitor a teacher, until the key changes or `TEACHER_DAYS` have passed."""
        return str(self._teachers.dumps(identity))

    def is_teacher(self, identity: str, cookies: Mapping[str, str]) -> bool:
        """Return whether the visitor has entered the teacher's key."""
        try:
            appointed = self._teachers.loads(cookies.get(TEACHER_COOKIE, ""), max_age=TEACHER_DAYS * 86400)
        except BadData:
            return False
        return bool(identity) and appointed == identity


class Handover:
    """Identities that are offered to another device for a few minutes."""

    SECONDS = 600.0
    MOST = 1000

    def __init__(self) -> None:
        self._offered: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def offer(self, cookie: str) -> str:
        """Return a code for the identity in a cookie."""
        code = secrets.token_urlsafe(18)
        self._offered[code] = (time.monotonic() + self.SECONDS, cookie)
        while len(self._offered) > self.MOST:
            self._offered.popitem(last=False)
        return code

    def cookie(self, code: str) -> str | None:
        """Return the cookie for a code; None if the code is unknown or has expired."""
        until, cookie = self._offered.get(code, (0.0, ""))
        return cookie if time.monotonic() < until else None


handover = Handover()


_keys: list[Keys] = []


def serve(keys: Keys) -> None:
    """Declare that this process serves visitors with these keys; called by the server when it starts."""
    _keys[:] = [keys]


def keys() -> Keys | None:
    """Return the keys with which this process serves visitors; None if it serves none, as in a test of a page."""
    return _keys[0] if _keys else None


def current(environment: Environment) -> Visitor:
    """Return the visitor of this session."""
    if not _keys:
        return Visitor("", "alone")
    identity = _keys[0].identity(st.context.cookies)
    if is_alone(environment, st.context.headers):
        return Visitor(identity, "alone")
    if _keys[0].is_teacher(identity, st.context.cookies) or _signed_in_as_teacher(environment):
        return Visitor(identity, "teacher")
    return Visitor(identity, "visitor")


def is_alone(environment: Environment, headers: Mapping[str, str]) -> bool:
    """Return whether a request comes from the only user of the server.

    A proxy on the same machine asks from loopback too, so the address alone is not enough.
    """
    if environment.profile:
        return environment.profile == "alone"
    if environment.teacher_key or config.get_option("server.address") not in LOOPBACK:
        return False
    return not any(name in headers for name in FORWARDED)


def _signed_in_as_teacher(environment: Environment) -> bool:
    if not environment.teachers or not st.user.get("is_logged_in"):
        return False
    return bool(st.user.get("email_verified", True)) and str(st.user.get("email", "")).lower() in environment.teachers


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def _kept(path: Path, short: bool = False) -> str:
    """Return the key in a file that only its owner can read; it is made if there is none.

    Where it cannot be kept, as on a full disk, a key is made that lasts until the server ends.
    """
    made = secrets.token_hex(4 if short else 32)
    new = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.write(made)
            with contextlib.suppress(FileExistsError):  # another server was faster
                os.link(new, path)
        return path.read_text(encoding="ascii").strip() or made
    except OSError:
        return made
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
