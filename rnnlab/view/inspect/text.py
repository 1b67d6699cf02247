"""The text as a component: coloured by surprise or by dependence, with each character to be chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from rnnlab.view.data.highlight import literal, visible
from rnnlab.view.inspect.address import ADDRESS
from rnnlab.view.inspect.measures import Dependence, most_surprising, share_level, surprise_level
from rnnlab.view.inspect.sentences import surprise_note
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import probability_text
from rnnlab.view.page import session

KEY = "inspect.characters"

_HTML = """<div class="text" role="listbox" tabindex="0"></div>
<p class="note" role="status" aria-live="polite"></p>
<ul class="legend"></ul>
"""

# the levels differ not only by colour: each has its own underline, and the highest is bold
_CSS = """
:host, div, p, ul { font-family: var(--st-font); color: var(--st-text-color); }
.text { font-size: 1.3rem; line-height: 2.1; overflow-wrap: anywhere; cursor: pointer; border-radius: 6px;
  padding: 2px 4px; }
.text:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.character { display: inline-block; min-width: 0.5em; text-align: center; padding: 0 1px; margin: 0 0.5px;
  line-height: 1.55; border-bottom: 2px solid transparent; border-radius: 3px 3px 0 0; }
.blank, .later { opacity: 0.7; }
.surprise.l1, .surprise .l1 { background: rgba(208, 120, 40, 0.14); border-bottom: 2px dotted rgba(200, 110, 30, 0.9); }
.surprise.l2, .surprise .l2 { background: rgba(208, 120, 40, 0.3); border-bottom: 2px solid rgba(200, 110, 30, 0.9); }
.surprise.l3, .surprise .l3 { background: rgba(208, 110, 30, 0.48); border-bottom: 4px double rgb(200, 100, 20);
  font-weight: 700; }
.share.l1, .share .l1 { background: rgba(60, 125, 195, 0.14); border-bottom: 2px dotted rgba(60, 125, 195, 0.9); }
.share.l2, .share .l2 { background: rgba(60, 125, 195, 0.3); border-bottom: 2px solid rgba(60, 125, 195, 0.9); }
.share.l3, .share .l3 { background: rgba(60, 125, 195, 0.48); border-bottom: 4px double rgb(60, 125, 195);
  font-weight: 700; }
.chosen { outline: 2px solid var(--st-text-color); outline-offset: -1px; border-radius: 3px; }
.following { outline: 2px dashed var(--st-text-color); outline-offset: -1px; border-radius: 3px; }
.note { min-height: 1.4em; margin: 0.25rem 0 0.4rem; font-size: 0.9rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; padding: 0; margin: 0;
  font-size: 0.85rem; }
