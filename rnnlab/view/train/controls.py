"""The controls of a run: start, pause, resume, step, stop, continue, and changes of settings during training."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs.protocol import STEP_UNITS
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.recorded import Recording
from rnnlab.view.language import tips
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import changes_text, summary
from rnnlab.view.page import address, estimate, folded, names, plot, session, share
from rnnlab.view.page.forms import Problems
from rnnlab.view.page.session import SHOWN
from rnnlab.view.train import origin, projection
from rnnlab.view.train import setup as train_setup
from rnnlab.view.train.address import ADDRESS
from rnnlab.view.train.setup import Setup
from rnnlab.view.watch import exports, scenes
from rnnlab.view.watch.tables import change_label

PROBLEMS = Problems("controls")
"""Errors of the buttons and of a setup that cannot be started, which are shown below the buttons."""
_CLIP_NORM = 0.01
"""The threshold offered when clipping is switched on, the book's."""
MORE_EPOCHS = (0, 10, 40, 160)
SETTLE = 0.4
"""Seconds that the page waits for a run to carry out a command."""
FIRST_POINT = 0.35
"""Seconds that the page waits for the first epoch after a click on Start."""
SAME_STEP = 0.3
"""Seconds within which a repeated step counts as the same click; intended steps can follow each other quickly."""


def bar(
    setup: Setup, record: RunRecord | None, recording: Recording | None = None, fits: bool = True
) -> DeltaGenerator:
    """Draw the row of buttons of the shown run, or of a start, and the line that says what is shown.

    Args:
        setup: the chosen setup.
        record: the shown run.
        recording: the recording that is shown without a run.
        fits: whether the setup can be trained on its text.

    Returns:
        the row, to which the player of a recording adds its buttons.
    """
    large = session.stage()
    key = "train.bar.large" if large else "train.bar"
    row = st.container(key=key, horizontal=True, vertical_alignment="center", gap="small")
    with row:
        if large:
            _large_buttons(setup, record)
        else:
            _buttons(setup, record, recording)
            projection.switch()
            if recording is None:
                _line(setup, record, fits)
    train_setup.REFUSED.show(stay=True)
    if setup.config is None and setup.problem is not None:
        session.show_error(setup.problem)
    PROBLEMS.show()
    return row


def _large_buttons(setup: Setup, record: RunRecord | None) -> None:
    """Draw the four buttons of the stage, each always in the same place, and the one that leaves it."""
    live = record is not None and record.live and session.may_steer(record)
    waits = record is not None and record.state == "queued"
    if record is not None and live:
        name, icon = ("resume", ":material/play_arrow:") if record.state == "paused" else ("pause", ":material/pause:")
        _button(name, icon, _command, name, record.id, primary=True, disabled=waits)
    else:
        _button("start", ":material/play_arrow:", _start, primary=True, disabled=setup.config is None)
    run_id = record.id if record is not None else ""
    _button("step_on", ":material/skip_next:", _stepped, run_id, "epoch", disabled=not live or waits)
    _button("stop", ":material/stop:", _command, "stop", run_id, disabled=not live)
    projection.code(record)
    projection.switch()


def _buttons(setup: Setup, record: RunRecord | None, recording: Recording | None) -> None:
    if record is not None and not session.may_steer(record):
        _watched_buttons(record)
        return
    is_live = record is not None and record.live
    if record is None or not is_live:
        _button("start", ":material/play_arrow:", _start, primary=True, disabled=setup.config is None)
    if record is None and setup.config is not None and setup.config.start_from:
        origin.chip(setup.config)
    if record is not None and is_live:
        if record.state == "paused":
            _button("resume", ":material/play_arrow:", _command, "resume", record.id, primary=True)
        else:
            _button("pause", ":material/pause:", _command, "pause", record.id, primary=True,
                    disabled=record.state == "queued")  # fmt: skip
        _step_buttons(record)
        _button("stop", ":material/stop:", _command, "stop", record.id)
        if record.state != "queued":
            _adjust(record)
        if setup.config is not None and setup.config != record.config:
            _button("start_new", ":material/add:", _start)
    if record is not None and not is_live:
        if record.continuable and record.state != "diverged":
            _continue(record)
        _button("again", ":material/replay:", _again, record)
        _tune_button(names.recipe_of(record).id, record.config, origin.of_run(record))
    if recording is not None:
        _tune_button(setup.recipe.id, setup.recipe.config, origin.of_recording(setup.recipe.id))
    _share(record)
    if record is not None:
        exports.exports(record)
        if not is_live:
            _button("close", ":material/close:", leave)


def _watched_buttons(record: RunRecord) -> None:
    """Draw the buttons of a run of another visitor, which can be watched and repeated."""
    st.badge(t("controls.watching", session.language()), icon=":material/visibility:", color="gray")
    mine = session.may_read(record.config.corpus)
    _button("own", ":material/play_arrow:", _again, record, primary=True, disabled=not mine)
    _share(record)
    exports.exports(record)
    _button("close", ":material/close:", leave)


