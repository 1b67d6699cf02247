"""What a browser loads of the front end: compressed, and the scripts of the charts as early as possible."""

from __future__ import annotations

import gzip
import re
import socket
from pathlib import Path

import pytest
import requests
import streamlit

from tests.browser.server import Server
from tests.made import PATIENCE

STATIC = Path(streamlit.__file__).parent / "static"
SCRIPT = next(iter(re.findall(r"static/js/index\.[\w-]+\.js", (STATIC / "index.html").read_text(encoding="utf-8"))))
HTML = {"Accept": "text/html"}


def fetch(server: Server, path: str, accepted: str = "gzip, deflate", **headers: str) -> requests.Response:
    """Request a file; the body stays as it was sent."""
    sent = {"Accept-Encoding": accepted, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return requests.get(f"{server.url}/{path}", headers=sent, stream=True, timeout=PATIENCE)


def test_scripts_are_sent_compressed(server: Server) -> None:
    whole = (STATIC / SCRIPT).read_bytes()
    for _ in range(2):  # the second one is kept from the first
        answer = fetch(server, SCRIPT)
        body = answer.raw.read(decode_content=False)
        assert gzip.decompress(body) == whole
        assert len(body) < len(whole) / 2
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(body))
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["content-type"] == fetch(server, SCRIPT, "").headers["content-type"]
        assert "immutable" in answer.headers["cache-control"]
        assert "frame-ancestors" in answer.headers["content-security-policy"]


def test_a_browser_that_does_not_accept_it_gets_them_as_they_are(server: Server) -> None:
    whole = (STATIC / SCRIPT).read_bytes()
    answer = fetch(server, SCRIPT, "identity")
    assert "content-encoding" not in answer.headers
    assert answer.content == whole
    part = fetch(server, SCRIPT, Range="bytes=10-19")
    assert part.status_code == 206
    assert part.content == whole[10:20]


def test_what_a_browser_has_is_not_sent_again(server: Server) -> None:
    etag = fetch(server, SCRIPT).headers["etag"]
    again = fetch(server, SCRIPT, If_None_Match=etag)
    assert (again.status_code, again.content) == (304, b"")


def test_a_visitor_who_leaves_at_once_leaves_the_others_whole_files(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    try:
        largest = sorted((STATIC / "static" / "js").glob("*.js"), key=lambda path: -path.stat().st_size)[:20]
        for path in largest:
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                asked = f"GET /static/js/{path.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
                connection.sendall(asked.encode())
        for path in largest:
            answer = fetch(server, f"static/js/{path.name}")
            assert gzip.decompress(answer.raw.read(decode_content=False)) == path.read_bytes(), path.name
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["nothing.js", "../js/nothing.js", "", "%00.js"])
def test_what_is_no_file_is_no_file(server: Server, name: str) -> None:
    assert "javascript" not in fetch(server, f"static/js/{name}").headers.get("content-type", "")


@pytest.mark.parametrize("path", ["runs", "room", "runs/"])
def test_pages_without_a_chart_name_no_scripts(server: Server, path: str) -> None:
    page = requests.get(f"{server.url}/{path}?lang=en", headers=HTML, timeout=PATIENCE)
    assert page.ok
    assert "link" not in page.headers


@pytest.mark.parametrize("path", ["", "train", "compare"])
def test_each_page_with_a_chart_names_the_scripts_of_the_charts(server: Server, path: str) -> None:
    page = requests.get(f"{server.url}/{path}?lang=en", headers=HTML, timeout=PATIENCE)
    links = re.findall(r"<\./([^>]+)>; rel=preload; as=script; crossorigin; fetchpriority=low", page.headers["link"])
    assert len(links) == len(page.headers["link"].split(","))
    assert links[0].startswith("lab/plot-")
    assert any(link.startswith("static/js/embed.") for link in links)
    for link in links:
        source = fetch(server, link)
        assert source.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        # the whole of what they import is named, or is loaded by each page anyway
        for name in re.findall(r'\b(?:from|import)"(?:\.|\.\./static/js)/([\w.-]+\.js)"', source.text):
            assert f"static/js/{name}" in links


def test_other_answers_name_none(server: Server) -> None:
    for path in ("healthz", "lab/teacher", SCRIPT):
        assert "link" not in requests.get(f"{server.url}/{path}", headers=HTML, timeout=PATIENCE).headers
