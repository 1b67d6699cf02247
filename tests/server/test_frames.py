"""A web socket on which something else than a message of Streamlit's arrives."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from tests.browser.server import Server
from tests.server.visitor import Visitor


@pytest.mark.parametrize(
    ("sent", "code"),
    [("a text", 1003), ("", 1003), (b"\xff" * 40, 1002), (b"\x0a\xff", 1002)],
    ids=["text", "empty text", "noise", "cut off"],
)
@pytest.mark.parametrize("opened", [False, True])
def test_it_is_closed_and_nothing_is_logged(server: Server, sent: str | bytes, code: int, opened: bool) -> None:
    with Visitor(server.port) as visitor:
        if opened:
            visitor.open("home")
        visitor.send(sent)
        with pytest.raises(ConnectionClosed) as caught:
            visitor.wait()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code
    with Visitor(server.port) as other:
        other.open("home")
        assert other.widgets
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "Error" not in log


def test_a_message_without_content_is_none_and_changes_nothing(server: Server) -> None:
    with Visitor(server.port) as visitor:
        visitor.open("home")
        visitor.send(b"")
        visitor.send(BackMsg(load_git_info=True))
        visitor.open("runs")
        assert visitor.exceptions == []
    assert "Traceback" not in server.log.read_text(encoding="utf-8")
