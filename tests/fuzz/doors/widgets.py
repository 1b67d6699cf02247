"""Values of widgets, over the web socket of a page."""

from __future__ import annotations

from random import Random

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.fuzz import hostile
from tests.fuzz.lab import Door, Lab
from tests.server.visitor import Visitor, is_button

PAGES = (
    "home?", "train?", "train?run={}", "compare?", "compare?view=race&vary=own", "compare?view=seeds",
    "compare?view=same", "diagnose?", "diagnose?topic=overfitting&run={}", "inspect?", "inspect?run={}&view=states",
    "runs?", "lessons?", "lessons?lesson=lstm", "lessons?lesson=sequence", "lessons?lesson=X1",
    "lessons?lesson=decoding",
)  # fmt: skip


class Widgets(Door):
    """The state that a browser sends with each of its requests."""

    name = "widgets"
    share = 0.07

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._visitor: Visitor | None = None

    def close(self) -> None:
        """Leave the page."""
        if self._visitor is not None:
            self._visitor.close()
            self._visitor = None

    def knock(self, chance: Random) -> bool:
        """Send values for widgets of a page; now and then open another page first, or say what is no message."""
        if self._visitor is None or chance.random() < 0.1:
            self.close()
            self._visitor = Visitor(self.lab.server.port).__enter__()
            page, _, query = chance.choice(PAGES).format(self.lab.run).partition("?")
            self._visitor.open(page, f"lang={chance.choice(('zh', 'en'))}&{query}")
        if chance.random() < 0.05:
            self._visitor.send(
                chance.choice((chance.randbytes(40), hostile.text(chance), b"", BackMsg(load_git_info=True)))
            )
            self.close()
            return False
        # a click of a button is what its label says, and no lie
        able = [widget for widget, element in self._visitor.widgets.items() if not is_button(element)]
        widgets = chance.sample(able, min(len(able), chance.randint(1, 6)))
        state = ClientState(query_string=self._visitor.query, page_script_hash=self._visitor.hash)
        state.widget_states.widgets.extend(_value(chance, widget) for widget in widgets)
        runs = self._runs()
        self._visitor.ask(state)
        assert self._runs() == runs, "a run was started or deleted without a click"
        if self._visitor.exceptions:
            raise AssertionError(f"{self._visitor.page}: {self._visitor.exceptions.pop()}")
        return not self._visitor.errors

    def _runs(self) -> set[str]:
        return {record.id for record in self.lab.client.store.runs()}


def _value(chance: Random, widget: str) -> WidgetState:
    state, kind = WidgetState(id=widget), chance.randrange(13)
    number, text = hostile.number(chance), hostile.text(chance)
    whole = int(number) if isinstance(number, int) and abs(number) < 2**53 else -1
    if kind == 0:
        state.bool_value = chance.random() < 0.5
    elif kind == 1:
        state.double_value = _float(number)
    elif kind == 2:
        state.int_value = whole
    elif kind == 3:
        state.string_value = text
    elif kind == 4:
        state.double_array_value.data.extend(_float(hostile.number(chance)) for _ in range(chance.randrange(4)))
    elif kind == 5:
        state.int_array_value.data.extend([whole] * chance.randrange(4))
    elif kind == 6:
        state.string_array_value.data.extend(hostile.text(chance) for _ in range(chance.randrange(4)))
    elif kind == 7:
        state.json_value = _json(chance)
    elif kind == 8:
        state.json_trigger_value = _json(chance)
    elif kind == 9:
        state.bytes_value = chance.randbytes(20)
    elif kind == 10:
        state.file_uploader_state_value.uploaded_file_info.add(file_id=text, name=text, size=abs(whole))
    elif kind == 11:
        state.string_value = _json(chance)
    return state


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _json(chance: Random) -> str:
    parts = {
        "selection": {"rows": hostile.value(chance), "columns": hostile.value(chance), "cells": []},
        "value": hostile.value(chance),
        "seen": hostile.value(chance),
        "picked": hostile.value(chance),
        "silent": hostile.value(chance),
        "event": chance.choice(("picked", "seen", hostile.text(chance))),
    }
    chosen = {name: parts[name] for name in chance.sample(sorted(parts), 2)}
    return chance.choice((hostile.dumped(chosen), hostile.dumped([chosen]), hostile.deep(chance)[:20_000], ""))
