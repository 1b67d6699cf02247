"""Runs: every run of this server, to open, name, compare, share, take away, continue or delete, and more to take in."""

import streamlit as st

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import run_import, run_list

lang = shell.enter()
shell.frame(t("runs.title", lang), t("runs.lead", lang))
if shell.embedded():
    from rnnlab.view.panels import embed

    embed.draw()
    st.stop()
run_import.draw()
run_list.draw()
