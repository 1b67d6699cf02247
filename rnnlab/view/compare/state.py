"""What the Compare page shows, as its URL says it: the pins, and every choice; the URL speaks when the page begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES, recipe
from rnnlab.view.compare.measures import check_pins, read_pins, write_pins
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import MAX_PINS, Identity
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session

VIEWS = ("overlay", "race", "seeds", "same")
_PINS, _PROBLEMS, _FIRST, _EDITION = "compare.pins", "compare.problems", "compare.first", "compare.edition"
FIRST_PAIR = ("A6", "A7")
"""What is laid over each other where nobody asked for anything."""


def arriving() -> bool:
    """Say whether the page begins anew: by its URL, or by a link from another page.

    Only then does the URL speak. Later it may be one from before a click, sent along by a refresh on its way.
    """
    return not any(str(key).startswith("compare.view.") for key in st.session_state)


def begin() -> list[RNNLabError]:
    """Take the pins from the URL where the page begins; return what is to be said of them."""
    if arriving():
        st.session_state[_EDITION] = st.session_state.get(_EDITION, 0) + 1
        if "pins" in st.query_params:
            set_pins(read_pins(st.query_params["pins"]))
        elif _PINS not in st.session_state:
            st.session_state[_PINS] = [Identity.of_recording(name) for name in FIRST_PAIR if name in recorded.names()]
    kept = []
    for pin in pins():
        try:
            _look_up(pin)
            kept.append(pin)
        except RNNLabError as error:
            complain_later(error)
    st.session_state[_PINS] = kept
    address.parameters(pins=write_pins(kept))
    problems: list[RNNLabError] = st.session_state.pop(_PROBLEMS, [])
    return problems


def _look_up(pin: Identity) -> None:
    if not pin.recorded:
        session.store().run(pin.name)
    elif pin.name not in recorded.names():
        raise RunError(
            "compare_not_recorded",
            f"There is no recorded run of {pin.name}; there are: {', '.join(recorded.names())}.",
            recipe=pin.name,
            allowed=", ".join(recorded.names()),
        )


def pins() -> list[Identity]:
    """Return the pins of this session, in the order of their colours."""
    return list(st.session_state.get(_PINS, []))


def set_pins(wanted: Sequence[Identity]) -> None:
    """Pin these; of too many the first are kept, and that is said."""
    try:
        check_pins(wanted)
    except RNNLabError as error:
        complain_later(error)
    st.session_state[_PINS] = list(wanted)[:MAX_PINS]


def pin(one: Identity) -> None:
    """Pin one more."""
    if one not in pins():
        set_pins([*pins(), one])


def unpin(one: Identity) -> None:
    """Take one off."""
    st.session_state[_PINS] = [other for other in pins() if other != one]


def complain_later(error: RNNLabError) -> None:
    """Say at the top of the page what went wrong in a callback."""
    st.session_state.setdefault(_PROBLEMS, []).append(error)


def key(name: str) -> str:
    """Return the key of a widget of this page: new ones each time the page begins, so that the URL speaks then."""
    return session.key(f"compare.{name}.{st.session_state.get(_EDITION, 0)}")


def view() -> str:
    """Draw the choice of the view and return it."""
    return choice("view", VIEWS, "overlay", lambda one: t(f"compare.view.{one}", session.language()))


def choice(
    name: str, options: Sequence[str], default: str, says: Callable[[str], str], label: str | None = None
) -> str:
    """Draw a segmented control whose choice stands in the URL under `name`; return the choice."""
    first = _first(name, default)
    chosen = st.segmented_control(
        label or t(f"compare.{name}", session.language()),
        options,
        default=first if first in options else default,
        key=key(name),
        format_func=says,
        required=True,
        label_visibility="visible" if label else "collapsed",
    )
    address.parameters(**{name: None if chosen == default else str(chosen)})
    return str(chosen)


def switch(name: str, label: str, tip: str) -> bool:
    """Draw a switch that stands in the URL under `name`, off where it does not."""
    on = st.toggle(label, _first(name, "") == "1", key=key(name), help=tip)
    address.parameters(**{name: "1" if on else None})
    return bool(on)


def epochs(config: TrainConfig, per: str, default: int | None = None) -> TrainConfig:
    """Draw the field for the number of epochs, which stands in the URL as ``num_epochs``; return `config` with it.

    Args:
        config: the setup.
        per: what the number belongs to; with another one the field begins at its default.
        default: where the URL says nothing; by default as in `config`.
    """
    lang, fallback = session.language(), default or config.num_epochs
    first = fallback
    if _belongs("num_epochs", per):
        try:
            first = config.change_from_text({"num_epochs": _first("num_epochs", str(fallback))}).num_epochs or fallback
        except RNNLabError as error:
            if st.query_params.get("num_epochs") == _first("num_epochs", ""):
                session.complain(error)
    value = int(st.number_input(t("field.num_epochs", lang), 1, 10_000, first, key=key(f"num_epochs.{per}")))
    address.parameters(num_epochs=str(value))
    return config.change(num_epochs=value)


def _belongs(name: str, per: str) -> bool:
    kept = st.session_state.setdefault(f"compare.belongs.{st.session_state.get(_EDITION, 0)}", {})
    return bool(kept.setdefault(name, per) == per)


def text_line(name: str, label: str, default: str, tip: str, placeholder: str = "") -> str:
    """Draw a field for a text that stands in the URL under `name`."""
    value = st.text_input(label, _first(name, default), key=key(name), help=tip, placeholder=placeholder)
    address.parameters(**{name: value or None})
    return str(value)


def base_recipe() -> str:
    """Draw the choice of the experiment to start from, which stands in the URL as ``recipe``; return its id."""
    from rnnlab.view.language.settings import recipe_label

    lang = session.language()
    names = [name for name, one in RECIPES.items() if one.config.num_epochs]
    asked = _first("recipe", "A2")
    try:
        asked = recipe(asked).id
    except RNNLabError as error:
        if _first_look("recipe"):
            session.complain(error)
    chosen = st.selectbox(
        t("setup.recipe", lang),
        names,
        names.index(asked) if asked in names else names.index("A2"),
        key=key("recipe"),
        format_func=lambda one: recipe_label(RECIPES[one], lang),
        placeholder=t("setup.recipe_placeholder", lang),
    )
    address.parameters(recipe=chosen)
    return str(chosen)


def changed(config: TrainConfig, without: Sequence[str] = ("num_epochs",)) -> TrainConfig:
    """Return `config` with the settings that the URL asks for beside the choices of this page; a bad one is said.

    Args:
        config: the setup.
        without: settings that are not the URL's to change here.
    """
    wanted = {
        name: st.query_params[name]
        for name in TrainConfig.model_fields
        if name in st.query_params and name not in without
    }
    for name, text in wanted.items():
        try:
            config = config.change_from_text({name: text})
        except RNNLabError as error:
            session.complain(error)
            address.parameters(**{name: None})
    return config


def _first(name: str, default: str) -> str:
    """Return what the widget `name` begins with: what the URL said when it was first drawn, and that again later."""
    kept = st.session_state.setdefault(f"{_FIRST}.{st.session_state.get(_EDITION, 0)}", {})
    if name not in kept:
        kept[name] = st.query_params.get(name, default)
    return str(kept[name])


def _first_look(name: str) -> bool:
    return key(name) not in st.session_state


def listed(name: str, allowed: Sequence[str]) -> list[str]:
    """Return which of `allowed` the URL asks for under ``<name>s``; where it says nothing, the first four."""
    asked = [one for one in _first(f"{name}s", "").split(",") if one in allowed]
    return asked or list(allowed)[:4]


def keep_listed(name: str, chosen: Sequence[str], allowed: Sequence[str]) -> None:
    """Keep in the URL, under ``<name>s``, what of `allowed` is chosen, where that is not the beginning."""
    address.parameters(**{f"{name}s": None if list(chosen) == list(allowed)[:4] or not chosen else ",".join(chosen)})
