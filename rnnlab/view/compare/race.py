"""A race: variants of an experiment with the same random seed, started together, and their order at a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.view.compare import overlay, state
from rnnlab.view.compare import pins as compare_pins
from rnnlab.view.compare import watch as compare_watch
from rnnlab.view.compare.measures import FINISHES
from rnnlab.view.compare.sentences import same_curve
from rnnlab.view.compare.variants import KINDS, MAX_VARIANTS, parse_own, variants
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import phrase, value_text
from rnnlab.view.page import estimate, session
from rnnlab.view.page.charts import cut


@dataclass(frozen=True)
class Variant:
    """A variant in a race, with the text of what is special about it."""

    config: TrainConfig
    text: str


def setup() -> list[Variant]:
    """Draw the choice of the variants and the button that starts them; return the variants."""
    lang = session.language()
    left, middle, right = st.container(key="compare.setup").columns([5, 2, 9], gap="medium")
    with left:
        recipe_id = state.base_recipe()
    with middle:
        base = state.epochs(state.changed(RECIPES[recipe_id].config), recipe_id)
    with right:
        kind = state.choice("vary", KINDS, lambda name: t(f"compare.vary.{name}", lang), t("compare.vary", lang))
    with st.container(key="compare.start", horizontal=True, vertical_alignment="center", gap="small"):
        chosen = _choose(kind, base)
        ready = 2 <= len(chosen) <= MAX_VARIANTS
        configs = [variant.config for variant in chosen]
        compare_pins.start_button(
            "race", ":material/flag:", partial(_start, recipe_id, configs), count=len(chosen), disabled=not ready
        )
        note = _takes(configs) if ready else t("compare.race.how_many", lang, allowed=MAX_VARIANTS)
        st.caption(note, width="content")
    if kind == "computation":
        st.caption(t("compare.vary.computation.help", lang))
    return chosen


def _choose(kind: str, base: TrainConfig) -> list[Variant]:
    lang = session.language()
    if kind == "own":
        text = state.text_line("own", t("compare.own", lang), t("compare.own.help", lang))
        try:
            return [Variant(config, cut(name)) for name, config in parse_own(base, text).items()]
        except RNNLabError as error:
            session.show_error(error)
            return []
    options = variants(base, kind)
    texts = {str(value): _text(kind, value) for value in options}
    key = state.key(f"race.{kind}")
    picked = st.pills(
        t(f"compare.vary.{kind}", lang),
        list(texts),
        default=state.listed(kind, list(texts)),
        selection_mode="multi",
        key=key,
        format_func=lambda name: texts[name],
        label_visibility="collapsed",
        width="content",
    )
    state.keep_listed(kind, [name for name in texts if name in picked], list(texts))
    return [Variant(base.change(**{kind: value}), texts[str(value)]) for value in options if str(value) in picked]


def _text(kind: str, value: object) -> str:
    lang = session.language()
    if kind == "num_layers":
        return phrase(kind, TrainConfig().change(num_layers=value), lang)
    return value_text(kind, value, lang)


def _takes(configs: Sequence[TrainConfig]) -> str:
    lang = session.language()
    seed = configs[0].random_seed
    return estimate.takes(*configs, key="compare.race.takes", seed=seed) or t("compare.race.seed", lang, seed=seed)


def _start(recipe_id: str, configs: Sequence[TrainConfig]) -> None:
    exact = RECIPES[recipe_id].config
    started = compare_pins.start_all(
        [(config, recipe_id, "") if config == exact else (config, "", recipe_id) for config in configs]
    )
    if started:
        state.set_pins(started)


def watch(chosen: Sequence[Variant]) -> None:
    """Draw the race of these variants, and of no other runs: their order at the line, and the curves.

    A variant that has not been trained here is shown from its recording, if there is one.
    """
    lang = session.language()
    runs = {pin: variant.text for variant in chosen if (pin := _run_of(variant.config)) is not None}
    if not runs:
        st.info(t("compare.race.none", lang), icon=":material/flag:")
        return
    with st.container(key="compare.axis", horizontal=True, vertical_alignment="center", gap="medium"):
        finish = state.choice("finish", FINISHES, lambda name: t(f"compare.finish.{name}", lang))
        by, smooth = overlay.axis()

    def race(current: Snapshot) -> None:
        names = [runs[run.identity] for run in current.runs]
        overlay.curves(current, names, by, smooth, key="compare.race", finish=finish)
        if any(run.recorded for run in current.runs):
            st.caption(
                f":violet-badge[:material/movie: {t('state.recorded', lang)}] {t('compare.race.recorded', lang)}"
            )
        if len(current.runs) == 2 and (sentence := same_curve(current.runs[0], current.runs[1], lang)):
            st.info(plain(sentence), icon=":material/speed:")

    compare_watch.follow(list(runs), race)


def _run_of(config: TrainConfig) -> Identity | None:
    """Return the run of a variant: the one that is pinned, as when it has just been started, or any other."""
    for pin in state.pins():
        if not pin.recorded and session.store().run(pin.name).config == config:
            return pin
    return compare_watch.find(config)
