"""Who asks the server: hosts, identities, the teacher's key, another device, frames, and what machines ask."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rnnlab.environment import Environment
from rnnlab.runs.client import Client
from rnnlab.server import identity
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.page import visitor
from rnnlab.view.page.visitor import COOKIE, TEACHER_COOKIE, Handover, Keys
from tests.browser.server import Server
from tests.made import PATIENCE

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("identity") / "home", profile="class")
    yield server
    server.stop()


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    """A browser that keeps cookies."""
    with requests.Session() as session:
        session.headers.update(HTML)
        yield session


def key(server: Server) -> str:
    return (server.home / "teacher.key").read_text()


def test_a_browser_gets_an_identity_with_its_first_page_and_keeps_it(server: Server, browser: requests.Session) -> None:
    answer = browser.get(f"{server.url}/train", timeout=PATIENCE)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # over http a browser would drop it
    found = Keys(Environment(server.home)).identity(browser.cookies.get_dict())
    assert len(found) == 32
    assert "rnnlab=" not in browser.get(server.url, timeout=PATIENCE).headers.get("set-cookie", "")
    proxied = requests.get(server.url, headers={**HTML, "X-Forwarded-Proto": "https"}, timeout=PATIENCE)
    assert "Secure" in proxied.headers["set-cookie"]
    # nothing but a page hands them out, and each is another
    for path in ("_stcore/health", "lab/nothing.js", "healthz"):
        assert COOKIE not in requests.get(f"{server.url}/{path}", headers=HTML, timeout=PATIENCE).cookies
    assert requests.get(server.url, headers=HTML, timeout=PATIENCE).cookies[COOKIE] != browser.cookies[COOKIE]


def test_an_identity_cannot_be_made_up(server: Server) -> None:
    keys = Keys(Environment(server.home))
    good = keys.issue()
    assert keys.identity({COOKIE: good})
    for bad in ("", "x", good[:-1], "a" + good, good.split(".")[0], "\u56f0" * 10):
        assert keys.identity({COOKIE: bad}) == ""
        if bad.isascii():  # the server gives such a browser a new one
            answer = requests.get(server.url, headers={**HTML, "Cookie": f"{COOKIE}={bad}"}, timeout=PATIENCE)
            assert keys.identity(answer.cookies.get_dict())


@pytest.mark.skipif(os.name == "nt", reason="modes of files")
def test_the_keys_are_for_the_owner_only(server: Server) -> None:
    for name in ("secret", "teacher.key"):
        assert stat.S_IMODE((server.home / name).stat().st_mode) == 0o600


def test_without_a_place_for_the_keys_identities_last_until_the_server_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    keys = Keys(Environment(tmp_path / "file" / "home"))
    assert keys.identity({COOKIE: keys.issue()})
    assert len(keys.teacher_key) == 8
    other = Keys(Environment(tmp_path / "file" / "home"))
    assert other.identity({COOKIE: keys.issue()}) == ""


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("198.51.100.20", True),
        ("localhost:8501", True),
        (f"{socket.gethostname()}:8501", True),
        ("rebound.example.org:8501", False),
        ("localhost.example.org", False),
        ("lab.school.example", True),
        ("x.pages.example", True),
        ("pages.example.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("evil.example/127.0.0.1", False),
        ("", False),
        ("127.0.0.1:port", False),
    ],
)
def test_hosts(host: str, known: bool) -> None:
    assert identity.is_known(host, ("lab.school.example", "*.pages.example")) is known


def test_an_unknown_host_is_refused_everywhere(server: Server) -> None:
    for path in ("", "train", "_stcore/health", "healthz", "lab/live/none"):
        answer = requests.get(f"{server.url}/{path}", headers={"Host": "rebound.example.org"}, timeout=PATIENCE)
        assert answer.status_code == 421
        assert "RNNLAB_HOSTS" in answer.text
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(
            b"GET /_stcore/stream HTTP/1.1\r\nHost: rebound.example.org\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 403 " in connection.recv(1000).split(b"\r\n", 1)[0]


def test_only_embedded_pages_may_be_framed(server: Server) -> None:
    for path in ("", "runs", "train", "lab/teacher", "runs?embedded=true"):
        headers = requests.get(f"{server.url}/{path}", headers=HTML, timeout=PATIENCE).headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["x-content-type-options"] == "nosniff"
    framed = requests.get(f"{server.url}/?embed=true", headers=HTML, timeout=PATIENCE).headers
    assert "content-security-policy" not in framed
    assert framed["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_key_makes_a_visitor_the_teacher(server: Server, browser: requests.Session, lang: str) -> None:
    page, keys = f"{server.url}/lab/teacher?lang={lang}", Keys(Environment(server.home))
    assert t("sign_in.teacher.title", lang) in browser.get(page, timeout=PATIENCE).text
    answer = browser.post(page, data={"key": key(server)}, allow_redirects=False, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["location"]) == (303, "../")
    cookies = browser.cookies.get_dict()
    found = keys.identity(cookies)
    assert keys.is_teacher(found, cookies)
    # the cookie is of no use to another visitor, nor with another key
    other = keys.issue()
    stolen = {COOKIE: other, TEACHER_COOKIE: cookies[TEACHER_COOKIE]}
    assert not keys.is_teacher(keys.identity(stolen), stolen)
    assert not Keys(Environment(server.home, teacher_key="another")).is_teacher(found, cookies)
    forged = browser.post(page, data={"key": key(server)}, headers={"Origin": "http://evil.example"}, timeout=PATIENCE)
    assert forged.status_code == 403


def test_keys_are_tried_a_few_times_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("tries") / "home", profile="class")
    try:
        page = f"{server.url}/lab/teacher?lang=en"
        tried = [requests.post(page, data={"key": f"guess {n}"}, timeout=PATIENCE) for n in range(8)]
        assert [answer.status_code for answer in tried] == [403] * 6 + [429] * 2
        assert t("sign_in.teacher.wrong", "en") in tried[0].text
        assert requests.post(page, data={"key": key(server)}, timeout=PATIENCE).status_code == 429
        assert "guess" not in server.log.read_text()
    finally:
        server.stop()


def test_a_link_to_another_device_is_known_or_refused(server: Server) -> None:
    # that it works is tried by two browsers, as only a page offers such a link
    page = requests.get(f"{server.url}/lab/device/nothing?lang=zh", timeout=PATIENCE)
    assert page.status_code == 404
    assert t("sign_in.device.old", "zh") in page.text
    handover = Handover()
    code = handover.offer("a cookie")
    assert handover.cookie(code) == "a cookie"
    assert handover.cookie(code + "x") is None
    assert handover.offer("a cookie") != code


def test_health_and_figures(server: Server) -> None:
    with Client(server.home) as client:
        client.connect()
        health = requests.get(f"{server.url}/healthz", timeout=PATIENCE).json()
        assert (health["status"], health["store"], health["queue"]) == ("ok", "ok", 0)
        assert health["slots"] == client.status()["slots"]
        assert health["version"]
    assert requests.get(f"{server.url}/metrics", timeout=PATIENCE).status_code == 401
    wrong = requests.get(f"{server.url}/metrics", headers={"Authorization": "Bearer x"}, timeout=PATIENCE)
    assert wrong.status_code == 401
    right = requests.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {key(server)}"}, timeout=PATIENCE)
    assert 'rnnlab_runs{state="queued"} 0.0' in right.text
    assert right.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("environment", "address", "headers", "alone"),
    [
        ({}, "127.0.0.1", {}, True),
        ({}, "localhost", {}, True),
        ({}, None, {}, False),  # all interfaces
        ({}, "0.0.0.0", {}, False),
        ({}, "127.0.0.1", {"x-forwarded-for": "198.51.100.7"}, False),
        ({"teacher_key": "k"}, "127.0.0.1", {}, False),
        ({"profile": "class"}, "127.0.0.1", {}, False),
        ({"profile": "alone"}, "0.0.0.0", {"via": "x"}, True),
    ],
)
def test_who_is_alone(
    environment: dict[str, str],
    address: str | None,
    headers: dict[str, str],
    alone: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from streamlit import config

    monkeypatch.setattr(config, "get_option", {"server.address": address}.__getitem__)
    home = tmp_path_factory.mktemp("alone")
    assert visitor.is_alone(Environment(home, **environment), headers) is alone  # type: ignore[arg-type]
