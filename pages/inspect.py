"""Inspect: look into a trained network character by character."""

from rnnlab.view import shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("inspect.title", lang), t("inspect.lead", lang))