def _line(setup: Setup, record: RunRecord | None, fits: bool) -> None:
    """Draw what is shown in one line: the run with its changes, or the setup and how long it takes on this machine."""
    lang = session.language()
    config = record.config if record is not None else setup.config
    if config is None:
        return
    recipe = names.recipe_of(record) if record is not None else setup.recipe
    notes = []
    if config != recipe.config:
        changes = changes_text(config, recipe.config, lang, session.text_title(config.corpus))
        notes.append(t("setup.based_on.changes", lang, id=recipe.id, changes=plain(changes)))
    else:
        notes += [t("setup.recipe_badge", lang, id=recipe.id), tips.recipe_place(recipe, lang)]
    if record is not None:
        notes += _changed_by_hand(record)
    if record is None:
        notes += [origin.known(config) if config.start_from else "", estimate.takes(config) if fits else ""]
    elif setup.config != record.config:
        notes = [t("train.shown", lang, name=plain(names.short(record)), summary=plain(summary(config, lang)))]
    st.caption("  ·  ".join(filter(None, notes)), width="stretch")


def _button(
    name: str, icon: str, act: Callable[..., None], *args: Any, primary: bool = False, disabled: bool = False
) -> None:
    lang = session.language()
    st.button(
        t(f"controls.{name}", lang),
        key=f"controls.{name}",
        icon=icon,
        help=t(f"controls.{name}.help", lang),
        type="primary" if primary else "secondary",
        on_click=PROBLEMS.guard,
        args=(act, *args),
        disabled=disabled,
    )


def _start() -> None:
    # read the widgets now: the last script run may not have had the newest input
    setup = train_setup.chosen()
    if setup.config is None:
        return  # the page says why
    session.trainable_facts(setup.config)
    _show(session.start_run(setup.config, name=setup.name, based_on=setup.based_on))


def _again(record: RunRecord) -> None:
    _show(session.start_run(record.config, name=record.name, based_on=record.based_on))


def _tune_button(recipe: str, config: TrainConfig, start_from: str) -> None:
    if start_from:
        _button("tune", ":material/model_training:", _tune, recipe, config, start_from)


def _tune(recipe: str, config: TrainConfig, start_from: str) -> None:
    leave()
    origin.use(recipe, config, start_from)


def leave() -> None:
    """Show no run until another one is started."""
    ADDRESS.write(run=None)
    st.session_state.pop(SHOWN, None)


def shown_run() -> RunRecord | None:
    """Return the shown run: when the page begins, the run in the URL; later the run shown or started last."""
    address.once("controls", _read_url)
    run_id = st.session_state.get(SHOWN)
    try:
        record = session.store().run(run_id) if run_id else None
    except RunError as error:
        session.show_error(error)
        record = None
    if record is None:
        leave()
        return None
    st.session_state[SHOWN] = record.id
    ADDRESS.write(run=record.id)
    return record


def _read_url() -> None:
    run_id = ADDRESS.get("run")
    if run_id:
        st.session_state[SHOWN] = run_id
    elif ADDRESS.given("recipe"):  # the link opens a setup, not the run shown last
        st.session_state.pop(SHOWN, None)


def _show(run_id: str) -> None:
    st.session_state[SHOWN] = run_id
    ADDRESS.write(run=run_id)
    if _settle(run_id, lambda run: run.state != "queued") and not plot.pushes():
        # a small network has its first point before the page could be drawn a second time
        _settle(run_id, lambda run: run.epoch > 0 or not run.live, FIRST_POINT)


def _command(name: str, run_id: str) -> None:
    before = session.store().run(run_id).state
    getattr(session.client(), name)(run_id)
    _settle(run_id, lambda run: run.state != before)


def _settle(run_id: str, settled: Callable[[RunRecord], bool], timeout: float = SETTLE) -> bool:
    # commands take effect within milliseconds; wait for that, so that the page is drawn only once, in its new state
    deadline = time.monotonic() + timeout
    version = session.store().version(run_id)
    while not (done := settled(session.store().run(run_id))) and (left := deadline - time.monotonic()) > 0:
        version = session.client().wait(run_id, version, timeout=left)
    return done


def _step_buttons(record: RunRecord) -> None:
    """Draw the button that takes a step, and the menu beside it that chooses how far a step goes."""
    lang, waits = session.language(), record.state == "queued"
    unit = st.session_state.get(_UNIT, STEP_UNITS[0])
    with st.container(horizontal=True, gap=None, width="content"):
        st.button(
            t(f"controls.step.{unit}", lang),
            key="controls.step",
            icon=":material/skip_next:",
            help=t("controls.step.help", lang),
            on_click=PROBLEMS.guard,
            args=(_stepped, record.id, unit),
            disabled=waits,
        )
        st.menu_button(
            t("controls.step.unit", lang),
            list(STEP_UNITS),
            key="controls.step.menu",
            format_func=lambda choice: t(f"controls.step.{choice}", lang),
            on_click=_step,
            args=(record.id,),
            disabled=waits,
        )


_UNIT = "controls.step.chosen"


def _step(run_id: str) -> None:
    unit = st.session_state.get("controls.step.menu")
    if unit in STEP_UNITS:
        st.session_state[_UNIT] = unit
        PROBLEMS.guard(_stepped, run_id, unit)


