"""Lessons: the chapter in its order, each step with something to try."""

import streamlit as st

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import (
    lesson_cells,
    lesson_clipping,
    lesson_depth,
    lesson_directions,
    lesson_exercise,
    lesson_frame,
    lesson_one_hot,
    lesson_perplexity,
    lesson_sampling,
    lesson_sequence,
    lesson_shapes,
    lesson_truncation,
)

# what to play with in each lesson, in the book's order
PLAY = {
    "sequence": lesson_sequence.draw,
    "rnn": lesson_cells.draw,
    "sampling": lesson_sampling.draw,
    "one-hot": lesson_one_hot.draw,
    "clipping": lesson_clipping.draw,
    "perplexity": lesson_perplexity.draw,
    "shapes": lesson_shapes.draw,
    "truncation": lesson_truncation.draw,
    "gru": lesson_cells.draw,
    "lstm": lesson_cells.draw,
    "depth": lesson_depth.draw,
    "directions": lesson_directions.draw,
}

lang = shell.enter()
lesson = lesson_frame.chosen()
shell.frame(t("lessons.title", lang), "" if lesson else t("lessons.lead", lang))
if lesson is None:
    lesson_frame.index()
else:
    if not shell.embedded():
        lesson_frame.sidebar(lesson)
    # a fragment: a control that is moved runs its plaything alone
    lesson_frame.article(lesson, lesson_exercise.draw if lesson.is_exercise else st.fragment(PLAY[lesson.name]))
