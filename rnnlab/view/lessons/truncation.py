"""The lesson on truncated backpropagation: how far a gradient flows back, and the cost without truncation."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.lessons import charts, contents, sentences, tables
from rnnlab.view.lessons.compute import truncation
from rnnlab.view.lessons.compute.exercises import without_detach
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, link, title
from rnnlab.view.page import chart, session
from rnnlab.view.watch import scenes

_STEPS = 4  # time steps per minibatch in the picture; the book has 35


def draw(lesson: Lesson) -> None:
    """Draw the graph of an epoch with the path of a gradient, and the number of time steps by minibatch."""
    lang, theme = session.language(), session.theme()
    left, middle, right = st.columns([2, 2, 1], gap="medium", vertical_alignment="bottom")
    count = left.slider(t("lesson.truncation.count", lang), 2, 8, 4, key="lesson.truncation.count")
    minibatch = middle.slider(
        t("lesson.truncation.of", lang), 1, count, min(3, count), key=f"lesson.truncation.minibatch.{count}"
    )
    detach = right.toggle(t("lesson.truncation.detach", lang), True, key="lesson.truncation.detach")
    steps = RECIPES["X4"].config.num_steps
    walked = {cut: sum(truncation.steps_walked(count, steps, cut)) for cut in (True, False)}
    sentence = t(
        f"lesson.truncation.{'is_cut' if detach else 'is_whole'}",
        lang,
        minibatch=minibatch,
        reach=len(truncation.reach(minibatch, steps, detach)),
        count=count,
        sum=walked[detach],
        ratio=number(walked[False] / walked[True], 3),
    )
    chart.show(
        charts.reach(lang, theme),
        tables.reach(minibatch, count, _STEPS, detach, lang),
        key="lesson.truncation.reach",
        alt=sentence,
    )
    st.caption(t("lesson.truncation.legend", lang))
    chart.show(
        charts.walked(lang, theme), tables.walked(count, steps, lang), key="lesson.truncation.walked", alt=sentence
    )
    conclude(sentence)
    _measured()


def _measured() -> None:
    """Show the cost of X4: by minibatch for a run on this server, else by epoch from the recording."""
    lang, theme = session.language(), session.theme()
    exercise = contents.find("X4")
    reference = recorded.choose_exactly("A2")
    for record in _runs():
        history = scenes.feed(record.id).scene(record, lang, theme).history
        cost = truncation.cost_by_minibatch(history.minibatches)
        finding = without_detach(history)
        if cost is not None and finding is not None:
            st.markdown(t("lesson.truncation.here", lang, run=record.id))
            left, right = st.columns(2, gap="medium")
            sentence = sentences.finding("X4", finding, lang)
            with left:
                chart.show(
                    charts.measured("seconds", lang, theme),
                    tables.measured(cost.minibatches, [1000 * seconds for seconds in cost.seconds]),
                    key="lesson.truncation.seconds",
                    alt=sentence,
                )
            megabytes = [value for value in cost.memory_mb if value is not None]
            if len(megabytes) == len(cost.minibatches):
                with right:
                    chart.show(
                        charts.measured("memory", lang, theme),
                        tables.measured(cost.minibatches, megabytes),
                        key="lesson.truncation.memory",
                        alt=sentence,
                    )
            conclude(sentence)
            break
    else:
        recording = recorded.choose_exactly("X4")
        if recording is not None and reference is not None:
            finding = without_detach(recording.history, reference.history)
            if finding is not None:
                badge = f":violet-badge[:material/movie: {t('lesson.recorded', lang)}]"
                st.markdown(f"{badge} {sentences.finding('X4', finding, lang)}")
    if link(exercise, title(exercise), ":material/arrow_forward:", "exercise"):
        st.rerun()


def _runs() -> list[RunRecord]:
    try:
        records = session.store().runs(limit=100)
    except RNNLabError:
        return []
    return [record for record in records if not record.config.detach and record.epoch > 0][:3]
