"""The lesson on depth: the gradient norm from layer to layer in two recorded runs."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.data.recorded import Recording
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_title
from rnnlab.view.lessons import charts, sentences, tables
from rnnlab.view.lessons.compute import depth
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import address, chart, session

_NAMES = ("A8", "A9")


def draw(lesson: Lesson) -> None:
    """Draw the gradient norms by layer of a two-layer and a six-layer network at a chosen epoch."""
    lang, theme = session.language(), session.theme()
    recordings = [recording for recording in map(recorded.choose_exactly, _NAMES) if recording is not None]
    epochs = _epochs(recordings)
    if not epochs:
        st.caption(t("lesson.depth.none", lang))
        return
    st.markdown(f":violet-badge[:material/movie: {t('lesson.recorded', lang)}] {t('lesson.depth.runs', lang)}")
    epoch = st.select_slider(
        t("chart.epoch", lang).capitalize(), epochs, epochs[min(4, len(epochs) - 1)], key="lesson.depth.epoch"
    )
    runs = {}
    for recording in recordings:
        name, event = recording.name, recording.history.at(epoch)
        if event is not None and event.grad_norm_by_layer:
            runs[f"{name} · {recipe_title(RECIPES[name], lang)}"] = (name, depth.descent(event))
    sentence = " ".join(sentences.depth(name, descent, epoch, lang) for name, descent in runs.values())
    chart.show(
        charts.norms(lang, theme),
        tables.norms({title: descent for title, (_, descent) in runs.items()}),
        key="lesson.depth.norms",
        alt=sentence,
    )
    conclude(sentence)
    st.page_link(
        address.PAGES["diagnose"][0],
        label=t("lesson.depth.diagnose", lang),
        icon=":material/stethoscope:",
        query_params={"lang": lang},
    )


def _epochs(recordings: list[Recording]) -> list[int]:
    """Return the epochs that all recordings have."""
    sets = [set(depth.spread(recording.history.epochs, 20)) for recording in recordings]
    return sorted(set.intersection(*sets)) if sets else []
