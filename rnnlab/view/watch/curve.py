"""The perplexity curve and the charts of the gradients."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from rnnlab.events import RunDiverged
from rnnlab.view.language.i18n import t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import layer_names
from rnnlab.view.page import chart, plot
from rnnlab.view.watch import charts, player, progress, tables
from rnnlab.view.watch.scenes import Scene


def draw(scene: Scene, epoch: int | None, key: str = "curve") -> None:
    """Draw the perplexity by epoch, with the marker at `epoch`; only the tables change, never the specification."""
    finding = _finding(scene) if _still(scene) else ""
    chart.show(
        charts.perplexity_curve(scene.lang, scene.theme),
        scene.curve_tables(epoch),
        key=key,
        alt=_alt("curve", scene, together(scene.lang, finding, _held_out(scene))),
        finding=finding,
        figures=progress.figures(scene),
        events=_events(scene, ("now",)),
        tall=True,
    )
    shown = tables.drawn_epochs(scene.history)
    notes = [finding]
    if len(shown) < len(scene.history.epochs):
        notes.append(t("figures.thinned", scene.lang, shown=len(shown), total=len(scene.history.epochs)))
    chart.notes(notes, "stage")


def _events(scene: Scene, marks: tuple[str, ...], part: str = "") -> plot.Events | None:
    """Return where the browser gets the points of a live run; None if the page has to look for them itself."""
    run = scene.identity
    if run is None or run.recorded or scene.ended or not plot.pushes():
        return None
    query = urlencode({"lang": scene.lang, "start": scene.history.starts})
    return plot.Events(f"lab/live/{run.name}?{query}", (scene.history.position,), scene.phase, marks, part)


def _alt(name: str, scene: Scene, finding: str) -> str:
    """Return the description of a chart, with its result if that does not change the text of a chart being watched.

    A changed text makes the browser rebuild the chart, which must not happen while it is watched. Live viewers read the
    result in the caption; later visitors also get it in the alt text.
    """
    key = f"curve.watched.{scene.id}"
    if scene.state != "recorded" and not scene.ended:
        st.session_state[key] = True
    description = t(f"chart.{name}_alt", scene.lang)
    return description if st.session_state.get(key) else f"{description} {finding}".strip()


def _still(scene: Scene) -> bool:
    # whether the result is shown
    identity = scene.identity
    return scene.ended or (identity is not None and identity.recorded and player.stopped(identity.name))


def _held_out(scene: Scene) -> str:
    """Return where the perplexity on held-out text was lowest; "" if it was not measured or the run goes on."""
    best = tables.best_held_out(scene.history) if _still(scene) else None
    if best is None:
        return ""
    perplexity = number(best.held_out_perplexity, 4)
    return t("chart.held_out_lowest", scene.lang, perplexity=perplexity, epoch=best.epoch)


def _finding(scene: Scene) -> str:
    """Return the sentences on the result of the run; its place on the n-gram ladder is shown above the curve."""
    ending = scene.history.ending
    diverged = t("curve.diverged", scene.lang, epoch=ending.epoch) if isinstance(ending, RunDiverged) else ""
    return together(scene.lang, change(scene), diverged)


STEADY = 0.02
"""Relative difference between the first and the last perplexity up to which the curve counts as flat."""


def change(scene: Scene) -> str:
    """Return the sentence on the change of the perplexity from the first epoch to the last; "" before the first."""
    lang, epochs = scene.lang, scene.history.epochs
    if not epochs:
        return ""
    first, last = epochs[0], epochs[-1]
    figures = {"first": first.epoch, "epoch": last.epoch, "start": number(first.perplexity, 5)}
    if first is last:
        return t("chart.curve_now", lang, epoch=last.epoch, perplexity=number(last.perplexity, 5))
    before = float("inf") if first.perplexity is None else first.perplexity
    after = float("inf") if last.perplexity is None else last.perplexity
    if before == after == float("inf"):
        return t("curve.overflows", lang, **figures)
    how = "stayed" if abs(after - before) <= STEADY * before < float("inf") else ""
    how = how or ("fell" if after < before else "rose")
    return t(f"curve.{how}", lang, **figures, end=number(last.perplexity, 5))


def _norms(scene: Scene) -> str:
    """Return the gradient norms of the last epoch by layer, as text."""
    last, lang = scene.history.last, scene.lang
    if last is None:
        return ""
    names = [t("chart.all_layers", lang), *layer_names(len(last.grad_norm_by_layer), lang)]
    norms = [last.grad_norm, *last.grad_norm_by_layer]
    return t("list.join", lang).join(f"{name} {number(norm, 2)}" for name, norm in zip(names, norms, strict=True))


def clipping(scene: Scene) -> str:
    """Return the sentence on the clipping in the last epoch; "" before the first."""
    last, lang = scene.history.last, scene.lang
    if last is None:
        return ""
    if last.clip_norm is None:
        return t("gradient.off", lang)
    sentence = t("gradient.on", lang, share=f"{last.clipped_share:.0%}", threshold=f"{last.clip_norm:g}")
    after = last.after_clipping()
    if after is None or not last.clipped_share:
        return sentence
    return sentence + t("gradient.after", lang, before=number(last.grad_norm, 3), after=number(after[0], 3))


def gradients(scene: Scene, key: str = "gradients") -> None:
    """Draw the gradient norm by layer and, if the run clips, the share of the minibatches that were clipped."""
    if not scene.history.epochs:
        if scene.ended or scene.state == "recorded":
            st.caption(t("memory.none", scene.lang))
        else:
            st.skeleton(height=240)
        return
    lang, data, clipped = scene.lang, scene.gradient_tables(), clipping(scene)
    norms = t("gradient.norms", lang, epoch=scene.history.epoch, norms=_norms(scene)) if _still(scene) else ""
    clips = scene.clips
    left, right = st.columns([3, 2], gap="medium") if clips else (st.container(), None)
    names = len(layer_names(len(scene.history.epochs[-1].grad_norm_by_layer), lang)) + (2 if clips else 1)
    with left:
        chart.show(
            charts.gradient_curve(lang, scene.theme, names),
            {name: data[name] for name in charts.GRADIENT_TABLES},
            key=f"{key}.norm",
            alt=_alt("gradient", scene, norms.strip()),
            finding=norms.strip(),
            note=("norms", norms),
            events=_events(scene, ("extent",), "gradients"),
        )
    if right is None:  # there are no shares to draw
        st.caption(clipped)
        return
    with right:
        chart.show(
            charts.clipped_curve(lang, scene.theme),
            {name: data[name] for name in charts.CLIPPED_TABLES},
            key=f"{key}.clipped",
            alt=_alt("clipped", scene, clipped if norms else ""),
            finding=clipped if norms else "",
            note=("clipping", clipped),
            events=_events(scene, ("extent",), "gradients"),
        )
