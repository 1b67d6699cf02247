"""The gallery of the published experiments: recorded runs to watch, with links to train them."""

from __future__ import annotations

from functools import cache, partial

import streamlit as st

from rnnlab.recipes import RECIPES, Recipe
from rnnlab.view.data import recorded
from rnnlab.view.data.recorded import Recording
from rnnlab.view.home.address import ADDRESS
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import recipe_label, recipe_title
from rnnlab.view.language.tips import recipe_place
from rnnlab.view.page import address, folded, session, sparkline
from rnnlab.view.page.forms import Edition
from rnnlab.view.page.style import PALETTE

_GROUPS = ("A", "B", "X", "C")
_CHOSEN, _DEFAULT = "gallery.chosen", "gallery.default"
_FORM = Edition("gallery")
BESIDE = 108
"""Width of the text beside it, in pixels; both fit into the narrowest card."""


def pick(default: Recording) -> Recording | None:
    """Draw the choice of a recorded run and return it; the URL keeps it as ``recording``.

    Returns None, with a message on the page, if the chosen experiment has not been recorded.
    """
    lang = session.language()
    address.once("gallery", _read_url)
    key = session.key(_FORM.key("recording"))
    # keep the first default, so that another language does not show another recording
    chosen = st.session_state.get(_CHOSEN) or st.session_state.setdefault(_DEFAULT, default.name)
    options = list(RECIPES)
    st.selectbox(
        t("gallery.pick", lang),
        options,
        options.index(chosen),
        key=key,
        format_func=lambda name: _option(name, lang),
        on_change=_picked,
        args=(key,),
        placeholder=t("setup.recipe_placeholder", lang),
        label_visibility="collapsed",
        width=380,
    )
    ADDRESS.write(recording=st.session_state.get(_CHOSEN) or (chosen if chosen != default.name else None))
    recording = recorded.choose_exactly(chosen)
    if recording is None:
        st.info(t("gallery.not_recorded", lang, id=chosen), icon=":material/movie_off:")
        _link(RECIPES[chosen])
    return recording


def ways() -> str:
    """Draw the buttons that lead on, and return the clicked one: "train", "tour", "runs", or ""."""
    lang = session.language()
    if st.button(t("home.start", lang), type="primary", icon=":material/play_arrow:"):
        return "train"
    if st.button(t("tour.offer", lang), type="tertiary", icon=":material/tour:"):
        return "tour"
    return "runs" if st.button(t("home.runs", lang), type="tertiary", icon=":material/history:") else ""


def _read_url() -> None:
    _FORM.renew()
    asked = ADDRESS.get("recording")
    if asked:
        st.session_state[_CHOSEN] = asked


def _picked(key: str) -> None:
    chosen = st.session_state.get(key)
    if chosen in RECIPES:
        st.session_state[_CHOSEN] = chosen
        ADDRESS.write(epoch=None)  # the epoch belonged to the previous recording


def _option(name: str, lang: str) -> str:
    label = recipe_label(RECIPES[name], lang)
    return label if name in recorded.names() else t("gallery.option_none", lang, title=label)


def draw() -> None:
    """Draw the experiments by group: the first group open, the others folded."""
    lang, (first, *others) = session.language(), _GROUPS
    st.header(t(f"gallery.{first}", lang), anchor=False)
    _note(first)
    main, rest = _members(first)
    _cards(main)
    folded.section(f"gallery.{first}.more", partial(_cards, rest))
    for group in others:
        folded.section(f"gallery.{group}", partial(_family, group))


def _family(group: str) -> None:
    _note(group)
    main, rest = _members(group)
    _cards(main)
    if rest:
        st.markdown(t(f"gallery.{group}.more", session.language()))
        _cards(rest)


def _note(group: str) -> None:
    st.caption(t(f"gallery.{group}.note", session.language()))


def _members(group: str) -> tuple[list[Recipe], list[Recipe]]:
    members = [recipe for recipe in RECIPES.values() if recipe.group == group]
    main = [recipe for recipe in members if "-" not in recipe.id]
    return main, [recipe for recipe in members if recipe not in main]


def _cards(members: list[Recipe]) -> None:
    with st.grid("auto", min_column_width=250, gap="small"):
        for recipe in members:
            _card(recipe)


def _card(recipe: Recipe) -> None:
    lang = session.language()
    with st.container(border=True, height="stretch", gap="xsmall"):
        _link(recipe)
        with st.container(horizontal=True, vertical_alignment="top", horizontal_alignment="distribute", gap="xsmall"):
            st.caption(_published(recipe), width=BESIDE if recipe.config.num_epochs else "stretch")
            if recipe.id not in recorded.names():
                st.caption(t("gallery.none", lang), width=sparkline.WIDTH)
            elif recipe.config.num_epochs:
                # not st.image, which adds a button, that is, a tab stop on each card
                st.markdown(_small_curve(recipe.id, lang, PALETTE[session.theme()]["live"]), width="content")


@cache
def _small_curve(name: str, lang: str, color: str) -> str:
    """Return the perplexity curve of a recorded run on a log axis, as a Markdown image with alternative text."""
    recording = recorded.recording(name)
    epochs = recording.history.epochs
    alt = t("gallery.curve_alt", lang, first=number(epochs[0].perplexity, 4), last=number(epochs[-1].perplexity, 4))
    return sparkline.curve(epochs, recording.vocab_size, color, alt)


def _published(recipe: Recipe) -> str:
    lang = session.language()
    if recipe.published:
        epoch, perplexity = recipe.published[-1]
        return t("gallery.published", lang, epoch=epoch, perplexity=number(perplexity, 5))
    return t("gallery.section", lang, place=recipe_place(recipe, lang), epochs=recipe.config.num_epochs)


def _link(recipe: Recipe) -> None:
    lang = session.language()
    st.page_link(
        address.PAGES["train"][0],
        label=f"**{recipe.id}** · {recipe_title(recipe, lang)}",
        query_params={"recipe": recipe.id, "lang": lang},
        help=t("gallery.open", lang, id=recipe.id),
        width="stretch",
    )
