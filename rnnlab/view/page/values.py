"""The values of widgets that a browser sends, checked before anything reads them.

A browser sends the values that its widgets can have; anybody else can send a text for a number, a list for a switch, or
an option that no menu has. Streamlit reads them as they come, and raises wherever that fails: in the middle of a page,
again at each of its runs. Here such a value is ignored, as if it had not been sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state.common import (
    RegisterWidgetResult,
    WidgetMetadata,
    is_element_id,
    unpack_widget_state_value,
)
from streamlit.runtime.state.session_state import Serialized, SessionState

MAX_DEPTH = 20
"""How deep the lists and objects of a value in JSON may be nested."""
_NUMBERS = {"int_value", "double_value"}
"""Browsers send integers as either type."""
_JSON = ("json_value", "json_trigger_value")


def guard() -> None:
    """Have Streamlit ignore values that a widget cannot have; a second call changes nothing."""
    take, register = SessionState.set_widgets_from_proto, SessionState.register_widget
    if take.__module__ != __name__:
        SessionState.set_widgets_from_proto = _taking(take)  # type: ignore[assignment,method-assign]
        SessionState.register_widget = _registering(register)  # type: ignore[assignment,method-assign]


def _taking(take: Callable[[SessionState, WidgetStates], None]) -> Callable[[SessionState, WidgetStates], None]:
    def set_widgets_from_proto(self: SessionState, widget_states: WidgetStates) -> None:
        """Set the widget values from the browser; values of unknown widgets and invalid values are ignored."""
        known = self._new_widget_state.widget_metadata
        possible = [
            state
            for state in widget_states.widgets
            if state.id not in known or (_is_there(self, state.id) and fits(state, known[state.id]))
        ]
        if len(possible) < len(widget_states.widgets):
            widget_states = WidgetStates(widgets=possible)
        take(self, widget_states)

    return set_widgets_from_proto


def _registering(
    register: Callable[[SessionState, WidgetMetadata[Any], str | None], RegisterWidgetResult[Any]],
) -> Callable[[SessionState, WidgetMetadata[Any], str | None], RegisterWidgetResult[Any]]:
    def register_widget(
        self: SessionState, metadata: WidgetMetadata[Any], user_key: str | None
    ) -> RegisterWidgetResult[Any]:
        """Register a widget; a value that was sent before the widget was known is checked now."""
        state = self._new_widget_state.states.get(metadata.id)
        if isinstance(state, Serialized) and not fits(state.value, metadata):
            del self._new_widget_state[metadata.id]
        return register(self, metadata, user_key)

    return register_widget


def _is_there(session: SessionState, widget: str) -> bool:
    """Return whether a widget is on the page; events of components have ids too, but no stored value."""
    return widget in session._old_state or not is_element_id(widget)


def fits(state: WidgetState, widget: WidgetMetadata[Any]) -> bool:
    """Return whether a value is valid for a widget: its type, its format, and for a menu its options."""
    kind = state.WhichOneof("value")
    if kind is None:  # cleared
        return True
    if kind != widget.value_type and {kind, widget.value_type} != _NUMBERS:
        return False
    try:
        if kind in _JSON and not _is_state(json.loads(getattr(state, kind), parse_constant=_refuse)):
            return False
        value = unpack_widget_state_value(state)
        widget.deserializer(value)
    except Exception:  # whatever a deserializer raises, the value is none of the widget
        return False
    options = getattr(getattr(widget.deserializer, "__self__", None), "formatted_option_to_option_index", None)
    return kind != "string_value" or options is None or value in options


def _is_state(value: Any) -> bool:
    """Return whether a component can have `value`, read from JSON, as its state."""
    return value is None or (isinstance(value, dict | list) and _depth(value) <= MAX_DEPTH)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, parts), default=0)
