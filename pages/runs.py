"""Runs: the runs of this server, to open, rename, compare, share, export, continue or delete; and the import."""

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session
from rnnlab.view.runs import everybody, hosts, imports, listing, notes

lang = frame.enter()
frame.head(t("runs.title", lang), t("runs.lead", lang))
if session.embedded():
    from rnnlab.view.watch import embed

    embed.draw()
    st.stop()
notes.draw()
imports.draw()
listing.draw()
everybody.draw()
hosts.draw()
