"""Runs: every run of this server, to open, continue, export or delete."""

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import run_list

lang = shell.enter()
shell.frame(t("runs.title", lang), t("runs.lead", lang))
run_list.draw()
