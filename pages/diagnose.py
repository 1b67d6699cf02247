"""Diagnose: why six layers stall, why both directions mislead, what clipping does, what overfitting looks like."""

from rnnlab.view import shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("diagnose.title", lang), t("diagnose.lead", lang))
