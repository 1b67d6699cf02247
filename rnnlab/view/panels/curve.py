"""The perplexity curve, and the charts of its gradients."""

from __future__ import annotations

import streamlit as st

from rnnlab.view import charts
from rnnlab.view.i18n import t
from rnnlab.view.live import Scene


def draw(scene: Scene, epoch: int | None, key: str = "curve") -> None:
    """Show the perplexity by epoch, with the marker at `epoch`; the specification never changes, only its tables."""
    st.vega_lite_chart(
        {**charts.perplexity_curve(scene.lang, scene.theme), "datasets": scene.curve_tables(epoch)},
        key=key,
        alt=t("chart.curve_alt", scene.lang),
    )
    recipe = scene.recipe
    notes = [t("chart.legend", scene.lang)]
    if recipe is not None and (recipe.published or recipe.derived_from):
        shown = recipe.id if recipe.published else recipe.derived_from
        notes.append(t("chart.legend_same" if scene.same_corpus else "chart.legend_other", scene.lang, id=shown))
        if recipe.published_other:
            notes.append(t("chart.legend_second", scene.lang))
    st.caption(" ".join([*notes, t("chart.zoom", scene.lang)]))


def gradients(scene: Scene, key: str = "gradients") -> None:
    """Show the norm of the gradient by layer, and the share of the minibatches whose gradient was clipped."""
    lang, tables = scene.lang, scene.gradient_tables()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        datasets = {name: tables[name] for name in charts.GRADIENT_TABLES}
        st.vega_lite_chart(
            {**charts.gradient_curve(lang, scene.theme), "datasets": datasets},
            key=f"{key}.norm",
            alt=t("chart.gradient_alt", lang),
        )
    with right:
        st.vega_lite_chart(
            {
                **charts.clipped_curve(lang, scene.theme),
                "datasets": {name: tables[name] for name in charts.CLIPPED_TABLES},
            },
            key=f"{key}.clipped",
            alt=t("chart.clipped_alt", lang),
        )
    last = scene.history.last
    if last is not None and last.clip_norm is None:
        st.caption(t("gradient.off", lang))
    elif last is not None:
        st.caption(t("gradient.on", lang, share=f"{last.clipped_share:.0%}", threshold=f"{last.clip_norm:g}"))
