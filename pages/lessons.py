"""Lessons: the chapter in order, with something to try at each step."""

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import (
    cells,
    clipping,
    decoding,
    depth,
    directions,
    exercise,
    k_steps,
    layout,
    one_hot,
    perplexity,
    powers,
    progress,
    sampling,
    sequence,
    shapes,
    tokens,
    truncation,
)
from rnnlab.view.page import frame, session

# the interactive part of each lesson, in the book's order
DRAW = {
    "sequence": sequence.draw,
    "k-steps": k_steps.draw,
    "rnn": cells.draw,
    "tokens": tokens.draw,
    "sampling": sampling.draw,
    "one-hot": one_hot.draw,
    "clipping": clipping.draw,
    "perplexity": perplexity.draw,
    "shapes": shapes.draw,
    "powers": powers.draw,
    "truncation": truncation.draw,
    "gru": cells.draw,
    "lstm": cells.draw,
    "depth": depth.draw,
    "directions": directions.draw,
    "decoding": decoding.draw,
}

lang = frame.enter()
lesson = layout.chosen()
frame.head(t("lessons.title", lang), "" if lesson else t("lessons.lead", lang), quiet=lesson is not None)
if lesson is None:
    layout.index()
else:
    if not session.embedded():
        layout.sidebar(lesson)
    # in a fragment, a changed widget reruns only the lesson
    layout.article(lesson, exercise.draw if lesson.is_exercise else st.fragment(DRAW[lesson.name]))
if not session.embedded():
    progress.keep()
