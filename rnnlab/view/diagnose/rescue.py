"""Rescue it: what gets six layers off the unigram line and what does not, as measured."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError
from rnnlab.events import EpochFinished
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.view.data import recorded
from rnnlab.view.data.history import History
from rnnlab.view.diagnose import charts, sentences, starting, subject, tables
from rnnlab.view.diagnose.sentences import Attempt
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import recipe_title, value_text
from rnnlab.view.page import chart

_RESIDUAL = (
    r"X_{l+1}=H_l+X_l \quad\Rightarrow\quad "
    r"\frac{\partial X_{l+1}}{\partial X_l}=\frac{\partial H_l}{\partial X_l}+I"
)

_BADGES = {
    "works": ("green", "check"),
    "not_yet": ("gray", "hourglass_empty"),
    "on_line": ("orange", "block"),
    "fails": ("orange", "block"),
}


@dataclass(frozen=True)
class _Variant:
    recipe: Recipe
    config: TrainConfig
    history: History | None
    ended: bool  # trained for all its epochs
    live: bool
    recorded: bool


def _variants(one: Subject) -> list[_Variant]:
    """Return the rescues: the changes of each measured variant of A9, made to this run, with what is known of them."""
    plain_one = RECIPES["A9"].config
    found = []
    for recipe in RECIPES.values():
        if recipe.derived_from != "A9" or recipe.repairs:
            continue
        try:
            config = one.config.change_from_text(recipe.config.changes_from(plain_one))
        except ConfigError:  # not for this cell
            continue
        run = subject.find(config)
        if run is not None:
            scene = subject.of_run(run).scene
            found.append(
                _Variant(recipe, config, scene.history, scene.history.epoch >= config.num_epochs, run.live, False)
            )
            continue
        # a recording is the same run only where nothing else differs
        tape = recorded.choose_exactly(recipe.id) if config == recipe.config else None
        tape = tape if tape is not None and tape.config == config else None
        found.append(_Variant(recipe, config, tape.history if tape else None, True, False, tape is not None))
    return found


def draw(one: Subject, unigram: float) -> None:
    """Show the rescues of a run that were measured, their curves beside its own, and offer to measure the others."""
    scene, lang = one.scene, one.scene.lang
    st.subheader(t("layers.rescue", lang), anchor=False)
    variants = _variants(one)
    if one.config.num_layers < 2 or not variants:
        st.caption(t("layers.rescue.none", lang))
        return
    if one.changed_by_hand:
        st.info(t("layers.rescue.changed", lang), icon=":material/info:")
    else:
        st.caption(t("layers.rescue.why", lang, seed=one.config.random_seed))
    st.latex(_RESIDUAL)
    measured = [each for each in variants if each.history is not None and each.history.epochs]
    attempts = [_attempt(each, each.history.epochs[-1], lang) for each in measured if each.history is not None]
    said = sentences.rescues(attempts, unigram, lang)
    if measured:
        series = [tables.perplexities(one.name, scene.history, 10.0 * scene.vocab_size)]
        series += [
            tables.perplexities(_title(each, lang), each.history, 10.0 * scene.vocab_size)
            for each in measured
            if each.history is not None
        ]
        label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
        spec = charts.lines("perplexity", lang, scene.theme, 320)
        chart.show(spec, tables.line_tables(series, [(unigram, label)]), key="diagnose.rescue", alt=said)
    st.markdown(said)
    for variant in variants:
        _variant(one, variant, unigram)


def _title(variant: _Variant, lang: str) -> str:
    """Say in a few words what a variant changes: a switch by its name, a setting with its value."""
    parts = []
    for name in variant.recipe.config.changes_from(RECIPES["A9"].config):
        value, field = getattr(variant.recipe.config, name), t(f"field.{name}", lang)
        parts.append(field if value is True else f"{field} {value_text(name, value, lang)}")
    return t("list.join", lang).join(parts) or recipe_title(variant.recipe, lang)


def _attempt(variant: _Variant, last: EpochFinished, lang: str) -> Attempt:
    return Attempt(_title(variant, lang), last.epoch, last.perplexity, variant.ended, variant.live)


def _variant(one: Subject, variant: _Variant, unigram: float) -> None:
    lang = one.scene.lang
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        last = variant.history.last if variant.history is not None else None
        if last is None:
            badge = f":gray-badge[{t('layers.rescue.waiting' if variant.live else 'layers.rescue.unmeasured', lang)}]"
            note = ""
        else:
            stands = sentences.standing(_attempt(variant, last, lang), unigram)
            color, icon = _BADGES[stands]
            badge = f":{color}-badge[:material/{icon}: {t(f'layers.rescue.{stands}', lang)}]"
            note = t("layers.rescue.at", lang, epoch=last.epoch, perplexity=number(last.perplexity, 5))
            if variant.recorded:
                note += f" · {t('state.recorded', lang)}"
            elif variant.live:
                note += f" · {t('diagnose.training', lang)}"
        st.markdown(f"**{plain(_title(variant, lang))}** {badge}  \n:small[{note}]", width="stretch")
        if last is None and not variant.live:
            starting.start_button(
                t("layers.rescue.start", lang),
                {variant.recipe.id: variant.config},
                f"diagnose.rescue.{variant.recipe.id}",
            )