.legend .character { min-width: 1.5em; line-height: 1.35; margin-right: 0.4em; }
"""

_JS = """
const timers = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const text = parentElement.querySelector(".text")
  const note = parentElement.querySelector(".note")
  const legend = parentElement.querySelector(".legend")
  const describe = place => { note.textContent = data.cells[place].character + " · " + data.cells[place].note }
  const send = place => { if (place !== data.at) setTriggerValue("picked", place) }

  text.className = "text " + data.kind
  text.setAttribute("aria-label", data.label)
  const boxes = data.cells.map((cell, place) => {
    const box = document.createElement("span")
    box.textContent = cell.character
    box.className = "character l" + cell.level + (cell.faint ? " " + cell.faint : "")
    box.id = "c" + place
    box.title = cell.note
    box.setAttribute("role", "option")
    box.setAttribute("aria-label", cell.character + ", " + cell.note)
    box.onclick = () => { mark(place); send(place) }
    box.onmouseenter = () => describe(place)
    return box
  })
  text.replaceChildren(...boxes)
  text.onmouseleave = () => describe(current)

  let current = data.at
  const mark = place => {
    boxes.forEach((box, i) => {
      box.classList.toggle("chosen", i === place)
      box.classList.toggle("following", i === place + 1)
      box.setAttribute("aria-selected", String(i === place))
    })
    text.setAttribute("aria-activedescendant", "c" + place)
    current = place
    describe(place)
  }
  mark(data.at)

  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10, Home: -1e6, End: 1e6 }
  text.onkeydown = event => {
    if (!(event.key in steps)) return
    event.preventDefault()
    mark(Math.min(Math.max(current + steps[event.key], 0), boxes.length - 1))
    // a key that is held down sends one request, at the end
    clearTimeout(timers.get(parentElement))
    timers.set(parentElement, setTimeout(() => send(current), 200))
  }

  legend.replaceChildren(...data.legend.map(entry => {
    const item = document.createElement("li")
    const box = document.createElement("span")
    box.className = "character " + entry.style
    box.textContent = data.sample
    item.append(box, entry.words)
    return item
  }))
  return () => clearTimeout(timers.get(parentElement))
}
"""

_characters = st.components.v2.component("rnnlab_characters", html=_HTML, css=_CSS, js=_JS)


def position(text: str, surprises: Sequence[float | None]) -> int:
    """Return the chosen position (from 0); by default the one before the greatest surprise."""
    worst = most_surprising(surprises)
    return ADDRESS.number("at", 1, len(text), worst if worst else len(text)) - 1


def steps(text: str, at: int) -> None:
    """Draw the chosen character and buttons for the previous and the next one; phones have no arrow keys."""
    lang = session.language()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, icon, target in (("back", "chevron_left", at - 1), ("on", "chevron_right", at + 1)):
            st.button(
                "",
                key=f"inspect.step.{name}",
                icon=f":material/{icon}:",
                help=t(f"inspect.step.{name}", lang),
                on_click=_move,
                args=(target,),
                disabled=not 0 <= target < len(text),
            )
        st.markdown(
            t("inspect.chosen", lang, place=at + 1, length=len(text), character=literal(text[at])), width="content"
        )


def by_surprise(text: str, surprises: Sequence[float | None], at: int) -> None:
    """Draw the text, coloured by the surprise of each character."""
    lang = session.language()
    cells = [
        _cell(character, max(surprise_level(surprise), 0), surprise_note(surprise, lang))
        for character, surprise in zip(text, surprises, strict=True)
    ]
    legend = [(f"surprise l{level}", t(f"inspect.legend.surprise.{level}", lang)) for level in range(4)]
    _draw("surprise", cells, at, legend)


def by_share(text: str, dependence: Dependence, at: int) -> None:
    """Draw the text, coloured by the share of each character in a prediction."""
    lang = session.language()
    later = t("inspect.note.later", lang)
    cells = []
    for place, character in enumerate(text):
        if place > at:
            cells.append(_cell(character, 0, later, faint="later"))
        else:
            share = dependence.shares[place]
            cells.append(
                _cell(character, share_level(share), t("inspect.note.share", lang, share=probability_text(share)))
            )
    legend = [(f"share l{level}", t(f"inspect.legend.share.{level}", lang)) for level in range(4)]
    _draw("share", cells, at, legend)


def _cell(character: str, level: int, note: str, faint: str = "") -> dict[str, Any]:
    return {
        "character": visible(character),
        "level": level,
        "note": note,
        "faint": faint or ("blank" if character == " " and not level else ""),
    }


def _draw(kind: str, cells: list[dict[str, Any]], at: int, legend: list[tuple[str, str]]) -> None:
    lang = session.language()
    marks = [("chosen", t("inspect.legend.chosen", lang)), ("following", t("inspect.legend.following", lang))]
    _characters(
        key=KEY,
        data={
            "kind": kind,
            "cells": cells,
            "at": at,
            "label": t("inspect.characters", lang),
            "sample": t("inspect.legend.sample", lang),
            "legend": [{"style": style, "words": words} for style, words in [*legend, *marks]],
        },
        on_picked_change=_picked,
    )


def _picked() -> None:
    place = getattr(st.session_state.get(KEY), "picked", None)
    # the value comes from a browser and may be anything
    if isinstance(place, int | float) and math.isfinite(place):
        _move(int(place))


def _move(place: int) -> None:
    ADDRESS.write(at=str(place + 1))
