"""What can be done with the runs that are chosen in the table, and how a deletion is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.runs.store import MAX_TITLE, RESTORABLE, DeletedRun, RunRecord
from rnnlab.view.data.identity import MAX_PINS
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.settings import STATE_COLORS, STATE_ICONS, recipe_label, state_text, summary
from rnnlab.view.page import address, folded, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.page.names import recipe_name, title
from rnnlab.view.watch import exports

EDITION = Edition("run_choice")
"""The edition of the table, which starts again when runs are chosen or unchosen elsewhere than in it."""
_PROBLEMS = Problems("run_list")
_CHOSEN = "run_list.chosen"
_RESTORABLE_SHOWN = 3
"""Largest number of deleted runs that are offered."""


def chosen() -> list[str]:
    """Return the ids of the chosen runs, in the order in which they were chosen."""
    return list(st.session_state.get(_CHOSEN, []))


def choose(listed: Sequence[str], rows: Sequence[int]) -> None:
    """Choose the runs at `rows` of those that are listed; chosen runs that are not listed stay chosen."""
    selected = [listed[row] for row in rows if row < len(listed)]
    before = chosen()
    kept = [run_id for run_id in before if run_id in selected or run_id not in listed]
    st.session_state[_CHOSEN] = [*kept, *(run_id for run_id in selected if run_id not in kept)]


def _choose_none() -> None:
    st.session_state[_CHOSEN] = []
    EDITION.renew()


def draw(records: Mapping[str, RunRecord]) -> None:
    """Draw the actions for the chosen runs above the table, where they stay in place.

    Args:
        records: the runs of the server by id; a chosen run that is not among them has been deleted elsewhere.
    """
    lang = session.language()
    _PROBLEMS.show()
    if not records:  # there is nothing to tick
        return
    runs = [records[run_id] for run_id in chosen() if run_id in records]
    with st.container(border=True, gap="small", key="runs.actions"):
        if not runs:
            st.caption(t("runs.choose", lang, most=MAX_PINS))
        elif len(runs) == 1:
            _one(runs[0], lang)
        else:
            _several(runs, lang)


def _one(record: RunRecord, lang: str) -> None:
    color, icon = STATE_COLORS[record.state], STATE_ICONS[record.state]
    facts = [plain(summary(record.config, lang)), *([plain(recipe_name(record))] if record.title else []), record.id]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state = f":{color}-badge[{icon} {state_text(record.state, lang)}]"
        st.markdown(f"**{plain(title(record))}**  {state}", width="content")
        st.caption(" · ".join(facts), width="content")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            address.PAGES["train"][0],
            label=t("runs.open", lang),
            icon=":material/open_in_new:",
            query_params={"run": record.id, "lang": lang},
        )
        _compare([record], lang)
        share = partial(exports.links, record)
        if not session.may_steer(record):
            folded.popover("controls.share", share, key=f"run_list.share.{record.id}", icon=":material/link:")
            exports.exports(record, quiet=True)
            return
        if record.continuable and not record.live and record.epoch < record.num_epochs:
            _button("continue", ":material/play_arrow:", lambda: session.client().continue_run(record.id))
        _button(
            "unstar" if record.starred else "star",
            ":material/star:",
            lambda: session.client().star(record.id, not record.starred),
        )
        rename = partial(_rename, record)
        folded.popover("runs.rename", rename, key=f"run_list.rename.{record.id}", icon=":material/edit:")
        folded.popover("controls.share", share, key=f"run_list.share.{record.id}", icon=":material/link:")
        exports.exports(record, quiet=True)
        _delete_button([record], lang)


def _several(runs: list[RunRecord], lang: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(t("runs.chosen", lang, count=len(runs), most=MAX_PINS), width="content")
        _compare(runs[:MAX_PINS], lang)
        _delete_button(runs, lang)
        st.button(t("runs.choose_none", lang), key="run_list.unpin", type="tertiary", on_click=_choose_none)


def _compare(runs: list[RunRecord], lang: str) -> None:
    st.page_link(
        address.PAGES["compare"][0],
        label=t("runs.compare", lang),
        icon=":material/stacked_line_chart:",
        query_params={"pins": ",".join(record.id for record in runs), "lang": lang},
    )


def _rename(record: RunRecord) -> None:
    lang = session.language()
    key = f"run_list.title.{record.id}.{record.title}"
    st.text_input(
        t("runs.rename.label", lang),
        record.title,
        key=key,
        max_chars=MAX_TITLE,
        placeholder=t("runs.rename.hint", lang),
        on_change=_PROBLEMS.guard,
        args=(lambda: session.client().rename(record.id, str(st.session_state[key] or "")),),
    )


def _button(name: str, icon: str, act: Callable[[], object]) -> None:
    st.button(
        t(f"runs.{name}", session.language()),
        key=f"run_list.{name}",
        icon=icon,
        type="tertiary",
        on_click=_PROBLEMS.guard,
        args=(act,),
    )


# deleting


def _delete_button(runs: list[RunRecord], lang: str) -> None:
    ended = [record for record in runs if not record.live and session.may_steer(record)]
    if ended and st.button(t("runs.delete", lang), key="run_list.delete", icon=":material/delete:", type="tertiary"):
        _confirm(ended)


def _confirm(runs: list[RunRecord]) -> None:
    lang = session.language()

    @st.dialog(t("runs.delete.title", lang))
    def ask() -> None:
        names = "\n".join(
            t("runs.delete.run", lang, title=plain(title(record)), epochs=record.epoch, id=record.id) for record in runs
        )
        st.markdown(f"{names}\n\n{t('runs.delete.ask', lang, minutes=round(RESTORABLE / 60))}")
        with st.container(horizontal=True):
            if st.button(
                t("runs.delete.yes", lang),
                key="run_list.confirm",
                type="primary",
                icon=":material/delete:",
                on_click=_PROBLEMS.guard,
                args=(lambda: _delete([record.id for record in runs]),),
            ):
                st.rerun()
            if st.button(t("runs.delete.no", lang)):
                st.rerun()

    ask()


def _delete(runs: list[str]) -> None:
    for run_id in runs:
        session.client().delete(run_id)
        st.session_state[_CHOSEN] = [other for other in chosen() if other != run_id]


def deleted() -> None:
    """Draw the runs that were deleted last, each with a button that brings it back."""
    lang = session.language()
    mine = [run for run in session.store().deleted() if session.visitor().owns(run.owner)]
    for run in mine[:_RESTORABLE_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", border=True, gap="small"):
            st.markdown(
                t("runs.deleted", lang, title=plain(_name(run, lang)), epochs=run.epoch, id=run.id), width="stretch"
            )
            st.button(
                t("runs.restore", lang),
                key=f"run_list.restore.{run.id}",
                icon=":material/undo:",
                on_click=_PROBLEMS.guard,
                args=(session.client().restore, run.id),
            )


def _name(run: DeletedRun, lang: str) -> str:
    if run.title or run.name in RECIPES:
        return run.title or recipe_label(RECIPES[run.name], lang)
    return t("setup.based_on", lang, id=run.based_on) if run.based_on else run.name or t("runs.own", lang)
