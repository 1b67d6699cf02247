"""What to look for, and the cell: its equations beside the code that computes them."""

from __future__ import annotations

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import Recipe
from rnnlab.view import shell
from rnnlab.view.equations import EQUATIONS, cell_source, library_layer
from rnnlab.view.i18n import t
from rnnlab.view.wording import look_for, value_text


def look(recipe: Recipe) -> None:
    """Say in three sentences what to look for."""
    lang = shell.language()
    st.subheader(t("explain.look", lang, id=recipe.id), anchor=False)
    st.markdown(look_for(recipe, lang))
    if recipe.published_seconds is not None:
        st.caption(t("explain.published_seconds", lang, seconds=f"{recipe.published_seconds:g}"))


def cell(config: TrainConfig) -> None:
    """Show the equations of the cell and the code of its time step."""
    lang = shell.language()
    st.subheader(t("explain.cell", lang, cell=value_text("cell", config.cell, lang)), anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        for equation in EQUATIONS[config.cell]:
            st.latex(equation)
        st.caption(t(f"explain.{config.cell}", lang))
    with right:
        st.code(cell_source(config.cell), language="python", wrap_lines=True)
        if config.implementation == "library":
            note = t("explain.library", lang, layer=library_layer(config.cell))
            st.caption(f"{note} {t('explain.library_gru', lang)}" if config.cell == "gru" else note)
        else:
            st.caption(t("explain.scratch", lang))
