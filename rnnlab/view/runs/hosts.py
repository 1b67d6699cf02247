"""The machines of the cluster: what each can do, what it trains, and why some are not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.runs.protocol import LIVE
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.page import address, refresh, session
from rnnlab.view.page.names import title
from rnnlab.view.runs import sentences, tables

_PERIOD = 2.0
"""Seconds between two drawings, as of the list of runs."""


def draw() -> None:
    """Draw the machines, updated every two seconds; nothing if runs train on this machine only."""
    try:
        if session.status()["cluster"] is None:
            return
    except RNNLabError:  # what needs the supervisor says so; the list of runs does not
        return
    refresh.moving(_panel, _PERIOD)


def _panel() -> None:
    status, lang = session.status(), session.language()
    accepted = [host for host in status["hosts"] if not host["refused"]]
    with st.container(border=True, gap="small"):
        st.markdown(t("runs.hosts", lang, slots=status["slots"]))
        lacking = sentences.lacking(status, lang)
        if lacking:
            st.warning(lacking, icon=":material/cloud_off:")
        if accepted:
            _table(accepted, lang)
            _runs(accepted, lang)
        for sentence in sentences.refused(status, lang):
            st.caption(sentence)


def _table(hosts: Sequence[Mapping[str, Any]], lang: str) -> None:
    label = {name: t(f"runs.hosts.column.{name}", lang) for name in tables.HOST_COLUMNS}
    column = st.column_config
    st.dataframe(
        tables.hosts(hosts),
        hide_index=True,
        height="content",
        column_config={
            "name": column.TextColumn(label["name"]),
            "cores": column.NumberColumn(label["cores"], format="%d"),
            "speed": column.NumberColumn(label["speed"], format="%.1f", help=t("runs.hosts.column.speed.help", lang)),
            "memory": column.NumberColumn(label["memory"], format="%.1f"),
            "devices": column.TextColumn(label["devices"]),
            "runs": column.NumberColumn(label["runs"], format="%d"),
        },
        placeholder="–",
        alt=t("runs.hosts.alt", lang, count=len(hosts)),
    )


def _runs(hosts: Sequence[Mapping[str, Any]], lang: str) -> None:
    """Draw a link to each run that a machine trains, which everybody may watch, as in the list of runs."""
    if not any(host["runs"] for host in hosts):
        return
    records = {record.id: record for record in session.store().runs(limit=1000, states=LIVE)}
    with st.container(horizontal=True):
        for host in hosts:
            for run in host["runs"]:
                if run not in records:  # it has ended, or was deleted, since the machine was asked
                    continue
                label = {"host": plain(host["facts"]["name"]), "title": plain(title(records[run]))}
                st.page_link(
                    address.PAGES["train"][0],
                    label=t("runs.hosts.run", lang, **label),
                    query_params={"run": run, "lang": lang},
                    icon=":material/show_chart:",
                    width="content",
                )
