"""The choice of the topic and of the examined run: by the reader, by the URL, or by what suits the topic best."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose import starting, subject
from rnnlab.view.diagnose.address import ADDRESS, TOPICS
from rnnlab.view.diagnose.starting import RECIPE
from rnnlab.view.diagnose.subject import EPOCH, ExaminedRun
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import STATE_COLORS, STATE_ICONS, state_text, summary
from rnnlab.view.page import address, session
from rnnlab.view.page import names as page_names
from rnnlab.view.page.forms import Edition
from rnnlab.view.watch import progress

_FORM = Edition("diagnose")


def choose_topic() -> str:
    """Draw the choice of the topic, and return it."""
    lang = session.language()
    address.once("diagnose", _read_url)
    topic = str(st.session_state[starting.TOPIC])
    starting.PROBLEMS.show()
    if session.embedded():
        return topic
    key = session.key(_FORM.key("topics"))
    st.segmented_control(
        t("diagnose.topics", lang),
        list(TOPICS),
        key=key,
        default=topic,
        required=True,
        format_func=lambda name: f"{TOPICS[name]} {t(f'diagnose.{name}', lang)}",
        label_visibility="collapsed",
        wrap=True,
        on_change=_topic_changed,
        args=(key,),
    )
    return topic


def _read_url() -> None:
    state = st.session_state
    chosen: dict[str, Identity] = state.setdefault(starting.CHOSEN, {})
    requested, topic = _from_url(), ADDRESS.get("topic")
    if not topic:
        topic = _topic_of(requested) if requested else state.get(starting.TOPIC, "layers")
    state[starting.TOPIC] = topic
    _FORM.renew()
    if requested:
        chosen[topic] = requested
        epoch = ADDRESS.get("epoch")
        if epoch:
            state.setdefault(EPOCH, {})[requested] = int(epoch)


def _from_url() -> Identity | None:
    """Return the run or recording in the URL, or None."""
    if ADDRESS.given("run"):
        run_id = ADDRESS.get("run")
        return Identity.of_run(run_id) if run_id else None
    recording = ADDRESS.get("recording")
    return Identity.of_recording(recording) if recording else None


def _topic_of(identity: Identity) -> str:
    config = _config_of(identity)
    return next((topic for topic in ("layers", "directions") if config and fits(topic, config)), "overfitting")


def _config_of(identity: Identity) -> TrainConfig | None:
    if identity.recorded:
        return recorded.label(identity.name).config if identity.name in recorded.names() else None
    try:
        return session.store().run(identity.name).config
    except RunError:
        return None


def _topic_changed(key: str) -> None:
    topic = st.session_state.get(key)
    if topic in TOPICS:
        st.session_state[starting.TOPIC] = topic


def choose(topic: str) -> ExaminedRun | None:
    """Draw the choice of the run to examine; return it, or None if there is none.

    The default is the run shown last if it fits the topic, otherwise a recording or the newest run that fits.
    """
    records = subject.runs()
    names = _recordings(topic)
    chosen: dict[str, Identity] = st.session_state.setdefault(starting.CHOSEN, {})
    identity = chosen.get(topic)
    if identity and _config_of(identity) is None:  # deleted in the meantime
        identity = None
    identity = identity or _default(topic, records, names)
    if identity is None:
        ADDRESS.write(topic=topic, run=None, recording=None, epoch=None)
        return None
    chosen[topic] = identity
    examined = subject.of(identity)
    if examined is None:
        return None
    if not session.embedded():
        _choose_run(topic, identity, names, records)
        _choose_epoch(examined, topic)
    ADDRESS.write(
        topic=topic,
        run=None if identity.recorded else identity.name,
        recording=identity.name if identity.recorded else None,
        epoch=str(examined.epoch) if examined.epoch in examined.epochs[:-1] else None,
    )
    return examined


def _choose_run(topic: str, identity: Identity, names: list[str], records: list[RunRecord]) -> None:
    labels = {str(Identity.of_run(record.id)): page_names.option(record) for record in records}
    options = [*(str(Identity.of_recording(name)) for name in names), *labels]
    if str(identity) not in options:
        options.append(str(identity))
    # each choice has a widget of its own, whose state is never written
    key = session.key(f"diagnose.subject.{topic}.{identity}")
    st.selectbox(
        t("diagnose.subject", session.language()),
        options,
        options.index(str(identity)),
        key=key,
        format_func=lambda option: labels.get(option) or page_names.choice(Identity.parse(option)),
        on_change=_run_changed,
        args=(key, topic),
        filter_mode="contains",
        width=440,  # beside the checkpoint and the button at 1024 pixels, in Chinese too
    )


def fits(topic: str, config: TrainConfig) -> bool:
    """Return whether a run with `config` shows the effect that `topic` is about."""
    if config.objective != "next":
        return False
    if topic == "layers":
        return config.num_layers >= 4 and not config.bidirectional and not config.residual and not config.layer_norm
    if topic == "directions":
        return config.bidirectional
    return not config.bidirectional


def _recordings(topic: str) -> list[str]:
    """Return the recordings, first those that fit the topic."""
    names = recorded.names()
    order = sorted(names, key=lambda name: (name != RECIPE[topic], not fits(topic, recorded.label(name).config)))
    return [name for name in order if recorded.label(name).num_epochs]


def _default(topic: str, records: list[RunRecord], names: list[str]) -> Identity | None:
    last = next((record for record in records if record.id == st.session_state.get(session.SHOWN)), None)
    if last is not None and last.epoch and fits(topic, last.config):
        return Identity.of_run(last.id)
    fitting = [name for name in names if fits(topic, recorded.label(name).config)]
    runs = [record for record in records if record.epoch and fits(topic, record.config)]
    # a recording with diagnoses shows everything at once; otherwise prefer a run that can be diagnosed here
    probed = [name for name in fitting if recorded.label(name).probed]
    if probed:
        return Identity.of_recording(probed[0])
    if runs and any(record.continuable for record in runs):
        return Identity.of_run(next(record for record in runs if record.continuable).id)
    if fitting:
        return Identity.of_recording(fitting[0])
    return Identity.of_run(runs[0].id) if runs else None


def _run_changed(key: str, topic: str) -> None:
    value = st.session_state.get(key)
    if isinstance(value, str):
        starting.show(Identity.parse(value), topic)


def _choose_epoch(examined: ExaminedRun, topic: str) -> None:
    if len(examined.epochs) > 1 and topic in ("layers", "directions"):
        key = session.key(f"diagnose.epoch.{examined.identity}.{examined.epochs[-1]}")
        st.selectbox(
            t("diagnose.epoch", session.language()),
            examined.epochs,
            examined.epochs.index(examined.epoch) if examined.epoch in examined.epochs else len(examined.epochs) - 1,
            key=key,
            on_change=_epoch_changed,
            args=(key, examined.identity),
            width=160,
        )


def _epoch_changed(key: str, identity: Identity) -> None:
    value = st.session_state.get(key)
    if isinstance(value, int):
        st.session_state.setdefault(EPOCH, {})[identity] = value


def headline(examined: ExaminedRun) -> None:
    """Draw the setup and the state of the examined run, and what its perplexity means for the training text."""
    scene, lang = examined.scene, examined.scene.lang
    color, icon = STATE_COLORS[scene.state], STATE_ICONS[scene.state]
    badge = f":{color}-badge[{icon} {state_text(scene.state, lang)}]"
    with st.container(gap="xsmall"):
        st.caption(f"{badge} {plain(summary(examined.config, lang))}")
        if examined.config.objective == "next":
            st.caption(t("diagnose.memory", lang, memory=progress.memory(scene)))
