"""A race: variants of one experiment from one random seed, started together, and who comes below a line first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.view.compare import overlay, state
from rnnlab.view.compare import pins as compare_pins
from rnnlab.view.compare import watch as compare_watch
from rnnlab.view.compare.measures import FINISHES, Pinned, Place, finish_line, finishing_order
from rnnlab.view.compare.sentences import labels, same_curve
from rnnlab.view.compare.variants import KINDS, MAX_VARIANTS, parse_own, variants
from rnnlab.view.compare.watch import Look
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import duration, number, perplexity_text
from rnnlab.view.language.settings import phrase, summary, value_text
from rnnlab.view.page import estimate, session


def setup() -> None:
    """Choose what races, and start it."""
    lang = session.language()
    left, right = st.columns(2, gap="large")
    with left:
        recipe_id = state.base_recipe()
        base = state.epochs(state.changed(RECIPES[recipe_id].config), recipe_id)
        st.caption(summary(base, lang))
    with right:
        kind = state.choice("vary", KINDS, lambda one: t(f"compare.vary.{one}", lang), t("compare.vary", lang))
        wanted = _choose(kind, base)
    ready = 2 <= len(wanted) <= MAX_VARIANTS
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        compare_pins.start_button(
            "race", ":material/flag:", _start, recipe_id, wanted, count=len(wanted), disabled=not ready
        )
        st.caption(_takes(wanted) if ready else t("compare.race.how_many", lang, allowed=MAX_VARIANTS), width="content")


def _choose(kind: str, base: TrainConfig) -> list[TrainConfig]:
    lang = session.language()
    if kind == "own":
        text = state.text_line("own", t("compare.own", lang), t("compare.own.help", lang))
        try:
            return parse_own(base, text)
        except RNNLabError as error:
            session.show_error(error)
            return []
    if kind == "computation":
        st.caption(t("compare.vary.computation.help", lang))
    options = variants(base, kind)
    says = {str(value): _says(kind, value) for value in options}
    key = state.key(f"race.{kind}")
    picked = st.pills(
        t(f"compare.vary.{kind}", lang),
        list(says),
        default=state.listed(kind, list(says)),
        selection_mode="multi",
        key=key,
        format_func=lambda one: says[one],
        label_visibility="collapsed",
    )
    state.keep_listed(kind, [name for name in says if name in picked], list(says))
    return [base.change(**{kind: value}) for value in options if str(value) in picked]


def _says(kind: str, value: object) -> str:
    lang = session.language()
    if kind == "num_layers":
        return phrase(kind, TrainConfig().change(num_layers=value), lang)
    return value_text(kind, value, lang)


def _takes(wanted: Sequence[TrainConfig]) -> str:
    lang = session.language()
    seed = wanted[0].random_seed
    return estimate.takes(*wanted, key="compare.race.takes", seed=seed) or t("compare.race.seed", lang, seed=seed)


def _start(recipe_id: str, wanted: Sequence[TrainConfig]) -> None:
    exact = RECIPES[recipe_id].config
    started = compare_pins.start_all([(one, recipe_id, "") if one == exact else (one, "", recipe_id) for one in wanted])
    if started:
        state.set_pins(started)


def watch(pins: Sequence[Identity]) -> None:
    """Show the runs that are pinned as a race: the order at the line, and the curves."""
    lang = session.language()
    st.subheader(t("compare.race.watch", lang), anchor=False)
    if not pins:
        st.info(t("compare.race.none", lang), icon=":material/flag:")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        finish = state.choice("finish", FINISHES, lambda one: t(f"compare.finish.{one}", lang))
    by, smooth = overlay.axis()

    def race(now: Look) -> None:
        names = labels(now.runs, lang)
        _order(now.runs, names, finish, by)
        if len(now.runs) == 2 and (told := same_curve(now.runs[0], now.runs[1], lang)):
            st.info(plain(told), icon=":material/speed:")
        overlay.curves(now, names, by, smooth, key="compare.race")

    compare_watch.follow(pins, race)


def _order(runs: Sequence[Pinned], names: Sequence[str], finish: str, by: str) -> None:
    lang = session.language()
    places = finishing_order(runs, finish, by)
    columns: dict[str, list[str]] = {
        t("compare.place", lang): [str(place.rank or "–") for place in places],
        t("compare.run", lang): [plain(names[place.index]) for place in places],
        t("compare.race.crossed", lang): [_crossed(runs[place.index], place, finish) for place in places],
        t("compare.race.now", lang): [_now(runs[place.index]) for place in places],
    }
    st.table(columns, border="horizontal")


def _crossed(run: Pinned, place: Place, finish: str) -> str:
    lang = session.language()
    if finish_line(run, finish) is None:
        return t("compare.race.no_line", lang)
    if place.crossing is not None:
        return t(
            "compare.race.at",
            lang,
            epoch=place.crossing.epoch,
            duration=duration(place.crossing.seconds, lang),
            characters=f"{place.crossing.characters:,.0f}",
        )
    return t("compare.race.never" if run.ended else "compare.race.not_yet", lang)


def _now(run: Pinned) -> str:
    lang = session.language()
    return t(
        "compare.race.stands",
        lang,
        perplexity=perplexity_text(run.perplexity),
        epoch=run.history.epoch,
        total=number(run.config.num_epochs, 5),
    )
