"""The pins: which runs are compared, how to add and remove them, and the ready pairs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.compare import state as compare_state
from rnnlab.view.compare.sentences import READY
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import MAX_PINS, Identity
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import recipe_label, state_text, summary
from rnnlab.view.page import estimate, session
from rnnlab.view.page import names as page_names
from rnnlab.view.page.forms import Edition

_PICKER = Edition("compare.picker")


def pairs() -> None:
    """Draw a button for each pair of experiments that the book compares."""
    lang = session.language()
    with st.container(key="compare.pairs", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{t('compare.pairs', lang)}**", width="content")
        for left, right in READY:
            st.button(
                f"{left} | {right}",
                key=f"compare.pair.{left}.{right}",
                help=t(
                    "compare.pair.help",
                    lang,
                    left=recipe_label(RECIPES[left], lang),
                    right=recipe_label(RECIPES[right], lang),
                ),
                on_click=_open_pair,
                args=(left, right),
            )
        # two runs of one setup: no recording can tell how much sooner this machine is
        st.button(
            t("compare.pair.computation", lang),
            key="compare.pair.computation",
            help=t("compare.pair.computation.help", lang),
            on_click=compare_state.open_view,
            kwargs={"view": "race", "vary": "computation", "recipe": "A2", "num_epochs": "20"},
        )


def _open_pair(left: str, right: str) -> None:
    have = [name for name in (left, right) if name in recorded.names()]
    compare_state.set_pins([Identity.of_recording(name) for name in have])
    if len(have) < 2:  # no recordings of the pair: train it
        train_pair(left, right)


def train_pair(left: str, right: str) -> None:
    """Start runs of two experiments with the same random seed, and pin them."""
    started = start_all([(RECIPES[name].config, name, "") for name in (left, right)])
    if started:
        compare_state.set_pins(started)


def start_all(requests: Sequence[tuple[TrainConfig, str, str]]) -> list[Identity]:
    """Start runs until the first is refused, which is reported.

    Args:
        requests: the configuration, the recipe's name and the recipe it is based on, for each run.

    Returns:
        The started runs.
    """
    started: list[Identity] = []
    batch = secrets.token_hex(8) if len(requests) > 1 else ""
    for config, name, based_on in requests:
        try:
            session.trainable_facts(config)
            run_id = session.start_run(config, name=name, based_on=based_on, batch=batch)
        except RNNLabError as error:
            if started:
                compare_state.PROBLEMS.add(_incomplete(len(started), len(requests)))
            compare_state.PROBLEMS.add(error)
            break
        started.append(Identity.of_run(run_id))
    return started


def start_button(name: str, icon: str, act: Callable[[], None], *, count: int, disabled: bool = False) -> None:
    """Draw the button with which a view starts its `count` runs, titled ``compare.<name>.start``.

    The runs start here instead of in a callback, because a callback gets the arguments of the previous script run.
    These lack a choice that arrives together with the click.
    """
    pressed = st.button(
        t(f"compare.{name}.start", session.language(), count=count),
        key=f"compare.{name}.start",
        icon=icon,
        type="primary",
        disabled=disabled,
    )
    if pressed:
        act()
        st.rerun()


def _incomplete(started: int, wanted: int) -> RunError:
    return RunError(
        "compare_started_some",
        f"{started} of {wanted} runs were started and go on; the others were refused.",
        started=started,
        wanted=wanted,
    )


def open_pair() -> tuple[str, str] | None:
    """Return the ready pair that is pinned, as recordings or runs, or None."""
    names = tuple(_recipe_of(pin) for pin in compare_state.pins())
    return next((pair for pair in READY if pair == names), None)


def _recipe_of(pin: Identity) -> str:
    return pin.name if pin.recorded else session.store().run(pin.name).name


def offer_training() -> None:
    """Draw the button that trains the pinned ready pair, if one is pinned."""
    lang, pair = session.language(), open_pair()
    if pair is None:
        return
    note = estimate.takes(*(RECIPES[name].config for name in pair), key="compare.train_both.takes")
    st.button(
        t("compare.train_both", lang),
        key="compare.train_both",
        icon=":material/play_arrow:",
        help=together(lang, t("compare.train_both.help", lang), note),
        on_click=train_pair,
        args=pair,
    )


def draw(names: Mapping[Identity, str]) -> None:
    """Draw the pins, each as a button that removes it, and the menu that adds one.

    Args:
        names: the label of each pin.
    """
    lang = session.language()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for pin, label in names.items():
            record = None if pin.recorded else session.store().run(pin.name)
            state = record.state if record else "recorded"
            config = record.config if record else recorded.label(pin.name).config
            st.button(
                f"{plain(label)} :small[:gray[{state_text(state, lang)}]]",
                key=f"compare.unpin.{pin.pin}",
                icon=":material/close:",
                help=t("compare.unpin", lang, name=plain(label), summary=plain(summary(config, lang))),
                on_click=compare_state.unpin,
                args=(pin,),
            )
        offer_training()
        _picker()


def _picker() -> None:
    lang, held = session.language(), compare_state.pins()
    records = {Identity.of_run(record.id): record for record in session.store().runs(limit=200)}
    options = [*records, *(Identity.of_recording(name) for name in recorded.names())]
    full = len(held) >= MAX_PINS
    key = session.key(_PICKER.key(str(len(held))))
    st.selectbox(
        t("compare.add", lang),
        [str(option) for option in options if option not in held],
        None,
        key=key,
        format_func=lambda option: _option(Identity.parse(option), records),
        placeholder=t("compare.add.full" if full else "compare.add.placeholder", lang, allowed=MAX_PINS),
        label_visibility="collapsed",
        disabled=full,
        width=420,
        on_change=_picked,
        args=(key,),
    )


def _option(pin: Identity, records: Mapping[Identity, RunRecord]) -> str:
    lang = session.language()
    if pin.recorded:
        return page_names.recording(pin.name)
    record = records[pin]
    parts = [page_names.title(record), summary(record.config, lang), state_text(record.state, lang)]
    if record.epoch:
        parts.append(t("runs.perplexity", lang, perplexity=number(record.perplexity)))
    return " · ".join([*parts, pin.name])


def _picked(key: str) -> None:
    # the next menu is a new widget, without a selection
    _PICKER.renew()
    chosen = st.session_state.get(key)
    if chosen:
        compare_state.pin(Identity.parse(str(chosen)))
