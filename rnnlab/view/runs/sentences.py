"""The sentences on the machines of a cluster, computed from the state of the supervisor.

All functions are pure: the result of `Client.status` in, translated sentences out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlab.view.language.i18n import plain, t

BUSY = "busy"
"""Why a machine is refused that works for another app; any other reason names the versions of both."""


def lacking(status: Mapping[str, Any], lang: str) -> str:
    """Return why nothing can train in the cluster now; "" if something can."""
    if not status["cluster"]:
        return t("runs.hosts.mistrusted" if status["cluster_mistrusted"] else "runs.hosts.silent", lang)
    if not any(not host["refused"] for host in status["hosts"]):
        return t("runs.hosts.none", lang)
    return ""


def refused(status: Mapping[str, Any], lang: str) -> list[str]:
    """Return why each machine is refused that is."""
    sentences = []
    for host in status["hosts"]:
        name, reason = plain(host["facts"]["name"]), host["refused"]
        if reason == BUSY:
            sentences.append(t("runs.hosts.busy", lang, name=name))
        elif reason:
            theirs, _, ours = reason.partition("; ")
            sentences.append(t("runs.hosts.versions", lang, name=name, theirs=plain(theirs), ours=plain(ours)))
    return sentences
