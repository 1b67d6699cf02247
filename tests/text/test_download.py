"""The verified download, from a server of the test's own."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnlab.errors import CorpusError
from rnnlab.text.corpora import download, info

FILE = b"the text that the book uses\n" * 1000
SHA256 = hashlib.sha256(FILE).hexdigest()
NAME = "book-time-machine"


class Handler(BaseHTTPRequestHandler):
    """Serves /file, /other and /huge; /drip sends a byte now and then, /silent nothing at all."""

    released = threading.Event()
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/silent":
            self.released.wait(20)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        try:
            if self.path in ("/drip", "/endless"):
                block, pause = (b"x", 0.05) if self.path == "/drip" else (b"x" * 65536, 0.0)
                while not self.released.wait(pause):
                    self.wfile.write(block)
            else:
                self.wfile.write(FILE if self.path == "/file" else b"something else")
        except OSError:
            pass  # the client has hung up

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("RNNLAB_DATA", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    Handler.released.clear()
    Handler.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        Handler.released.set()
        serving.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/file"


@pytest.mark.parametrize("path", ["/file", "/moved"])
def test_what_was_pinned_is_kept(server: str, path: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made" / "when needed"
    kept = download(NAME, folder, urls=(server + path,), sha256=SHA256)
    assert kept == folder / "timemachine.txt"
    assert kept.read_bytes() == FILE
    assert capfd.readouterr() == ("", "")  # nothing printed


def test_what_lies_there_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        download(NAME, tmp_path, urls=(server + "/file",), sha256=SHA256)
    assert Handler.asked == ["/file"]


def test_a_damaged_file_is_replaced(server: str, tmp_path: Path) -> None:
    (tmp_path / "timemachine.txt").write_bytes(FILE[:-1])
    assert download(NAME, tmp_path, urls=(server + "/file",), sha256=SHA256).read_bytes() == FILE


def test_the_next_address_is_tried(server: str, nobody: str, tmp_path: Path) -> None:
    urls = (nobody, server + "/missing", server + "/other", server + "/file")
    assert download(NAME, tmp_path, urls=urls, sha256=SHA256).read_bytes() == FILE


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/other", "corpus_download_wrong_hash"),
        ("/missing", "corpus_download_status"),
        ("/endless", "corpus_download_too_large"),
        ("/silent", "corpus_download_timeout"),
        ("/drip", "corpus_download_timeout"),
    ],
)
def test_a_bad_download_leaves_nothing_and_says_what_to_do(server: str, path: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"timemachine\.txt .* by hand .* RNNLAB_DATA") as caught:
        download(NAME, tmp_path, urls=(server + path,), sha256=SHA256, seconds=0.4, max_bytes=1 << 20)
    assert caught.value.code == code
    assert caught.value.params["folder"] == str(tmp_path)
    assert caught.value.params["urls"] == " ".join(info(NAME).urls)
    assert list(tmp_path.iterdir()) == []


def test_no_network(nobody: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no connection") as caught:
        download(NAME, tmp_path, urls=(nobody,), sha256=SHA256)
    assert caught.value.code == "corpus_download_connection"


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        download(NAME, tmp_path, urls=("http://no-such-host.invalid/file",), sha256=SHA256)
    assert caught.value.code == "corpus_download_connection"


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CorpusError) as caught:
        download(NAME, tmp_path / "file" / "folder", urls=(server + "/file",), sha256=SHA256)
    assert caught.value.code == "corpus_download_disk"


@pytest.mark.parametrize("name", ["lyrics-zh", "nothing"])
def test_only_the_books_corpora_are_downloads(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="book-time-machine") as caught:
        download(name, tmp_path)
    assert caught.value.code == "corpus_unknown"


def test_the_pinned_hash_is_used_unless_told_otherwise(server: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        download(NAME, tmp_path, urls=(server + "/file",))
    assert caught.value.code == "corpus_download_wrong_hash"
