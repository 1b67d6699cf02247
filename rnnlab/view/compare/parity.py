"""From scratch = library: the same weights in both, one minibatch, and the differences of the results."""

from __future__ import annotations

from typing import Any

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.recordings.extras import PARITY, PARITY_CHANGES
from rnnlab.view.compare import state
from rnnlab.view.compare.measures import AGREES, agrees
from rnnlab.view.data import recorded
from rnnlab.view.data.highlight import in_code
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number, scientific
from rnnlab.view.language.settings import value_text
from rnnlab.view.page import session


@st.cache_resource(show_spinner=False)
def _proofs() -> dict[str, dict[str, Any]]:
    """Return the comparisons made so far by cell, shared by all viewers: equal weights give equal results."""
    return {}


def draw() -> None:
    """Draw the comparison of each cell, and the button that makes it."""
    lang = session.language()
    st.header(t("compare.parity.title", lang), anchor=False)
    st.markdown(t("compare.parity.lead", lang))
    made = _proofs()
    recorded_ones = recorded.answers().get("parity", {}) if not made else {}
    if recorded_ones:
        st.caption(f":violet-badge[:material/movie: {t('state.recorded', lang)}] {t('compare.parity.recorded', lang)}")
    if set(made) != set(PARITY):
        clicked = st.button(
            t("compare.parity.run", lang), key="compare.parity.run", icon=":material/verified:", type="primary"
        )
        if clicked:
            with st.spinner(t("compare.parity.running", lang)):
                state.PROBLEMS.guard(_prove)
            st.rerun()
    shown = made or recorded_ones
    if not shown:
        return
    columns = st.columns(len(PARITY), gap="large")
    for cell, column in zip(PARITY, columns, strict=True):
        if cell in shown:
            with column:
                _proof(cell, shown[cell])


def _prove() -> None:
    for cell, recipe_id in PARITY.items():
        _proofs()[cell] = session.client().parity(RECIPES[recipe_id].config, PARITY_CHANGES)


def _proof(cell: str, parity: dict[str, Any]) -> None:
    lang = session.language()
    logits, gradients = float(parity["logits_difference"]), float(parity["gradient_difference"])
    same = agrees(parity)
    badge = ":green-badge[:material/check:" if same else ":orange-badge[:material/call_split:"
    verdict = t("compare.parity.same" if same else "compare.parity.different", lang)
    st.markdown(f"**{value_text('cell', cell, lang)}**  {badge} {verdict}]")
    with st.grid(2, min_column_width=120, gap="small"):
        st.metric(t("compare.parity.logits", lang), scientific(logits))
        st.metric(t("compare.parity.gradients", lang), scientific(gradients))
    st.caption(
        t(
            "compare.parity.loss",
            lang,
            scratch=number(float(parity["loss_scratch"]), 8),
            library=number(float(parity["loss_library"]), 8),
        )
    )
    if not same:
        key = "compare.parity.unexpected" if parity["comparable"] else "compare.parity.gru"
        st.markdown(t(key, lang, limit=scientific(AGREES)))
    with st.expander(t("compare.parity.by_parameter", lang)):
        st.table(
            {
                t("compare.parity.parameter", lang): [
                    in_code(str(parameter["name"])) for parameter in parity["parameters"]
                ],
                t("compare.parity.gradients", lang): [
                    scientific(float(parameter["gradient_difference"])) for parameter in parity["parameters"]
                ],
            },
            border="horizontal",
        )
