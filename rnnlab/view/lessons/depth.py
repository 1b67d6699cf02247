"""The lesson on depth: what the gradient's norm does from layer to layer, in two recorded runs."""

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
    """Let the reader go through the epochs of a two-layer and a six-layer network."""
    lang, theme = session.language(), session.theme()
    recordings = [one for one in map(recorded.choose_exactly, _NAMES) if one is not None]
    epochs = _epochs(recordings)
    if not epochs:
        st.caption(t("lesson.depth.none", lang))
        return
    st.markdown(f":violet-badge[:material/movie: {t('lesson.recorded', lang)}] {t('lesson.depth.runs', lang)}")
    epoch = st.select_slider(t("chart.epoch", lang), epochs, epochs[min(4, len(epochs) - 1)], key="lesson.depth.epoch")
    runs = {}
    for one in recordings:
        at = one.history.at(epoch)
        if at is not None and at.grad_norm_by_layer:
            runs[f"{one.name} · {recipe_title(RECIPES[one.name], lang)}"] = (one.name, depth.descent(at))
    said = " ".join(sentences.depth(name, found, epoch, lang) for name, found in runs.values())
    chart.show(
        charts.norms(lang, theme),
        tables.norms({title: found for title, (_, found) in runs.items()}),
        key="lesson.depth.norms",
        alt=said,
    )
    conclude(said)
    st.page_link(
        address.PAGES["diagnose"][0],
        label=t("lesson.depth.diagnose", lang),
        icon=":material/stethoscope:",
        query_params={"lang": lang},
    )


def _epochs(recordings: list[Recording]) -> list[int]:
    """Return the epochs that all recordings have."""
    sets = [set(depth.spread(one.history.epochs, 20)) for one in recordings]
    return sorted(set.intersection(*sets)) if sets else []