def _stepped(run_id: str, unit: str) -> None:
    version = session.store().version(run_id)
    client = session.client()
    session.clicks().once(("step", run_id, unit), lambda: client.step(run_id, unit), SAME_STEP)
    session.client().wait(run_id, version, timeout=SETTLE)


def _continue(record: RunRecord) -> None:
    lang = session.language()
    remaining = record.num_epochs - record.epoch
    options = [more for more in MORE_EPOCHS if more or remaining > 0]
    st.menu_button(
        t("controls.continue", lang),
        options,
        key="controls.continue",
        icon=":material/play_arrow:",
        format_func=lambda more: (
            t("controls.continue.more", lang, epochs=more)
            if more
            else t("controls.continue.rest", lang, epochs=remaining)
        ),
        help=t("controls.continue.help", lang),
        on_click=_continued,
        args=(record,),
    )


def _continued(record: RunRecord) -> None:
    more = st.session_state.get("controls.continue")
    if isinstance(more, int):
        PROBLEMS.guard(_continue_run, record, more)


def _continue_run(record: RunRecord, more: int) -> None:
    client, run_id = session.client(), record.id
    is_setup = train_setup.chosen().config == record.config
    session.clicks().once(("continue", run_id, more), lambda: client.continue_run(run_id, more))
    _settle(run_id, lambda run: run.state != "queued")
    if is_setup and more:  # the run became longer, and the sidebar still shows its setup
        train_setup.show(session.store().run(run_id))


def _changed_by_hand(record: RunRecord) -> list[str]:
    """Return the settings that were changed during training, each with its value now."""
    lang = session.language()
    changes = scenes.feed(record.id).scene(record, lang, session.theme()).history.changes
    newest = {change.name: change_label(change.name, change.value, lang) for change in changes}
    return [t("controls.now", lang, value=value) for value in newest.values()]


FACTORS = {"÷10": 0.1, "÷2": 0.5, "×2": 2.0, "×10": 10.0}
"""The buttons that change the learning rate."""


def _adjust(record: RunRecord) -> None:
    lang = session.language()
    rate, clip = _settings_now(record)
    # another rate is another field, which starts at it
    rate_key = f"controls.rate.{record.id}.{rate:g}"
    clip_key, on_key = (f"controls.{name}.{record.id}" for name in ("clip", "clipping"))
    with st.popover(t("controls.adjust", lang), icon=":material/tune:", help=t("controls.adjust.help", lang)):
        with st.container(horizontal=True, gap="xsmall"):
            for label, factor in FACTORS.items():
                st.button(
                    f"η {label}",
                    key=f"controls.rate{label}",
                    on_click=PROBLEMS.guard,
                    args=(_scale_rate, record.id, factor),
                )
        st.number_input(
            t("field.learning_rate", lang),
            1e-9,
            1e4,
            rate,
            step=rate / 10,
            format="%.6g",
            key=rate_key,
            on_change=PROBLEMS.guard,
            args=(_set_rate, record.id, rate_key),
        )
        shown = clip or _CLIP_NORM
        on = st.toggle(
            t("setup.clipping", lang),
            clip is not None,
            key=on_key,
            on_change=PROBLEMS.guard,
            args=(_set_clip, record.id, on_key, clip_key, shown),
        )
        st.number_input(
            t("field.clip_norm", lang),
            1e-9,
            1e6,
            shown,
            step=(record.config.clip_norm or _CLIP_NORM) / 10,
            format="%.6g",
            key=clip_key,
            on_change=PROBLEMS.guard,
            args=(_set_clip, record.id, on_key, clip_key, shown),
            disabled=not on,
        )
        st.caption(t("controls.adjust.note", lang))


def _settings_now(record: RunRecord) -> tuple[float, float | None]:
    rate, clip = record.config.learning_rate, record.config.clip_norm
    for change in scenes.feed(record.id).scene(record, session.language(), session.theme()).history.changes:
        if change.name == "clip_norm":
            clip = change.value
        elif change.value is not None:
            rate = change.value
    return rate, clip


def _scale_rate(run_id: str, factor: float) -> None:
    rate, _ = _settings_now(session.store().run(run_id))
    session.client().set(run_id, "learning_rate", float(f"{min(max(rate * factor, 1e-9), 1e4):.6g}"))


def _set_rate(run_id: str, key: str) -> None:
    rate = float(st.session_state[key])
    if rate != _settings_now(session.store().run(run_id))[0]:  # a field that is left sends its value again
        session.client().set(run_id, "learning_rate", rate)


def _set_clip(run_id: str, on_key: str, clip_key: str, shown: float) -> None:
    # the field has no value yet if the switch is used before the page is complete
    value = float(st.session_state.get(clip_key, shown)) if st.session_state.get(on_key, True) else None
    session.client().set(run_id, "clip_norm", value)


def _share(record: RunRecord | None) -> None:
    folded.popover(
        "controls.share",
        share.this_page if record is None else partial(exports.links, record),
        key=f"share.{record.id if record else 'page'}",
        icon=":material/link:",
        quiet=False,
    )
