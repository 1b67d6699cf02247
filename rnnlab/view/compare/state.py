"""The choices of the Compare page, including the pins, which its URL keeps."""

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

_PINS, _EPOCHS, _SLOTS = "compare.pins", "compare.epochs", "compare.slots"
_FORM = Edition("compare")
PROBLEMS = Problems("compare")
"""Errors of callbacks and pins, shown at the top of the page."""
FIRST_PAIR = ("A6", "A7")
"""The recordings that are pinned by default."""


def begin() -> None:
    """Read the pins from the URL if a visit begins, remove pins that do not exist, and show errors."""
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


def _renew() -> None:
    """Let the widgets start again from the URL."""
    _FORM.renew()
    st.session_state.pop(_EPOCHS, None)


def _read_url() -> None:
    _renew()
    if ADDRESS.given("pins"):
        set_pins(read_pins(ADDRESS.get("pins")))
    elif _PINS not in st.session_state:
        st.session_state[_PINS] = [Identity.of_recording(name) for name in FIRST_PAIR if name in recorded.names()]


def _look_up(pin: Identity) -> None:
    if not pin.recorded:
        session.store().run(pin.name)
    elif not recorded.exists(pin.name):
        raise RunError(
            "compare_not_recorded",
            f"There is no recorded run of {pin.name}; there are: {', '.join(recorded.names())}.",
            recipe=pin.name,
            allowed=", ".join(recorded.names()),
        )


def pins() -> list[Identity]:
    """Return the pins of this session, in the order of their colours."""
    return list(st.session_state.get(_PINS, []))


def set_pins(chosen: Sequence[Identity]) -> None:
    """Pin the first `MAX_PINS` of `chosen`, with an error if there are more."""
    PROBLEMS.guard(check_pins, chosen)
    st.session_state[_PINS] = list(chosen)[:MAX_PINS]


def slots(chart: str, runs: Sequence[Identity]) -> list[int]:
    """Return the colour of each run, a number below `MAX_PINS` that it keeps while it is on the chart.

    A run that goes leaves the colours of the others as they are, and its own to the next one that comes.

    Args:
        chart: identifies the chart.
        runs: the runs on it, at most `MAX_PINS`.
    """
    held: dict[Identity, int] = st.session_state.get(f"{_SLOTS}.{chart}", {})
    kept = {run: held[run] for run in runs if run in held}
    free = iter(slot for slot in range(MAX_PINS) if slot not in kept.values())
    for run in runs:
        if run not in kept:
            kept[run] = next(free, len(kept) % MAX_PINS)
    st.session_state[f"{_SLOTS}.{chart}"] = kept
    return [kept[run] for run in runs]


def pin(identity: Identity) -> None:
    """Add a pin."""
    if identity not in pins():
        set_pins([*pins(), identity])


def unpin(identity: Identity) -> None:
    """Remove a pin."""
    st.session_state[_PINS] = [other for other in pins() if other != identity]


def key(name: str) -> str:
    """Return the key of a widget of this page, a new one for each visit, so that the URL sets its value."""
    return session.key(_FORM.key(name))


def open_view(**parameters: str) -> None:
    """Switch to a view with `parameters` in the URL; for a callback."""
    ADDRESS.write(**parameters)
    _renew()


def view() -> str:
    """Draw the choice of the view and return it."""
    return choice("view", VIEWS, lambda name: t(f"compare.view.{name}", session.language()))


def choice(name: str, options: Sequence[str], text: Callable[[str], str], label: str | None = None) -> str:
    """Draw a segmented control whose choice is the URL's parameter `name`; return the choice."""
    chosen = st.segmented_control(
        label or t(f"compare.{name}", session.language()),
        options,
        default=ADDRESS.get(name),
        key=key(name),
        format_func=text,
        required=True,
        label_visibility="visible" if label else "collapsed",
    )
    ADDRESS.write(**{name: str(chosen)})
    return str(chosen)


def switch(name: str, label: str, tip: str) -> bool:
    """Draw a switch that is the URL's parameter `name`, off by default; return whether it is on."""
    on = st.toggle(label, ADDRESS.get(name) == "1", key=key(name), help=tip)
    ADDRESS.write(**{name: "1" if on else None})
    return bool(on)


def epochs(config: TrainConfig, per: str, default: int | None = None) -> TrainConfig:
    """Draw the field for the number of epochs, the URL's parameter ``num_epochs``; return `config` with it.

    Args:
        config: the setup.
        per: what the number belongs to; for another value the field begins with its default.
        default: the default number, by default that of `config`.
    """
    lang, fallback = session.language(), default or config.num_epochs
    numbers: dict[str, int] = st.session_state.setdefault(_EPOCHS, {})
    if not numbers:  # the number in the URL belongs to what is drawn first
        numbers[per] = int(ADDRESS.get("num_epochs") or 0) or fallback
    first = numbers.get(per, fallback)
    value = int(st.number_input(t("field.num_epochs", lang), 1, 10_000, first, key=key(f"num_epochs.{per}")))
    numbers[per] = value
    ADDRESS.write(num_epochs=str(value) if value != fallback else None)
    return config.change(num_epochs=value)


def text_line(name: str, label: str, tip: str) -> str:
    """Draw a text field that is the URL's parameter `name`; return the text."""
    value = str(st.text_input(label, ADDRESS.get(name), key=key(name), help=tip))
    ADDRESS.write(**{name: value})
    return value


def base_recipe() -> str:
    """Draw the choice of the experiment, the URL's parameter ``recipe``; return its id."""
    from rnnlab.view.language.settings import recipe_label

    lang = session.language()
    names = [name for name, entry in RECIPES.items() if entry.config.num_epochs]
    named = ADDRESS.get("recipe")
    chosen = st.selectbox(
        t("setup.recipe", lang),
        names,
        names.index(named) if named in names else names.index("A2"),
        key=key("recipe"),
        format_func=lambda name: recipe_label(RECIPES[name], lang),
        placeholder=t("setup.recipe_placeholder", lang),
    )
    ADDRESS.write(recipe=chosen)
    return str(chosen)


def changed(config: TrainConfig, without: Sequence[str] = ("num_epochs",)) -> TrainConfig:
    """Return `config` with the settings in the URL; invalid values are reported and removed from the URL.

    Args:
        config: the setup.
        without: settings to ignore in the URL.
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
    """Return which of `allowed` the URL has under ``<name>s``; by default the first four."""
    named = [item for item in ADDRESS.get(f"{name}s").split(",") if item in allowed]
    return named or list(allowed)[:4]


def keep_listed(name: str, chosen: Sequence[str], allowed: Sequence[str]) -> None:
    """Write the `chosen` of `allowed` to the URL under ``<name>s``, unless they are the default."""
    ADDRESS.write(**{f"{name}s": None if list(chosen) == list(allowed)[:4] or not chosen else ",".join(chosen)})
