"""The published experiments, one click each."""

from __future__ import annotations

from collections.abc import Sequence

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
                _links(rest)


def _card(recipe: Recipe) -> None:
    lang = shell.language()
    with st.container(border=True, height="stretch", gap="small"):
        st.markdown(f"**{recipe.id}**  {recipe_title(recipe, lang)}")
        st.caption(_published(recipe))
        st.space("stretch")
        _link(recipe, t("gallery.open", lang))


def _published(recipe: Recipe) -> str:
    lang = shell.language()
    if recipe.published:
        epoch, perplexity = recipe.published[-1]
        return t("gallery.published", lang, epoch=epoch, perplexity=number(perplexity))
    return t("gallery.section", lang, section=recipe.section, epochs=recipe.config.num_epochs)


def _links(recipes: Sequence[Recipe]) -> None:
    lang = shell.language()
    for one in recipes:
        _link(one, f"{one.id} · {recipe_title(one, lang)}")


def _link(recipe: Recipe, label: str) -> None:
    st.page_link(
        shell.PAGES["train"][0],
        label=label,
        icon=":material/arrow_forward:",
        query_params={"recipe": recipe.id, "lang": shell.language()},
        help="",
    )
