"""The chart component: Vega in the browser, fed by the page and, while a run is live, by the server itself.

Streamlit's own chart is built anew whenever its data changes from outside, and its data can only come from a rerun of
the page. This component keeps its view, inserts points into it, and reads them from an address of the server.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from rnnlab.view.page import pictures, style

ASSETS = Path(__file__).parent / "assets"
POLLING = "plot.polling"
"""Session key: until when the page polls the store because no events arrive, and for how many seconds in all."""
POLLING_SECONDS = (60.0, 900.0)
"""Seconds of polling before the page requests events again: the first time, and at most; they double each time."""

_HTML = """
<div class="lab-plot">
  <div class="lab-figures" hidden>
    <span class="lab-perplexity" data-figure="perplexity"></span>
    <span class="lab-memory" data-figure="memory"></span>
    <div class="lab-status">
      <span data-figure="state"></span>
      <span data-figure="epoch"></span>
      <span class="lab-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100"><span></span></span>
      <span data-figure="left"></span>
      <span data-figure="pace"></span>
    </div>
  </div>
  <table class="lab-board" hidden></table>
  <div class="lab-canvas" role="figure"></div>
  <p class="lab-note" hidden></p>
</div>
"""
# the module with Vega is large: the component only imports it, from an address that browsers may keep, and gives the
# chart its height before, so that nothing below it moves when it is drawn
_JS = """
let module;
// a request that a weak connection lost is sent again, under another name, as browsers may remember the failure
async function load(address, attempt = 1) {
  try {
    return await import(attempt > 1 ? `${address}?attempt=${attempt}` : address);
  } catch (error) {
    console.warn(error);
    await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** attempt, 30000)));
    return load(address, attempt + 1);
  }
}
export default function (component) {
  const { parentElement: place, data: { height, figures } } = component;
  place.querySelector(".lab-plot").classList.toggle("lab-stage", height === null); // the page's style gives the height
  place.querySelector(".lab-canvas").style.height = typeof height === "number" ? `${height}px` : "";
  place.querySelector(".lab-figures").hidden = !figures;
  module ??= load(new URL(component.data.module, document.baseURI).href);
  let closed = false, close = () => {};
  module.then(({ draw }) => { if (!closed) close = draw(component); });
  return () => { closed = true; close(); };
}
"""

_scripts: list[str] = []

Position = tuple[float, ...]
"""How far each run of a chart has come: its epoch, with fractions for minibatches."""


def position_text(position: Position) -> str:
    """Return a position as text, for the browser."""
    return ",".join(map(repr, position))


def read_position(text: str) -> Position:
    """Parse a position.

    Raises:
        ValueError: the text is not a position.
    """
    position = tuple(float(part) for part in text.split(","))
    if not all(map(math.isfinite, position)):
        raise ValueError(text)
    return position


@dataclass(frozen=True)
class Events:
    """Where a chart gets the events of live runs.

    Attributes:
        path: their address; another path is another run, language, or start of the run. Charts with the same path share
            a connection.
        position: the position up to which the tables hold the runs; only later events are requested.
        phase: what the page has drawn itself; when an event names another phase, the page is run again.
        marks: names of the tables that events do not change.
        part: the name under which the events have the tables of this chart, if they are sent only on request.
    """

    path: str
    position: Position
    phase: str
    marks: tuple[str, ...] = ()
    part: str = ""


def serve(path: str) -> None:
    """Declare that this process serves the component's module at `path`; called by the server when it starts."""
    _scripts[:] = [path]


def served() -> bool:
    """Return whether the server of this process has the routes that the component needs."""
    return bool(_scripts)


def pushes() -> bool:
    """Return whether live runs are pushed to this browser, so that the page need not look for new points itself."""
    until, _ = st.session_state.get(POLLING, (0.0, 0.0))
    return served() and time.monotonic() >= until


def start_polling() -> None:
    """Poll the store for a while, because no events arrive."""
    first, longest = POLLING_SECONDS
    until, seconds = st.session_state.get(POLLING, (0.0, 0.0))
    now = time.monotonic()
    if now >= until:  # not once for each chart of the page
        seconds = min(max(first, 2 * seconds), longest)
        st.session_state[POLLING] = now + seconds, seconds


def draw(
    spec: Mapping[str, Any],
    tables: Mapping[str, bytes],
    *,
    key: str,
    alt: str,
    theme: str,
    factor: float = 1.0,
    figures: Mapping[str, Any] | None = None,
    board: Mapping[str, Sequence[str]] | None = None,
    note: tuple[str, str] | None = None,
    events: Events | None = None,
    tall: bool = False,
) -> None:
    """Draw a chart.

    Args:
        spec: the constant specification, with its height.
        tables: Arrow bytes by table name.
        key: key of the component.
        alt: the description for screen readers; it may change without a rebuild.
        theme: "light" or "dark".
        factor: factor of the font sizes.
        figures: texts above the chart by name, with ``percent`` and ``state``; None for none.
        board: a table above the chart: texts by column.
        note: the name and the text of a sentence below the chart.
        events: where the browser gets the events of live runs; None: nothing changes by itself.
        tall: whether the chart is as high as the screen allows, instead of the height of `spec`.
    """

    def silent() -> None:
        if (st.session_state.get(key) or {}).get("silent"):
            start_polling()

    _component()(
        key=key,
        data={
            "module": _scripts[0],
            "spec": {name: value for name, value in spec.items() if name != "height"},
            "height": None if tall else spec.get("height", 300),
            "config": style.config(theme, factor),
            "theme": theme,
            "tables": {name: pictures.columns(table) for name, table in tables.items()},
            "alt": alt,
            "figures": figures,
            "board": None if board is None else {name: list(column) for name, column in board.items()},
            "note": None if note is None else {"name": note[0], "text": note[1]},
            "path": events.path if events else None,
            "version": position_text(events.position) if events else "0",
            "phase": events.phase if events else "",
            "marks": list(events.marks) if events else [],
            "part": events.part if events else "",
        },
        on_changed_change=lambda: None,  # the rerun itself draws what has changed
        on_silent_change=silent,
    )


@cache
def _component() -> Any:
    css = (ASSETS / "plot.css").read_text(encoding="utf-8")
    return st.components.v2.component("rnnlab_plot", html=_HTML, css=css, js=_JS, isolate_styles=False)
