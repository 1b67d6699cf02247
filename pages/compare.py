"""Compare: lay runs over each other, and see what makes the difference."""

from rnnlab.view import shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("compare.title", lang), t("compare.lead", lang))
