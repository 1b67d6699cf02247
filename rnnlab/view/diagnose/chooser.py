"""Choosing the topic and whom to examine: by a click, by the URL, or as suits the topic best."""

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
from rnnlab.view.diagnose.subject import EPOCH, Subject
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import STATE_COLORS, STATE_ICONS, state_text, summary
from rnnlab.view.page import address, session
from rnnlab.view.page import names as page_names
from rnnlab.view.page.forms import Edition
from rnnlab.view.watch import progress

_FORM = Edition("diagnose")


def choose_topic() -> str:
    """Draw the choice of the topic; return it."""
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
        format_func=lambda one: f"{TOPICS[one]} {t(f'diagnose.{one}', lang)}",
        label_visibility="collapsed",
        wrap=True,
        on_change=_topic_changed,
        args=(key,),
    )
    return topic


def _read_url() -> None:
    state = st.session_state
    chosen: dict[str, Identity] = state.setdefault(starting.CHOSEN, {})
    asked, topic = _from_url(), ADDRESS.get("topic")
    if not topic:
        topic = _topic_of(asked) if asked else state.get(starting.TOPIC, "layers")
    state[starting.TOPIC] = topic
    _FORM.renew()
    if asked:
        chosen[topic] = asked
        epoch = ADDRESS.get("epoch")
        if epoch:
            state.setdefault(EPOCH, {})[asked] = int(epoch)


def _from_url() -> Identity | None:
    """Return the run or recording that the URL names, or None."""
    if ADDRESS.given("run"):
        run_id = ADDRESS.get("run")
        return Identity.of_run(run_id) if run_id else None
    recording = ADDRESS.get("recording")
    return Identity.of_recording(recording) if recording else None


def _topic_of(identity: Identity) -> str:
    config = _config_of(identity)
    return next((one for one in ("layers", "directions") if config and fits(one, config)), "overfitting")


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


def choose(topic: str) -> Subject | None:
    """Draw the choice of whom to examine; return it, or None where there is nobody.

    By default: the run looked at last where it fits the topic, a recording, the newest run that fits.
    """
    records = subject.runs()
    names = _recordings(topic)
    chosen: dict[str, Identity] = st.session_state.setdefault(starting.CHOSEN, {})
    identity = chosen.get(topic)
    if identity and _config_of(identity) is None:  # deleted meanwhile
        identity = None
    identity = identity or _default(topic, records, names)
    if identity is None:
        ADDRESS.write(topic=topic, run=None, recording=None, epoch=None)
        return None
    chosen[topic] = identity
    found = subject.of(identity)
    if found is None:
        return None
    if not session.embedded():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            _choose_subject(topic, identity, names, records)
            _choose_epoch(found, topic)
    ADDRESS.write(
        topic=topic,
        run=None if identity.recorded else identity.name,
        recording=identity.name if identity.recorded else None,
        epoch=str(found.epoch) if found.epoch in found.epochs[:-1] else None,
    )
    return found


def _choose_subject(topic: str, identity: Identity, names: list[str], records: list[RunRecord]) -> None:
    labels = {str(Identity.of_run(one.id)): page_names.option(one) for one in records}
    options = [*(str(Identity.of_recording(one)) for one in names), *labels]
    if str(identity) not in options:
        options.append(str(identity))
    # another choice is another widget: its own state is never written to
    key = session.key(f"diagnose.subject.{topic}.{identity}")
    st.selectbox(
        t("diagnose.subject", session.language()),
        options,
        options.index(str(identity)),
        key=key,
        format_func=lambda one: labels.get(one) or page_names.choice(Identity.parse(one)),
        on_change=_subject_changed,
        args=(key, topic),
        filter_mode="contains",
        width=460,
    )


def fits(topic: str, config: TrainConfig) -> bool:
    """Say whether a run with `config` shows what `topic` is about."""
    if config.objective != "next":
        return False
    if topic == "layers":
        return config.num_layers >= 4 and not config.bidirectional and not config.residual and not config.layer_norm
    if topic == "directions":
        return config.bidirectional
    return not config.bidirectional


def _recordings(topic: str) -> list[str]:
    """Return the recordings, those that fit the topic first."""
    names = recorded.names()
    order = sorted(names, key=lambda one: (one != RECIPE[topic], not fits(topic, recorded.label(one).config)))
    return [one for one in order if recorded.label(one).num_epochs]


def _default(topic: str, records: list[RunRecord], names: list[str]) -> Identity | None:
    last = next((one for one in records if one.id == st.session_state.get(session.SHOWN)), None)
    if last is not None and last.epoch and fits(topic, last.config):
        return Identity.of_run(last.id)
    fitting = [one for one in names if fits(topic, recorded.label(one).config)]
    runs = [one for one in records if one.epoch and fits(topic, one.config)]
    # a recording that was diagnosed shows everything at once; else a run can be diagnosed here
    probed = [one for one in fitting if recorded.label(one).probed]
    if probed:
        return Identity.of_recording(probed[0])
    if runs and any(one.continuable for one in runs):
        return Identity.of_run(next(one for one in runs if one.continuable).id)
    if fitting:
        return Identity.of_recording(fitting[0])
    return Identity.of_run(runs[0].id) if runs else None


def _subject_changed(key: str, topic: str) -> None:
    value = st.session_state.get(key)
    if isinstance(value, str):
        starting.show(Identity.parse(value), topic)


def _choose_epoch(one: Subject, topic: str) -> None:
    if len(one.epochs) > 1 and topic in ("layers", "directions"):
        key = session.key(f"diagnose.epoch.{one.identity}.{one.epochs[-1]}")
        st.selectbox(
            t("diagnose.epoch", session.language()),
            one.epochs,
            one.epochs.index(one.epoch) if one.epoch in one.epochs else len(one.epochs) - 1,
            key=key,
            on_change=_epoch_changed,
            args=(key, one.identity),
            width=160,
        )


def _epoch_changed(key: str, identity: Identity) -> None:
    value = st.session_state.get(key)
    if isinstance(value, int):
        st.session_state.setdefault(EPOCH, {})[identity] = value


def headline(one: Subject) -> None:
    """Say who is examined: its setup, how it stands, what its perplexity says of the training text."""
    scene, lang = one.scene, one.scene.lang
    color, icon = STATE_COLORS[scene.state], STATE_ICONS[scene.state]
    badge = f":{color}-badge[{icon} {state_text(scene.state, lang)}]"
    st.caption(f"{badge} {plain(summary(one.config, lang))}")
    if one.config.objective == "next":
        st.caption(t("diagnose.memory", lang, memory=progress.memory(scene)))
