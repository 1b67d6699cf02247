"""What to look for, and the cell: its equations beside the code that computes them."""

from __future__ import annotations

import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.recipes import Recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.equations import cell_source
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import departure, look_for, value_text
from rnnlab.view.page import session
from rnnlab.view.watch import scenes
from rnnlab.view.watch.tables import change_label


def look(recipe: Recipe, config: TrainConfig | None = None, record: RunRecord | None = None) -> None:
    """Say in three sentences what to look for; where the setup or the run departs from the recipe, that first.

    Args:
        recipe: the experiment.
        config: the setup in front of the reader, the recipe's own where there is none.
        record: the run in front of the reader, which may have been changed while it trained.
    """
    lang = session.language()
    st.subheader(t("explain.look", lang, id=recipe.id), anchor=False)
    own = session.text_title(config.corpus) if config is not None else None
    told = departure(recipe, config or recipe.config, lang, _on_the_way(record, lang), own)
    if told:
        st.info(plain(told), icon=":material/tune:")
    st.markdown(look_for(recipe, lang))
    if recipe.published_seconds is not None:
        st.caption(t("explain.published_seconds", lang, seconds=f"{recipe.published_seconds:g}"))


def _on_the_way(record: RunRecord | None, lang: str) -> list[str]:
    """Return what was changed while the run trained, each once, in its last form."""
    if record is None:
        return []
    changes = scenes.feed(record.id).scene(record, lang, session.theme()).history.changes
    return list({one.name: change_label(one.name, one.value, lang) for one in changes}.values())


def cell(config: TrainConfig) -> None:
    """Show the equations of the cell, the code of its time step, and which form of it training runs."""
    lang = session.language()
    st.subheader(t("explain.cell", lang, cell=value_text("cell", config.cell, lang)), anchor=False)
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
