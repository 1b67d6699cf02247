"""The figures of a run: perplexity and its meaning, epoch, time left, speed, gradient norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rnnlab.events import RunDiverged, RunFinished
from rnnlab.stuck import STUCK_RATIO, is_starved
from rnnlab.text import ngrams
from rnnlab.view.language.i18n import code_text, plain, t, together, unescaped
from rnnlab.view.language.numbers import duration, number, thousands
from rnnlab.view.language.settings import state_text
from rnnlab.view.page import estimate
from rnnlab.view.watch.scenes import Scene

SOON = 2.0
"""Expected waiting time in seconds below which it is not shown."""
ACCIDENTS = ("run_killed", "run_exited", "run_protocol", "run_host_killed")
"""Codes of errors after which continuing the run can succeed."""


def figures(scene: Scene) -> dict[str, Any]:
    """Return the figures of a run as texts: ``perplexity``, ``memory`` (its meaning), ``state``, ``epoch``, and so on.

    ``percent`` is the finished part of the run, and ``code`` the state as the program knows it.
    """
    lang, history = scene.lang, scene.history
    last, total, left = history.last, scene.config.num_epochs, _left(scene)
    speed = history.characters_per_second()
    pace = []
    if scene.host:  # first, as the end of a long line is not shown
        trains = scene.state in ("running", "paused")
        pace.append(t("figures.trains_on" if trains else "figures.trained_on", lang, host=scene.host))
    if last is not None:
        pace.append(t("figures.seconds", lang, seconds=number(last.seconds, 2)))
        if speed:
            pace.append(t("figures.speed", lang, speed=thousands(speed)))
        pace.append(t("figures.norm", lang, norm=number(last.grad_norm, 3)))
    fraction = min(1.0, history.progress / total) if total else 1.0
    preview = scene.state == "preview"
    return {
        "perplexity": number(last.perplexity, 5) if last else "–",
        "memory": t("figures.start", lang) if preview else special(scene) or starved(scene) or memory(scene),
        "state": state_text(scene.state, lang) if scene.state not in ("recorded", "preview") else "",
        "epoch": t("progress.epoch_of", lang, epoch=history.epoch, total=total) + _within_epoch(scene),
        "left": "" if left is None else t("figures.left", lang, duration=duration(left, lang)),
        "pace": " · ".join(pace),
        "percent": round(100 * fraction, 2),
        "code": scene.state,
    }


def draw(shown: Mapping[str, Any]) -> None:
    """Draw the figures of a run with Streamlit's own elements, where the chart does not show them itself."""
    st.markdown(f"**{shown['perplexity']}** {plain(shown['memory'])}")
    status = (shown[name] for name in ("state", "epoch", "left", "pace"))
    st.progress(shown["percent"] / 100, text=" · ".join(plain(text) for text in status if text))


def _within_epoch(scene: Scene) -> str:
    """Return where in an epoch a run is paused, with the loss of its last minibatch; "" between two epochs."""
    newest = scene.history.minibatches[-1] if scene.history.minibatches else None
    if scene.state != "paused" or newest is None or newest.epoch <= scene.history.epoch:
        return ""
    return " · " + t(
        "figures.minibatch",
        scene.lang,
        minibatch=newest.minibatch,
        total=newest.num_minibatches,
        loss=number(newest.loss, 4),
    )


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


def starved(scene: Scene) -> str:
    """Return why a network stays at the character frequencies, if hardly any gradient reaches its first layer."""
    last, unigram = scene.history.last, scene.ladder.get(1)
    if last is None or last.perplexity is None or not unigram or not is_starved(last.grad_norm_by_layer):
        return ""
    if abs(last.perplexity / unigram - 1) > STUCK_RATIO:
        return ""
    lowest, output = last.grad_norm_by_layer[0], last.grad_norm_by_layer[-1]
    return t("memory.starved", scene.lang, lowest=number(lowest, 2), output=number(output, 2))


def special(scene: Scene) -> str:
    """Return the note on a run that waits, or that ended otherwise than planned; "" for any other."""
    lang, history = scene.lang, scene.history
    ending = history.ending
    if scene.state == "queued":
        if scene.lacking:
            return t(f"state.queued.no_{scene.lacking}", lang)
        if scene.identity is not None and estimate.waits_for_own(scene.identity.name):
            return t("state.queued.own", lang)
        note = t("state.queued.note", lang, position=scene.queue_position or 1)
        seconds = estimate.wait(scene.identity.name) if scene.identity else None
        if seconds is None or seconds < SOON:
            return note
        return together(lang, note, t("state.queued.wait", lang, duration=duration(seconds, lang)))
    if scene.stopped_early and isinstance(ending, RunFinished) and (best := history.at(ending.best_epoch or 0)):
        return t(
            "state.early.note",
            lang,
            epoch=best.epoch,
            perplexity=number(best.held_out_perplexity, 4),
        )
    if scene.state == "diverged" and isinstance(ending, RunDiverged):
        note = t("state.diverged.note", lang, epoch=ending.epoch, norm=number(ending.grad_norm, 3))
        return together(lang, note, _calmer(scene))
    if scene.state == "failed" and scene.error:
        error = scene.error
        code = str(error.get("code"))
        message = unescaped(code_text(code, dict(error.get("params", {})), str(error.get("message", "")), lang))
        return together(lang, message, _afterwards(scene)) if code in ACCIDENTS else message
    if scene.state in ("finished", "stopped") and history.last is not None and history.last.perplexity is None:
        return together(lang, memory(scene), _calmer(scene))
    if scene.state != "interrupted":
        return ""
    note = t("state.interrupted.host.note" if scene.host else "state.interrupted.note", lang, host=scene.host)
    return together(lang, note, _afterwards(scene))


def _calmer(scene: Scene) -> str:
    """Return advice for a run that diverged or overflowed; recommend clipping only if it is off."""
    return t("state.calmer" if scene.config.clip_norm is None else "state.slower", scene.lang)


def _afterwards(scene: Scene) -> str:
    """Return whether a run that was killed or interrupted can be continued, as a sentence."""
    return t("state.continuable" if scene.continuable else "state.again", scene.lang)
