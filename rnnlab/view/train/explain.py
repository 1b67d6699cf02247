"""What to look for in an experiment, and the equations of the cell beside its code."""

from __future__ import annotations

import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.recipes import Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.equations import cell_source
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import departure, look_for, summary, value_text
from rnnlab.view.language.tips import recipe_place
from rnnlab.view.page import session
from rnnlab.view.watch import scenes
from rnnlab.view.watch.tables import change_label


def what_to_look_for(recipe: Recipe, config: TrainConfig | None = None, record: RunRecord | None = None) -> None:
    """Draw three sentences on what to look for, after the differences of the setup or the run from the recipe.

    Args:
        recipe: the experiment.
        config: the shown setup, by default that of the recipe.
        record: the shown run, whose settings may have been changed during training.
    """
    lang = session.language()
    st.header(t("explain.look", lang, id=recipe.id), anchor=False)
    if config is not None:
        st.markdown(f"**{plain(summary(config, lang))}**")
    own = session.text_title(config.corpus) if config is not None else None
    differences = departure(recipe, config or recipe.config, lang, _on_the_way(record, lang), own)
    if differences:
        st.info(plain(differences), icon=":material/tune:")
    st.markdown(look_for(recipe, lang))
    st.caption(recipe_place(recipe, lang))
    if recipe.published_seconds is not None:
        st.caption(t("explain.published_seconds", lang, seconds=f"{recipe.published_seconds:g}"))


def _on_the_way(record: RunRecord | None, lang: str) -> list[str]:
    """Return the texts of the settings changed during training, each with its last value."""
    if record is None:
        return []
    changes = scenes.feed(record.id).scene(record, lang, session.theme()).history.changes
    return list({change.name: change_label(change.name, change.value, lang) for change in changes}.values())


def cell(config: TrainConfig) -> None:
    """Draw the equations of the cell, the code of its time step, and the note on which form training uses."""
    lang = session.language()
    st.header(t("explain.cell", lang, cell=value_text("cell", config.cell, lang)), anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        for equation in CELLS[config.cell].latex:
            st.latex(equation)
        st.caption(t(f"explain.{config.cell}", lang))
    with right:
        st.code(cell_source(config.cell), language="python", wrap_lines=True)
        section, library = t("setup.machine", lang), CELLS[config.cell].library
        if config.implementation == "library" and library is not None:
            layer = f"torch.nn.{library.layer}"
            note = t(f"explain.library.{config.computation}", lang, layer=layer, section=section)
            st.caption(f"{note} {t('explain.library_gru', lang)}" if library.equation else note)
        else:
            st.caption(t(f"explain.scratch.{config.computation}", lang, section=section))
