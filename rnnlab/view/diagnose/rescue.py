"""Rescues: which changes bring six layers below the unigram perplexity and which do not, as measured."""

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
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import recipe_title, value_text
from rnnlab.view.page import chart
from rnnlab.view.page.style import ceiling

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
    ended: bool  # has been trained for all its epochs
    live: bool
    recorded: bool


def _variants(examined: ExaminedRun) -> list[_Variant]:
    """Return the changes of each measured variant of A9, applied to the examined run, with their results."""
    original = RECIPES["A9"].config
    variants = []
    for recipe in RECIPES.values():
        if recipe.derived_from != "A9" or recipe.repairs:
            continue
        try:
            config = examined.config.change_from_text(recipe.config.changes_from(original))
        except ConfigError:  # not possible with this cell
            continue
        run = subject.find(config)
        if run is not None:
            scene = subject.of_run(run).scene
            variants.append(
                _Variant(recipe, config, scene.history, scene.history.epoch >= config.num_epochs, run.live, False)
            )
            continue
        # a recording counts only if nothing else differs
        recording = recorded.choose_exactly(recipe.id) if config == recipe.config else None
        recording = recording if recording is not None and recording.config == config else None
        variants.append(
            _Variant(recipe, config, recording.history if recording else None, True, False, recording is not None)
        )
    return variants


def draw(examined: ExaminedRun, unigram: float) -> None:
    """Draw the measured rescues with their curves, and the buttons that measure the others."""
    scene, lang = examined.scene, examined.scene.lang
    st.header(t("layers.rescue", lang), anchor=False)
    variants = _variants(examined)
    if examined.config.num_layers < 2 or not variants:
        st.caption(t("layers.rescue.none", lang))
        return
    if examined.changed_by_hand:
        st.info(t("layers.rescue.changed", lang), icon=":material/info:")
    else:
        st.caption(t("layers.rescue.why", lang, seed=examined.config.random_seed))
    st.latex(_RESIDUAL)
    measured = [each for each in variants if each.history is not None and each.history.epochs]
    attempts = [_attempt(each, each.history.epochs[-1], lang) for each in measured if each.history is not None]
    sentence = sentences.rescues(attempts, unigram, lang)
    if measured:
        series = [tables.perplexities(examined.name, scene.history, ceiling(scene.vocab_size), lang)]
        series += [
            tables.perplexities(_title(each, lang), each.history, ceiling(scene.vocab_size), lang)
            for each in measured
            if each.history is not None
        ]
        label = t("chart.unigram_rule", lang, perplexity=number(unigram, 4))
        spec = charts.lines("perplexity", lang, scene.theme, 320)
        chart.show(spec, tables.line_tables(series, [(unigram, label)]), key="diagnose.rescue", alt=sentence)
    st.markdown(sentence)
    with st.grid("auto", min_column_width=340, gap="small"):
        for variant in variants:
            _variant(examined, variant, unigram)


def _title(variant: _Variant, lang: str) -> str:
    """Return a short text of the changes of a variant."""
    parts = []
    for name in variant.recipe.config.changes_from(RECIPES["A9"].config):
        value, field = getattr(variant.recipe.config, name), t(f"field.{name}", lang)
        parts.append(field if value is True else f"{field} {value_text(name, value, lang)}")
    return t("list.join", lang).join(parts) or recipe_title(variant.recipe, lang)


def _attempt(variant: _Variant, last: EpochFinished, lang: str) -> Attempt:
    return Attempt(_title(variant, lang), last.epoch, last.perplexity, variant.ended, variant.live)


def _variant(examined: ExaminedRun, variant: _Variant, unigram: float) -> None:
    lang = examined.scene.lang
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
