"""The marks of the lessons that were opened, kept by the browser so that they survive a reload.

A session of Streamlit ends with a reload, and the server keeps nothing about its visitors.
"""

from __future__ import annotations

import streamlit as st

from rnnlab.view.lessons import contents

_KEY = "lessons.progress"
_SEEN = "lessons.seen"

# the browser's list and the session's are joined; whoever lacks a mark gets it from the other. A browser that does not
# let pages keep anything has the marks of the session only
_JS = """
const NAME = "rnnlab.lessons.seen"

export default function ({ data, setTriggerValue }) {
  let kept = []
  try { kept = JSON.parse(localStorage.getItem(NAME)) } catch { }
  kept = Array.isArray(kept) ? kept.filter(name => data.names.includes(name)) : []
  const all = [...new Set([...kept, ...data.seen])]
  if (all.length > kept.length) {
    try { localStorage.setItem(NAME, JSON.stringify(all)) } catch { }
  }
  if (all.length > data.seen.length) setTriggerValue("seen", all)
}
"""

_marks = st.components.v2.component("rnnlab_lesson_marks", js=_JS)


def seen() -> set[str]:
    """Return the lessons opened in this browser, and the exercises with a guess."""
    names: set[str] = st.session_state.setdefault(_SEEN, set())
    return names


def keep() -> None:
    """Let the browser keep the marks, and add those that it has kept; called after the marks of this run are known."""
    _marks(
        key=_KEY,
        data={"seen": sorted(seen()), "names": [lesson.name for lesson in contents.ALL]},
        on_seen_change=_found,
    )


def _found() -> None:
    found = getattr(st.session_state.get(_KEY), "seen", None)
    # the value comes from a browser and may be anything
    if isinstance(found, list):
        seen().update(lesson.name for lesson in contents.ALL if lesson.name in found)
