"""The published experiments, one click each."""

from __future__ import annotations

import streamlit as st

from rnnlab.recipes import RECIPES, Recipe
from rnnlab.view import shell
from rnnlab.view.i18n import number, t
from rnnlab.view.wording import recipe_title

_GROUPS = ("A", "B", "X")


def draw() -> None:
    """Show the experiments by family."""
    lang = shell.language()
    for group in _GROUPS:
        st.subheader(t(f"gallery.{group}", lang), anchor=False)
        st.caption(t(f"gallery.{group}.note", lang))
        members = [one for one in RECIPES.values() if one.group == group]
        main = [one for one in members if not one.repairs and not one.id.startswith("X1-")]
        with st.grid("auto", min_column_width=250, gap="small"):
            for one in main:
                _card(one)
        rest = [one for one in members if one not in main]
        if rest:
            with st.expander(t(f"gallery.{group}.more", lang)):
                for one in rest:
                    _link(one)


def _card(recipe: Recipe) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        _link(recipe)
        st.caption(_published(recipe))


def _published(recipe: Recipe) -> str:
    lang = shell.language()
    if recipe.published:
        epoch, perplexity = recipe.published[-1]
        return t("gallery.published", lang, epoch=epoch, perplexity=number(perplexity, 5))
    return t("gallery.section", lang, section=recipe.section, epochs=recipe.config.num_epochs)


def _link(recipe: Recipe) -> None:
    lang = shell.language()
    st.page_link(
        shell.PAGES["train"][0],
        label=f"**{recipe.id}** · {recipe_title(recipe, lang)}",
        query_params={"recipe": recipe.id, "lang": lang},
        help=t("gallery.open", lang, id=recipe.id),
        width="stretch",
    )
