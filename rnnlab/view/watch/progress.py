"""The figures of a run: epoch, perplexity, speed, gradient norm."""

from __future__ import annotations

import streamlit as st

from rnnlab.events import RunDiverged
from rnnlab.text import ngrams
from rnnlab.view.language.i18n import code_text, t
from rnnlab.view.language.numbers import duration, number, thousands
from rnnlab.view.language.settings import STATE_COLORS, STATE_ICONS, state_text
from rnnlab.view.watch.scenes import Scene


def draw(scene: Scene) -> None:
    """Draw epoch, perplexity, speed and gradient norm, the time left, and the state of the run."""
    lang, history = scene.lang, scene.history
    last = history.last
    total = scene.config.num_epochs
    left = _left(scene)
    note = t("progress.epoch_of", lang, epoch=history.epoch, total=total)
    if left is not None:
        note += t("progress.left", lang, duration=duration(left, lang))
    if scene.state != "recorded":  # a recorded run is announced above
        badge = f":{STATE_COLORS[scene.state]}-badge[{STATE_ICONS[scene.state]} {state_text(scene.state, lang)}]"
        note = f"{badge} {note}"
    st.progress(min(1.0, history.progress / total) if total else 1.0, text=note)
    speed = history.characters_per_second()
    with st.grid(4, min_column_width=130, gap="small"):
        st.metric(t("chart.perplexity", lang), number(last.perplexity, 5) if last else "–")
        st.metric(t("progress.per_epoch", lang), number(last.seconds, 2) if last else "–")
        st.metric(t("progress.speed", lang), thousands(speed) if speed else "–", help=t("progress.speed.help", lang))
        st.metric(
            t("progress.grad_norm", lang),
            number(last.grad_norm, 3) if last else "–",
            help=t("progress.grad_norm.help", lang),
        )
    # one container, so that a note that appears or disappears does not move (and rebuild) the chart below
    with st.container(gap="small"):
        st.caption(measured(scene))
        _ending(scene)


def _left(scene: Scene) -> float | None:
    per_epoch = scene.history.seconds_per_epoch()
    if scene.state != "running" or per_epoch is None:
        return None
    remaining = scene.config.num_epochs - scene.history.progress
    return remaining * per_epoch if remaining > 0 else None


def measured(scene: Scene) -> str:
    """Return the sentence of `memory`, with the note that it depends on the training text."""
    sentence = memory(scene)
    return t("memory.measured", scene.lang, memory=sentence) if _comparable(scene) else sentence


def _comparable(scene: Scene) -> bool:
    # the ladder uses only the characters before; a network that reads both directions is not comparable
    last = scene.history.last
    return last is not None and last.perplexity is not None and not scene.config.bidirectional


def memory(scene: Scene) -> str:
    """Return the sentence on the place of the perplexity on the n-gram ladder, if the network reads one direction."""
    last, lang = scene.history.last, scene.lang
    if last is None:
        return t("memory.none", lang)
    if last.perplexity is None:
        return t("memory.infinite", lang)
    if scene.config.bidirectional:
        return t("memory.cloze" if scene.config.objective == "cloze" else "memory.bidirectional", lang)
    rung = ngrams.rung(last.perplexity, scene.ladder)
    if rung is None:
        return t("memory.worse", lang, uniform=number(scene.ladder[0]))
    highest = max(scene.ladder)
    if not highest:  # without the text, nothing was counted
        return t("memory.uniform", lang)
    near = ngrams.rung_near(last.perplexity, scene.ladder)
    if near is not None:
        return t(f"memory.at_{min(near, 3)}", lang, memory=near - 1)
    return t(f"memory.{min(rung, 3)}" if rung < highest else "memory.all", lang, order=rung, memory=max(rung - 1, 0))


def _ending(scene: Scene) -> None:
    lang, ending = scene.lang, scene.history.ending
    if scene.state == "queued":
        st.info(t("state.queued.note", lang, position=scene.queue_position or 1), icon=":material/hourglass_empty:")
    elif scene.state == "diverged" and isinstance(ending, RunDiverged):
        st.warning(
            t("state.diverged.note", lang, epoch=ending.epoch, norm=number(ending.grad_norm, 3)),
            icon=":material/trending_up:",
        )
    elif scene.state == "failed" and scene.error:
        error = scene.error
        message = code_text(str(error.get("code")), dict(error.get("params", {})), str(error.get("message", "")), lang)
        st.error(message, icon=":material/error:")
    elif scene.state == "interrupted":
        st.warning(t("state.interrupted.note", lang), icon=":material/power_off:")
