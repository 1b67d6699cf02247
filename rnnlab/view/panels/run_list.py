"""The runs of this server: open, continue, delete, export."""

from __future__ import annotations

import datetime

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import ENDED, LIVE
from rnnlab.runs.store import RunRecord
from rnnlab.view import shell
from rnnlab.view.i18n import number, plain, t
from rnnlab.view.panels import controls
from rnnlab.view.wording import STATE_COLORS, STATE_ICONS, recipe_title, state_text, summary

PAGE = 12
_PROBLEM = "run_list.problem"
_FILTERS = ("all", "live", "ended", "starred")


def draw() -> None:
    """Show the runs, the newest first, looking again every two seconds while one is live."""
    any_live = bool(shell.store().runs(limit=1, states=LIVE))

    def look() -> None:
        problem = st.session_state.pop(_PROBLEM, None)
        if problem is not None:
            shell.complain(problem)
        _list()
        if bool(shell.store().runs(limit=1, states=LIVE)) != any_live:
            st.rerun()

    st.fragment(run_every=2.0 if any_live else None)(look)()


def _list() -> None:
    lang = shell.language()
    chosen = st.segmented_control(
        t("runs.filter", lang),
        _FILTERS,
        key=shell.key("run_list.filter"),
        default="all",
        required=True,
        format_func=lambda one: t(f"runs.filter.{one}", lang),
        label_visibility="collapsed",
    )
    states = {"live": LIVE, "ended": ENDED}.get(str(chosen))
    records = shell.store().runs(limit=500, states=states)
    if chosen == "starred":
        records = [one for one in records if one.starred]
    if not records:
        st.info(t("runs.none", lang), icon=":material/history:")
        st.page_link(shell.PAGES["train"][0], label=t("runs.go_train", lang), icon=":material/arrow_forward:",
                     query_params={"lang": lang})  # fmt: skip
        return
    pages = -(-len(records) // PAGE)
    page = st.pagination(pages, key="run_list.page") if pages > 1 else 1
    for record in records[(page - 1) * PAGE : page * PAGE]:
        _row(record)


def _row(record: RunRecord) -> None:
    lang = shell.language()
    with st.container(border=True, gap="small"):
        color, icon = STATE_COLORS[record.state], STATE_ICONS[record.state]
        star = ":material/star: " if record.starred else ""
        st.markdown(f"{star}**{title(record)}**  :{color}-badge[{icon} {state_text(record.state, lang)}]")
        facts = [
            t("progress.epoch_of", lang, epoch=record.epoch, total=record.num_epochs),
            t("runs.perplexity", lang, perplexity=number(record.perplexity))
            if record.epoch
            else t("runs.no_epoch", lang),
            _when(record.created_at),
            record.id,
        ]
        st.caption(f"{summary(record.config, lang)}  \n{' · '.join(facts)}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(
                shell.PAGES["train"][0],
                label=t("runs.open", lang),
                icon=":material/open_in_new:",
                query_params={"run": record.id, "lang": lang},
            )
            if (
                record.continuable
                and not record.live
                and record.state != "diverged"
                and record.epoch < record.num_epochs
            ):
                _button("continue", ":material/play_arrow:", record, lambda: shell.client().continue_run(record.id))
            _button(
                "unstar" if record.starred else "star",
                ":material/star:",
                record,
                lambda: shell.client().star(record.id, not record.starred),
            )
            controls.exports(record)
            if not record.live and st.button(
                t("runs.delete", lang), key=f"run_list.delete.{record.id}", icon=":material/delete:", type="tertiary"
            ):
                _confirm(record)


def _button(name: str, icon: str, record: RunRecord, act: object) -> None:
    st.button(
        t(f"runs.{name}", shell.language()),
        key=f"run_list.{name}.{record.id}",
        icon=icon,
        type="tertiary",
        on_click=_guarded,
        args=(act,),
    )


def _guarded(act: object) -> None:
    assert callable(act)
    try:
        act()
    except RNNLabError as error:
        st.session_state[_PROBLEM] = error


def _confirm(record: RunRecord) -> None:
    lang = shell.language()

    @st.dialog(t("runs.delete.title", lang))
    def ask() -> None:
        st.markdown(t("runs.delete.ask", lang, title=title(record), epochs=record.epoch))
        with st.container(horizontal=True):
            if st.button(
                t("runs.delete.yes", lang),
                key="run_list.confirm",
                type="primary",
                icon=":material/delete:",
                on_click=_guarded,
                args=(lambda: shell.client().delete(record.id),),
            ):
                st.rerun()
            if st.button(t("runs.delete.no", lang)):
                st.rerun()

    ask()


def title(record: RunRecord) -> str:
    """Name a run: its recipe, or what it is based on."""
    lang = shell.language()
    if record.name in RECIPES:
        return f"{record.name} · {recipe_title(RECIPES[record.name], lang)}"
    if record.based_on in RECIPES:
        return t("setup.based_on", lang, id=record.based_on)
    return plain(record.name) or t("runs.own", lang)


def _when(seconds: float) -> str:
    zone = st.context.timezone
    try:
        from zoneinfo import ZoneInfo

        place: datetime.tzinfo | None = ZoneInfo(zone) if zone else datetime.UTC
    except (KeyError, ValueError, OSError):
        place = datetime.UTC
    return datetime.datetime.fromtimestamp(seconds, place).strftime("%Y-%m-%d %H:%M")
