"""Lessons: the chapter in its order, each step with something to try."""

from rnnlab.view import shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("lessons.title", lang), t("lessons.lead", lang))
