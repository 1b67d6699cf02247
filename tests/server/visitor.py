"""A visitor without a browser: speaks Streamlit's protocol over a raw web socket, and may say what no browser would."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

PATIENCE = 60.0
"""Seconds that a visitor waits for a page."""


@dataclass
class Visitor:
    """A visitor with a session of its own.

    Attributes:
        port: the port of the server.
        cookie: the identity that the visitor shows; "" for none.
        widgets: the widgets of the page as it was drawn last, by id; each is the message of its element.
        fragments: for each widget the fragment of the page that it belongs to, "" for none.
        exceptions: what the page showed as exceptions of Streamlit.
        errors: the errors that the page showed when it was drawn last.
        page: the name of the page in its address.
        query: the parameters of the page's address, as the page has changed them.
        hash: the page as Streamlit names it.
        received: all messages, as they came.
    """

    port: int
    cookie: str = ""
    widgets: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    query: str = ""
    page: str = ""
    hash: str = ""
    received: list[bytes] = field(default_factory=list)
    _socket: ClientConnection | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        shown = {"Cookie": f"rnnlab={self.cookie}"} if self.cookie else {}
        protocols = [Subprotocol("streamlit")]
        socket = connect(address, max_size=None, subprotocols=protocols, ping_interval=None, additional_headers=shown)
        self._socket = self._stack.enter_context(socket)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._stack.close()

    def open(self, page: str, query: str = "lang=en") -> Self:
        """Open a page and wait until it is complete."""
        self.page, self.query, self.hash = "" if page == "home" else page, query, ""
        self.ask(ClientState(query_string=query, page_name=self.page))
        return self

    def ask(self, state: ClientState) -> None:
        """Have the page drawn, and wait until it is complete."""
        self.errors.clear()
        self.widgets = {
            widget: element
            for widget, element in self.widgets.items()
            if state.fragment_id and self.fragments[widget] != state.fragment_id
        }
        self.send(BackMsg(rerun_script=state))
        self.wait()

    def set(self, *states: WidgetState, fragment: str = "") -> None:
        """Send values of widgets, whatever they are, and wait until the page has been drawn again."""
        state = ClientState(query_string=self.query, page_script_hash=self.hash, fragment_id=fragment)
        state.widget_states.widgets.extend(states)
        self.ask(state)

    def send(self, message: BackMsg | bytes | str) -> None:
        """Send a message, or something that is none."""
        assert self._socket is not None
        self._socket.send(message.SerializeToString() if isinstance(message, BackMsg) else message)

    def wait(self) -> None:
        """Receive messages until the page is complete."""
        assert self._socket is not None
        while True:
            message = ForwardMsg()
            data = self._socket.recv(PATIENCE)
            assert isinstance(data, bytes)
            self.received.append(data)
            message.ParseFromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.hash = message.new_session.page_script_hash
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._note(message.delta.new_element, message.delta.fragment_id)
            elif kind == "delta" and message.delta.WhichOneof("type") == "add_block":
                block = message.delta.add_block
                kind_of_block = block.WhichOneof("type")
                if kind_of_block and getattr(getattr(block, kind_of_block), "id", ""):
                    self._keep(getattr(block, kind_of_block), message.delta.fragment_id)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _note(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.exceptions.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind and getattr(getattr(element, kind), "id", ""):
            self._keep(getattr(element, kind), fragment)

    def _keep(self, widget: Any, fragment: str) -> None:
        self.widgets[widget.id], self.fragments[widget.id] = widget, fragment


def is_button(element: object) -> bool:
    """Return whether the element of a widget is a button, whose click does what its label says."""
    return type(element).__name__ in ("Button", "DownloadButton")
