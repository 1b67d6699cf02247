"""The lesson on one-hot vectors: the matrix product and the row lookup side by side."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.view.data.highlight import literal
from rnnlab.view.language.i18n import t
from rnnlab.view.lessons.compute import one_hot
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import session

_SEED = "lesson.one_hot.seed"
_HIDDENS = 3


def draw(lesson: Lesson) -> None:
    """Draw the choice of a character, and the product and the lookup with the same result."""
    lang = session.language()
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="top")
    vocab_size = left.slider(t("lesson.one-hot.vocab", lang), 3, 7, 5, key="lesson.one_hot.vocab")
    characters = list(t("lesson.one-hot.characters", lang))[:vocab_size]
    chosen = right.segmented_control(
        t("lesson.one-hot.character", lang),
        characters,
        default=characters[1],
        key=session.key(f"lesson.one_hot.character.{vocab_size}"),
        required=True,
    )
    lookup = one_hot.look_up(
        characters.index(str(chosen)),
        one_hot.matrix(vocab_size, _HIDDENS, int(st.session_state.get(_SEED, 1))),
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(t("lesson.one-hot.product", lang))
        st.latex(rf"\begin{{bmatrix}}{' & '.join(f'{value:.0f}' for value in lookup.row)}\end{{bmatrix}}")
        st.latex(r"\times\;" + _matrix(lookup.matrix, None))
        st.latex("= " + _matrix(lookup.product[None], None))
    with right:
        st.markdown(
            t(
                "lesson.one-hot.row",
                lang,
                number=characters.index(str(chosen)) + 1,
                character=literal(str(chosen)),
            )
        )
        st.latex(_matrix(lookup.matrix, characters.index(str(chosen))))
        st.latex(r"\to\;" + _matrix(lookup.looked_up[None], 0))
    st.button(t("lesson.one-hot.again", lang), icon=":material/casino:", on_click=_again)
    config, vocab = RECIPES["A2"].config, session.facts().of(RECIPES["A2"].config).vocab_size
    conclude(
        t(
            f"lesson.one-hot.{'same' if lookup.same else 'differ'}",
            lang,
            count=lookup.multiplications,
            zeros=lookup.by_zero,
            real=f"{vocab * config.num_hiddens:,}",
            vocab=vocab,
            hiddens=config.num_hiddens,
        )
    )


def _matrix(values: one_hot.Array, marked: int | None) -> str:
    """Return a matrix as LaTeX, with the row `marked` bold and underlined."""
    rows = []
    for i, row in enumerate(values):
        numbers = [f"{value:.1f}" for value in row]
        rows.append(" & ".join(rf"\underline{{\mathbf{{{text}}}}}" if i == marked else text for text in numbers))
    return r"\begin{bmatrix}" + r"\\".join(rows) + r"\end{bmatrix}"


def _again() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 1)) + 1
