"""Lessons: the chapter in its order, each step with something to try."""

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.lessons import (
    cells,
    clipping,
    depth,
    directions,
    exercise,
    layout,
    one_hot,
    perplexity,
    sampling,
    sequence,
    shapes,
    truncation,
)
from rnnlab.view.page import frame, session

# what to play with in each lesson, in the book's order
PLAY = {
    "sequence": sequence.draw,
    "rnn": cells.draw,
    "sampling": sampling.draw,
    "one-hot": one_hot.draw,
    "clipping": clipping.draw,
    "perplexity": perplexity.draw,
    "shapes": shapes.draw,
    "truncation": truncation.draw,
    "gru": cells.draw,
    "lstm": cells.draw,
    "depth": depth.draw,
    "directions": directions.draw,
}

lang = frame.enter()
lesson = layout.chosen()
frame.head(t("lessons.title", lang), "" if lesson else t("lessons.lead", lang))
if lesson is None:
    layout.index()
else:
    if not session.embedded():
        layout.sidebar(lesson)
    # a fragment: a control that is moved runs its plaything alone
    layout.article(lesson, exercise.draw if lesson.is_exercise else st.fragment(PLAY[lesson.name]))
