"""What the Compare page shows, as its URL says it: the pins, and every choice; the URL speaks when the page begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.view.compare.address import ADDRESS, VIEWS
from rnnlab.view.compare.measures import check_pins, read_pins, write_pins
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import MAX_PINS, Identity
from rnnlab.view.language.i18n import t
from rnnlab.view.page import address, session
from rnnlab.view.page.forms import Edition, Problems

_PINS, _EPOCHS = "compare.pins", "compare.epochs"
_FORM = Edition("compare")
PROBLEMS = Problems("compare")
"""What went wrong in a callback or with a pin, said at the top of the page."""
FIRST_PAIR = ("A6", "A7")
"""What is laid over each other where nobody asked for anything."""


def begin() -> None:
    """Take the pins from the URL where the page begins; say what is wrong with them, or went wrong in a callback."""
    address.once("compare", _read_url)
    kept = []
    for pin in pins():
        try:
            _look_up(pin)
            kept.append(pin)
        except RNNLabError as error:
            PROBLEMS.add(error)
    st.session_state[_PINS] = kept
    ADDRESS.write(pins=write_pins(kept))
    PROBLEMS.show()


def _read_url() -> None:
    _FORM.renew()
    st.session_state.pop(_EPOCHS, None)
    if ADDRESS.given("pins"):
        set_pins(read_pins(ADDRESS.get("pins")))
    elif _PINS not in st.session_state:
        st.session_state[_PINS] = [Identity.of_recording(name) for name in FIRST_PAIR if name in recorded.names()]


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
    PROBLEMS.guard(check_pins, wanted)
    st.session_state[_PINS] = list(wanted)[:MAX_PINS]


def pin(one: Identity) -> None:
    """Pin one more."""
    if one not in pins():
        set_pins([*pins(), one])


def unpin(one: Identity) -> None:
    """Take one off."""
    st.session_state[_PINS] = [other for other in pins() if other != one]


def key(name: str) -> str:
    """Return the key of a widget of this page: new ones each time the page begins, so that the URL speaks then."""
    return session.key(_FORM.key(name))


def view() -> str:
    """Draw the choice of the view and return it."""
    return choice("view", VIEWS, lambda one: t(f"compare.view.{one}", session.language()))


def choice(name: str, options: Sequence[str], says: Callable[[str], str], label: str | None = None) -> str:
    """Draw a segmented control whose choice stands in the URL under `name`; return the choice."""
    chosen = st.segmented_control(
        label or t(f"compare.{name}", session.language()),
        options,
        default=ADDRESS.get(name),
        key=key(name),
        format_func=says,
        required=True,
        label_visibility="visible" if label else "collapsed",
    )
    ADDRESS.write(**{name: str(chosen)})
    return str(chosen)


def switch(name: str, label: str, tip: str) -> bool:
    """Draw a switch that stands in the URL under `name`, off where it does not."""
    on = st.toggle(label, ADDRESS.get(name) == "1", key=key(name), help=tip)
    ADDRESS.write(**{name: "1" if on else None})
    return bool(on)


def epochs(config: TrainConfig, per: str, default: int | None = None) -> TrainConfig:
    """Draw the field for the number of epochs, which stands in the URL as ``num_epochs``; return `config` with it.

    Args:
        config: the setup.
        per: what the number belongs to; with another one the field begins at its default.
        default: where the URL says nothing; by default as in `config`.
    """
    lang, fallback = session.language(), default or config.num_epochs
    numbers: dict[str, int] = st.session_state.setdefault(_EPOCHS, {})
    if not numbers:  # that of the URL belongs to what is drawn first
        numbers[per] = int(ADDRESS.get("num_epochs") or 0) or fallback
    first = numbers.get(per, fallback)
    value = int(st.number_input(t("field.num_epochs", lang), 1, 10_000, first, key=key(f"num_epochs.{per}")))
    numbers[per] = value
    ADDRESS.write(num_epochs=str(value) if value != fallback else None)
    return config.change(num_epochs=value)


def text_line(name: str, label: str, tip: str) -> str:
    """Draw a field for a text that stands in the URL under `name`."""
    value = str(st.text_input(label, ADDRESS.get(name), key=key(name), help=tip))
    ADDRESS.write(**{name: value})
    return value


def base_recipe() -> str:
    """Draw the choice of the experiment to start from, which stands in the URL as ``recipe``; return its id."""
    from rnnlab.view.language.settings import recipe_label

    lang = session.language()
    names = [name for name, one in RECIPES.items() if one.config.num_epochs]
    asked = ADDRESS.get("recipe")
    chosen = st.selectbox(
        t("setup.recipe", lang),
        names,
        names.index(asked) if asked in names else names.index("A2"),
        key=key("recipe"),
        format_func=lambda one: recipe_label(RECIPES[one], lang),
        placeholder=t("setup.recipe_placeholder", lang),
    )
    ADDRESS.write(recipe=chosen)
    return str(chosen)


def changed(config: TrainConfig, without: Sequence[str] = ("num_epochs",)) -> TrainConfig:
    """Return `config` with the settings that the URL asks for beside the choices of this page; a bad one is said.

    Args:
        config: the setup.
        without: settings that are not the URL's to change here.
    """
    for name in TrainConfig.model_fields:
        if name in without or not ADDRESS.given(name):
            continue
        try:
            config = config.change_from_text({name: ADDRESS.get(name)})
        except RNNLabError as error:
            session.show_error(error)
            ADDRESS.write(**{name: None})
    return config


def listed(name: str, allowed: Sequence[str]) -> list[str]:
    """Return which of `allowed` the URL asks for under ``<name>s``; where it says nothing, the first four."""
    asked = [one for one in ADDRESS.get(f"{name}s").split(",") if one in allowed]
    return asked or list(allowed)[:4]


def keep_listed(name: str, chosen: Sequence[str], allowed: Sequence[str]) -> None:
    """Keep in the URL, under ``<name>s``, what of `allowed` is chosen, where that is not the beginning."""
    ADDRESS.write(**{f"{name}s": None if list(chosen) == list(allowed)[:4] or not chosen else ",".join(chosen)})
