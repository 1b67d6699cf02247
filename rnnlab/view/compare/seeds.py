"""An experiment with several random seeds, and the band of their curves, against over-interpreting a single run."""

from __future__ import annotations

from functools import partial

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.view.compare import charts, pins, state, watch
from rnnlab.view.compare.measures import SEEDS, missing_seeds, stored
from rnnlab.view.compare.pushed import Comparison
from rnnlab.view.compare.sentences import short_value, width_of_chance
from rnnlab.view.compare.tables import band_tables
from rnnlab.view.compare.watch import Snapshot
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import perplexity_text
from rnnlab.view.language.settings import summary
from rnnlab.view.page import chart, estimate, session
from rnnlab.view.page.charts import columns


def draw() -> None:
    """Draw the choice of the experiment, the button that starts the missing seeds, and the band."""
    lang = session.language()
    left, right = st.container(key="compare.setup").columns([3, 1], gap="medium")
    with left:
        recipe_id = state.base_recipe()
    with right:
        base = state.epochs(state.changed(RECIPES[recipe_id].config, without=("num_epochs", "random_seed")), recipe_id)
    members = _members(base)
    missing = missing_seeds(members)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if missing:
            start = partial(_start, base, recipe_id, missing)
            pins.start_button("seeds", ":material/casino:", start, count=len(missing))
        standing = _standing(base, len(members), missing)
        st.caption(f"{plain(summary(base, lang))} · {standing}", width="content")
    if not members:
        st.info(t("compare.seeds.none", lang), icon=":material/casino:")
        return
    watch.follow(list(members.values()), _band)


def _members(base: TrainConfig) -> dict[int, Identity]:
    """Return at most `SEEDS` runs of `base` by random seed: of each seed the run that `watch.find` chooses."""

    def seedless(config: TrainConfig) -> TrainConfig:
        return config.model_copy(update={"random_seed": 0})

    records = stored(session.store().runs(limit=500), base, seedless)
    trained = {record.config.random_seed for record in records}
    by_seed: dict[int, Identity] = {}
    for seed in sorted({*trained, *range(SEEDS)}):
        found = watch.find(base.model_copy(update={"random_seed": seed}), records)
        if found is not None:
            by_seed[seed] = found
    return dict(list(by_seed.items())[:SEEDS])


def _standing(base: TrainConfig, have: int, missing: list[int]) -> str:
    lang = session.language()
    progress = t("compare.seeds.have", lang, have=have, wanted=SEEDS)
    return together(lang, progress, estimate.takes(*[base] * len(missing), key="compare.takes"))


def _start(base: TrainConfig, recipe_id: str, seeds: list[int]) -> None:
    configs = [base.change(random_seed=seed) for seed in seeds]
    exact = RECIPES[recipe_id].config
    pins.start_all([(config, recipe_id, "") if config == exact else (config, "", recipe_id) for config in configs])


def _band(current: Snapshot) -> None:
    lang, theme = session.language(), session.theme()
    names = [short_value("random_seed", run.config.random_seed, lang) for run in current.runs]
    sentence = width_of_chance([run for run in current.runs if run.history.epochs], lang)
    slots = state.slots("seeds", [run.identity for run in current.runs])
    tables = watch.shelf().get(
        ("band", current.version, tuple(slots), lang), lambda: band_tables(current.runs, names, slots, lang)
    )
    watched = f"compare.watched.{'.'.join(run.identity.pin for run in current.runs)}"
    if not current.ended:
        st.session_state[watched] = True
    alt = t("compare.seeds.alt", lang)
    shown = Comparison("band", tuple(run.identity for run in current.runs), tuple(names), tuple(slots), lang)
    chart.show(
        charts.seed_band(lang, theme, charts.room(max(columns(name) for name in names))),
        tables,
        key="compare.band",
        alt=alt if watched in st.session_state else f"{alt} {sentence}",
        events=shown.events(current),
        tall=True,
    )
    # a single run has no band to explain
    chart.notes([t("compare.seeds.legend", lang)] if len(current.runs) > 1 else [], "compare")
    st.info(sentence, icon=":material/casino:")
    st.table(
        {
            t("field.random_seed", lang): [str(run.config.random_seed) for run in current.runs],
            t("field.num_epochs", lang): [str(run.history.epoch) for run in current.runs],
            t("chart.perplexity", lang): [perplexity_text(run.perplexity) for run in current.runs],
            t("compare.seeds.from", lang): [
                t("state.recorded" if run.recorded else "compare.seeds.here", lang) for run in current.runs
            ],
        },
        border="horizontal",
    )
