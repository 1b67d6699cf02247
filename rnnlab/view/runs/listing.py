"""The list of the runs of this server: a table to search, sort and choose from, and what was deleted last."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import ENDED, LIVE
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import changes_text, recipe_title, state_text, summary, value_text
from rnnlab.view.page import address, refresh, session
from rnnlab.view.page.forms import Edition
from rnnlab.view.page.names import recipe_of, title
from rnnlab.view.runs import actions, tables
from rnnlab.view.runs.address import ADDRESS, FILTERS, LONGEST

MOST = 200
"""Largest number of runs in the table; a search finds the others."""
_READ = 1000
"""Number of the newest runs that are searched."""
_WHOLE, _HEIGHT = 14, 562
"""Number of runs up to which the table is as high as its rows, and its height in pixels beyond it."""
_FORM = Edition("run_list")
_curves = Shelf(2000)


def draw() -> None:
    """Draw the runs, the newest first, updated every two seconds while any run is live."""
    any_live = _any_live()

    def update() -> bool:
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
    records = session.store().runs(limit=_READ, states=states)
    matching = [
        record
        for record in records
        if (record.starred or chosen != "starred")
        and (chosen != "mine" or record.owner == session.visitor().id)
        and (not query.strip() or matches(record, query, lang))
    ]
    actions.deleted()
    above = st.container()  # the actions stay in place, and their menus have room below them
    if matching:
        _table(matching[:MOST], lang)
    if matching or actions.chosen():  # without a table there is nothing to tick
        with above:
            actions.draw({record.id: record for record in records})
    if not matching:
        st.info(t("runs.none_found" if records else "runs.none", lang), icon=":material/history:")
        st.page_link(address.PAGES["train"][0], label=t("runs.go_train", lang), icon=":material/arrow_forward:",
                     query_params={"lang": lang})  # fmt: skip
    elif len(matching) > MOST:
        st.caption(t("runs.newest", lang, shown=MOST, count=len(matching)))


def _table(records: list[RunRecord], lang: str) -> None:
    """Draw the table; a run that is chosen in it stays chosen when a search hides it."""
    ids = [record.id for record in records]
    # rows are chosen by their number, so that with other runs it has to be another widget
    digest = hashlib.sha256(",".join(ids).encode()).hexdigest()[:12]
    key = session.key(f"run_list.table.{digest}.{actions.EDITION.number}")
    imported = session.store().imported()
    table = tables.runs([_row(record, record.id in imported, lang) for record in records])
    selected = actions.chosen()
    event = st.dataframe(
        tables.written(table),
        key=key,
        hide_index=True,
        height="content" if len(ids) <= _WHOLE else _HEIGHT,
        column_config=_columns(lang),
        column_order=tables.COLUMNS,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [row for row, run_id in enumerate(ids) if run_id in selected]}},
        alt=t("runs.table.alt", lang, count=len(ids)),
    )
    actions.choose(ids, event.selection.rows)


def _row(record: RunRecord, imported: bool, lang: str) -> tables.Row:
    # not beside the state, whose column has room for one word on a phone
    origin = t("runs.imported", lang) if imported else ""
    return tables.Row(
        id=record.id,
        name=title(record),
        changes=" · ".join(filter(None, [origin, changes(record, lang)])),
        state=state_text(record.state, lang),
        starred=record.starred,
        epoch=record.epoch,
        perplexity=record.perplexity,
        curve=_curves.get(
            (record.id, record.epoch, record.finished_at),
            lambda: tables.curve(session.store().perplexities(record.id)),
        ),
        created=session.local_time(record.created_at),
    )


def changes(record: RunRecord, lang: str) -> str:
    """Return in what a run departs from the recipe that it is based on; "" if it follows its recipe."""
    recipe = recipe_of(record)
    if record.config == recipe.config:
        return ""
    return changes_text(record.config, recipe.config, lang, session.text_title(record.config.corpus))


def _columns(lang: str) -> dict[str, Any]:
    label = {name: t(f"runs.column.{name}", lang) for name in tables.COLUMNS if name != "star"}
    column = st.column_config
    return {
        # widths in pixels: on a phone, name, perplexity and state fit without scrolling
        "name": column.TextColumn(label["name"], width=166, pinned=True),
        "perplexity": column.NumberColumn(label["perplexity"], width=76),
        "state": column.TextColumn(label["state"], width=100),
        "star": column.TextColumn("★", width=36),
        "curve": column.LineChartColumn(
            label["curve"], width="small", help=t("runs.column.curve.help", lang), y_min=0, y_max=tables.HIGHEST
        ),
        "epoch": column.NumberColumn(label["epoch"], width="small", format="%d"),
        "changes": column.TextColumn(label["changes"], width="large"),
        "created": column.DatetimeColumn(label["created"], format="YYYY-MM-DD HH:mm"),
        "id": column.TextColumn(label["id"], width="small"),
    }


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
