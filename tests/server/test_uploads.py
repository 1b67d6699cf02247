"""The server holds a limited number of bytes of uploaded files, for a page and for all pages together."""

from __future__ import annotations

import http.client
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from rnnlab.runs.limits import MEGABYTE, PAGE_UPLOADS_MB, UPLOADS_MB
from tests.browser.server import Server
from tests.server.visitor import Visitor

BOUNDARY = "part"
LARGE = 50


@dataclass
class Sender:
    """A program that sends files to a page.

    Attributes:
        port: the port of the server.
        page: the session of the page.
        token: the token against foreign pages, as cookie and header.
    """

    port: int
    page: str
    token: str

    @classmethod
    def of(cls, visitor: Visitor) -> Sender:
        """Return a sender to the page that a visitor has open."""
        messages = map(ForwardMsg.FromString, visitor.received)
        page = next(m.new_session.initialize.session_id for m in messages if m.WhichOneof("type") == "new_session")
        with closing(http.client.HTTPConnection("127.0.0.1", visitor.port)) as connection:
            connection.request("GET", "/_stcore/health")
            cookies = SimpleCookie(connection.getresponse().getheader("set-cookie"))
        return cls(visitor.port, page, cookies["_streamlit_xsrf"].value)

    def send(self, megabytes: float, method: str = "PUT", name: str = "") -> int:
        """Upload a file, or delete it, and return the status of the answer."""
        return self.answer(self.headers(megabytes, method, name) + self.body(megabytes) * (method == "PUT"))

    def headers(self, megabytes: float = 0, method: str = "PUT", name: str = "", chunked: bool = False) -> bytes:
        """Return the head of a request."""
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(self.body(megabytes))}"
        return (
            f"{method} /_stcore/upload_file/{self.page}/{name or uuid.uuid4()} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: _streamlit_xsrf={self.token}\r\nX-Xsrftoken: {self.token}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{'' if method == 'DELETE' else length}\r\n\r\n"
        ).encode()

    @staticmethod
    def body(megabytes: float) -> bytes:
        """Return a form with one file."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        return head.encode() + bytes(int(megabytes * MEGABYTE)) + f"\r\n--{BOUNDARY}--\r\n".encode()

    def answer(self, request: bytes) -> int:
        """Send the bytes of a request and return the status of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
                connection.sendall(request)
            with connection.makefile("rb") as answer:
                return int(answer.readline().split()[1])


def test_what_a_page_holds_is_bounded(server: Server) -> None:
    with Visitor(server.port) as visitor, Visitor(server.port) as other:
        sender = Sender.of(visitor.open("runs"))
        first = str(uuid.uuid4())
        assert sender.send(LARGE, name=first) == 204
        assert sender.send(LARGE) == 204
        assert sender.send(LARGE) == 413
        assert sender.send(1) == 204  # for a smaller one there is room
        assert Sender.of(other.open("runs")).send(LARGE) == 204  # and on the page of another visitor
        assert sender.send(0, method="DELETE", name=first) == 204
        assert sender.send(LARGE) == 204
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_files_that_arrive_at_the_same_time_count_together(server: Server) -> None:
    with Visitor(server.port) as visitor:
        sender = Sender.of(visitor.open("runs"))
        number = 2 * PAGE_UPLOADS_MB // LARGE
        with ThreadPoolExecutor(number) as threads:
            answers = list(threads.map(lambda _: sender.send(LARGE), range(number)))
        assert answers.count(204) == PAGE_UPLOADS_MB // LARGE
        assert answers.count(413) == number - PAGE_UPLOADS_MB // LARGE


def test_an_upload_that_is_given_up_takes_no_room(server: Server) -> None:
    with Visitor(server.port) as visitor:
        sender = Sender.of(visitor.open("runs"))
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(sender.headers(LARGE) + sender.body(1))
        assert sender.send(LARGE) == 204
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_what_all_pages_hold_is_bounded(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    try:
        with ExitStack() as pages:
            visitors = [pages.enter_context(Visitor(server.port)) for _ in range(UPLOADS_MB // PAGE_UPLOADS_MB + 4)]
            senders = [Sender.of(visitor.open("runs")) for visitor in visitors]
            first = str(uuid.uuid4())
            assert senders[-1].send(LARGE, name=first) == 204
            answers = [sender.send(LARGE) for sender in senders[:-1] for _ in range(PAGE_UPLOADS_MB // LARGE)]
            room = UPLOADS_MB // LARGE - 1
            assert set(answers[:room]) == {204}
            assert set(answers[room:]) == {413}
            assert senders[-1].send(0, method="DELETE", name=first) == 204
            assert senders[0].send(UPLOADS_MB % LARGE) == 204
    finally:
        server.stop()


@pytest.mark.parametrize("length", ["chunked", "a number in other digits"])
def test_an_upload_states_its_size(server: Server, length: str) -> None:
    with Visitor(server.port) as visitor:
        sender = Sender.of(visitor.open("runs"))
        head = sender.headers(chunked=True)
        if length != "chunked":
            head = head.replace(b"Transfer-Encoding: chunked", b"Content-Length: " + "٣".encode())
        assert sender.answer(head + b"0\r\n\r\n") in (400, 411)
    assert "Traceback" not in server.log.read_text(encoding="utf-8")
