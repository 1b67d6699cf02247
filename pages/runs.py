"""Runs: every run of this server, to open, name, compare, share, take away, continue or delete, and more to take in."""

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import run_import, run_list

lang = shell.enter()
shell.frame(t("runs.title", lang), t("runs.lead", lang))
run_import.draw()
run_list.draw()
