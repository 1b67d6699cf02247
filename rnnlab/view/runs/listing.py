"""The list of the runs of this server: search, open, rename, compare, continue, share, export, delete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import ENDED, LIVE
from rnnlab.runs.store import MAX_TITLE, RunRecord
from rnnlab.view.data.identity import MAX_PINS
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import STATE_COLORS, STATE_ICONS, recipe_title, state_text, summary, value_text
from rnnlab.view.page import address, folded, refresh, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.page.names import recipe_name, title
from rnnlab.view.runs.address import ADDRESS, FILTERS, LONGEST
from rnnlab.view.watch import exports

PAGE = 12
_FORM, _PROBLEMS = Edition("run_list"), Problems("run_list")
_PINS = "run_list.pins"


def draw() -> None:
    """Draw the runs, the newest first, updated every two seconds while any run is live."""
    any_live = _any_live()

    def update() -> bool:
        _PROBLEMS.show()
        _list()
        return _any_live()

    refresh.moving(update, 2.0 if any_live else None, any_live)


def _any_live() -> bool:
    return bool(session.store().runs(limit=1, states=LIVE))


def matches(record: RunRecord, query: str, lang: str) -> bool:
    """Return whether each word of `query` occurs in the texts of a run: title, recipe, setup, corpus, state, id."""
    config = record.config
    words = [
        record.title,
        record.name,
        record.based_on,
        *(recipe_title(RECIPES[name], lang) for name in (record.name, record.based_on) if name in RECIPES),
        config.cell,
        summary(config, lang),
        value_text("corpus", config.corpus, lang),
        session.text_title(config.corpus) or "",
        record.state,
        state_text(record.state, lang),
        record.id,
    ]
    text = "\n".join(words).casefold()
    return all(word in text for word in query.casefold().split())


def _list() -> None:
    lang = session.language()
    chosen, query = _filter(lang)
    states = {"live": LIVE, "ended": ENDED}.get(chosen)
    records = session.store().runs(limit=500, states=states)
    matching = [
        record
        for record in records
        if (record.starred or chosen != "starred") and (not query.strip() or matches(record, query, lang))
    ]
    _pinned(lang)
    if not matching:
        st.info(t("runs.none_found" if records else "runs.none", lang), icon=":material/history:")
        st.page_link(address.PAGES["train"][0], label=t("runs.go_train", lang), icon=":material/arrow_forward:",
                     query_params={"lang": lang})  # fmt: skip
        return
    pages = -(-len(matching) // PAGE)
    page = st.pagination(pages, key="run_list.page") if pages > 1 else 1
    for record in matching[(page - 1) * PAGE : page * PAGE]:
        _row(record)


def _filter(lang: str) -> tuple[str, str]:
    """Draw the filters, whose values are in the URL, and return the chosen filter and the query."""
    address.once("runs", _FORM.renew)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            t("runs.filter", lang),
            FILTERS,
            key=session.key(_FORM.key("filter")),
            default=ADDRESS.get("show"),
            required=True,
            format_func=lambda name: t(f"runs.filter.{name}", lang),
            label_visibility="collapsed",
        )
        query = st.text_input(
            t("runs.search", lang),
            ADDRESS.get("find"),
            key=_FORM.key("search"),
            placeholder=t("runs.search.hint", lang),
            icon=":material/search:",
            max_chars=LONGEST,
            label_visibility="collapsed",
            width=320,
        )
    ADDRESS.write(show=str(chosen), find=query or None)
    return str(chosen), query or ""


# runs chosen for comparison


def _pins() -> list[str]:
    return list(st.session_state.get(_PINS, []))


def _pinned(lang: str) -> None:
    """Draw the link that compares the chosen runs."""
    chosen = _pins()
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(t("runs.chosen", lang, count=len(chosen), most=MAX_PINS))
        st.page_link(
            address.PAGES["compare"][0],
            label=t("runs.compare", lang),
            icon=":material/stacked_line_chart:",
            query_params={"pins": ",".join(chosen), "lang": lang},
        )
        st.button(t("runs.choose_none", lang), key="run_list.unpin", type="tertiary", on_click=_unpin_all)


def _pin(run_id: str, key: str) -> None:
    others = [pinned for pinned in _pins() if pinned != run_id]
    st.session_state[_PINS] = [*others, run_id] if st.session_state.get(key) else others


def _unpin_all() -> None:
    for run_id in _pins():
        st.session_state[f"run_list.pin.{run_id}"] = False
    st.session_state[_PINS] = []


# the list entry of a run


def _row(record: RunRecord) -> None:
    lang = session.language()
    with st.container(border=True, gap="small"):
        color, icon = STATE_COLORS[record.state], STATE_ICONS[record.state]
        star = ":material/star: " if record.starred else ""
        st.markdown(f"{star}**{plain(title(record))}**  :{color}-badge[{icon} {state_text(record.state, lang)}]")
        facts = [
            *([plain(recipe_name(record))] if record.title else []),
            t("progress.epoch_of", lang, epoch=record.epoch, total=record.num_epochs),
            t("runs.perplexity", lang, perplexity=number(record.perplexity))
            if record.epoch
            else t("runs.no_epoch", lang),
            f"{session.local_time(record.created_at):%Y-%m-%d %H:%M}",
            record.id,
        ]
        st.caption(f"{plain(summary(record.config, lang))}  \n{' · '.join(facts)}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _actions(record, lang)


def _actions(record: RunRecord, lang: str) -> None:
    st.page_link(
        address.PAGES["train"][0],
        label=t("runs.open", lang),
        icon=":material/open_in_new:",
        query_params={"run": record.id, "lang": lang},
    )
    chosen, key = _pins(), f"run_list.pin.{record.id}"
    if key not in st.session_state:
        st.session_state[key] = record.id in chosen
    st.checkbox(
        t("runs.pin", lang),
        key=key,
        on_change=_pin,
        args=(record.id, key),
        disabled=len(chosen) >= MAX_PINS and record.id not in chosen,
        width="content",
    )
    if record.continuable and not record.live and record.state != "diverged" and record.epoch < record.num_epochs:
        _button("continue", ":material/play_arrow:", record, lambda: session.client().continue_run(record.id))
    _button(
        "unstar" if record.starred else "star",
        ":material/star:",
        record,
        lambda: session.client().star(record.id, not record.starred),
    )
    rename, share = partial(_rename, record), partial(exports.links, record)
    folded.popover("runs.rename", rename, key=f"run_list.rename.{record.id}", icon=":material/edit:")
    folded.popover("controls.share", share, key=f"run_list.share.{record.id}", icon=":material/link:")
    exports.exports(record, quiet=True)
    if not record.live and st.button(
        t("runs.delete", lang), key=f"run_list.delete.{record.id}", icon=":material/delete:", type="tertiary"
    ):
        _confirm(record)


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


def _button(name: str, icon: str, record: RunRecord, act: Callable[[], None]) -> None:
    st.button(
        t(f"runs.{name}", session.language()),
        key=f"run_list.{name}.{record.id}",
        icon=icon,
        type="tertiary",
        on_click=_PROBLEMS.guard,
        args=(act,),
    )


def _confirm(record: RunRecord) -> None:
    lang = session.language()

    @st.dialog(t("runs.delete.title", lang))
    def ask() -> None:
        st.markdown(t("runs.delete.ask", lang, title=plain(title(record)), epochs=record.epoch))
        with st.container(horizontal=True):
            if st.button(
                t("runs.delete.yes", lang),
                key="run_list.confirm",
                type="primary",
                icon=":material/delete:",
                on_click=_PROBLEMS.guard,
                args=(lambda: _delete(record.id),),
            ):
                st.rerun()
            if st.button(t("runs.delete.no", lang)):
                st.rerun()

    ask()


def _delete(run_id: str) -> None:
    session.client().delete(run_id)
    st.session_state[_PINS] = [pinned for pinned in _pins() if pinned != run_id]
