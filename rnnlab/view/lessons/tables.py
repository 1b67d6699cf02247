"""The data tables of the lessons' charts in `rnnlab.view.lessons.charts`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from rnnlab.view.data.highlight import visible
from rnnlab.view.data.history import History
from rnnlab.view.data.scale import arrows, on_scale
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import number, perplexity_text
from rnnlab.view.lessons.compute import clipping, sampling, truncation
from rnnlab.view.lessons.compute.cells import Array
from rnnlab.view.lessons.compute.clipping import Clipped
from rnnlab.view.lessons.compute.depth import Descent
from rnnlab.view.lessons.compute.directions import Reading, seen
from rnnlab.view.page.arrow import ipc
from rnnlab.view.page.style import ceiling

_F, _S = pa.float64(), pa.string()
MAX_BARS = 8


def continuations(counts: Sequence[tuple[str, int]]) -> dict[str, bytes]:
    """Return the most frequent continuations of a context."""
    total = sum(count for _, count in counts)
    shown = counts[:MAX_BARS]
    columns = {
        "character": [visible(character) for character, _ in shown],
        "count": [float(count) for _, count in shown],
        "rank": [float(i) for i in range(len(shown))],
        "label": [f"{count / total:.0%}" for _, count in shown],
    }
    return {"bars": ipc(columns, {"character": _S, "count": _F, "rank": _F, "label": _S})}


def ladder(rungs: Mapping[int, float], size: int) -> dict[str, bytes]:
    """Return the perplexity by context length (from the ladder `rungs` by order), with the chosen `size`."""
    sizes = [order - 1 for order in sorted(rungs) if order >= 1]
    columns: dict[str, list[Any]] = {
        "size": [float(length) for length in sizes],
        "value": [rungs[length + 1] for length in sizes],
        "label": [number(rungs[length + 1], 3) for length in sizes],
    }
    types = {"size": _F, "value": _F, "label": _S}
    now = {name: [values[sizes.index(size)]] for name, values in columns.items()}
    return {"rungs": ipc(columns, types), "now": ipc(now, types)}


def positions(minibatches: sampling.Positions, minibatch: int, length: int) -> dict[str, bytes]:
    """Return each window of each minibatch as a bar over its positions; `minibatch` (from 0) is highlighted."""
    starts = [
        (m, row, int(window[0]), int(window[-1]) + 1)
        for m, rows in enumerate(minibatches)
        for row, window in enumerate(rows)
    ]
    columns = {
        "position": [float(first) for _, _, first, _ in starts],
        "end": [end - 0.12 for _, _, _, end in starts],
        "middle": [(first + end) / 2 for _, _, first, end in starts],
        "minibatch": [float(m + 1) for m, _, _, _ in starts],
        "row": [float(row + 1) for _, row, _, _ in starts],
        "label": [str(row + 1) for _, row, _, _ in starts],
        "now": [1.0 if m == minibatch else 0.0 for m, _, _, _ in starts],
    }
    types = {name: _S if name == "label" else _F for name in columns}
    return {"cells": ipc(columns, types), "extent": ipc({"position": [0.0, float(length)]}, {"position": _F})}


def losses(probabilities: Sequence[float]) -> dict[str, bytes]:
    """Return -ln p as a curve, with a point for each finite loss."""
    curve = np.linspace(0.01, 1, 60)
    points = [(i, p) for i, p in enumerate(probabilities, 1) if p >= 0.01]
    types = {"p": _F, "loss": _F}
    return {
        "curve": ipc({"p": curve.tolist(), "loss": (-np.log(curve)).tolist()}, types),
        "points": ipc(
            {
                "p": [p for _, p in points],
                "loss": [-math.log(p) for _, p in points],
                "label": [str(i) for i, _ in points],
            },
            types | {"label": _S},
        ),
    }


def reach(minibatch: int, num_minibatches: int, num_steps: int, detach: bool, lang: str) -> dict[str, bytes]:
    """Return the graph of an epoch with the path of the gradient of `minibatch` (from 1)."""
    total = num_minibatches * num_steps
    back = truncation.reach(minibatch, num_steps, detach)
    # x positions, with a gap between minibatches
    at = [step + 0.8 * (step // num_steps) for step in range(total)]
    borders = [(at[m * num_steps - 1] + at[m * num_steps]) / 2 for m in range(1, num_minibatches)]
    links = [(at[i], at[i + 1]) for i in range(total - 1)]
    centres = [(at[m * num_steps] + at[(m + 1) * num_steps - 1]) / 2 for m in range(num_minibatches)]
    names = [
        t("lesson.truncation.loss" if m + 1 == minibatch else "lesson.truncation.name", lang, number=m + 1)
        for m in range(num_minibatches)
    ]
    cuts = borders if detach else []
    return {
        "steps": ipc(
            {"step": at, "y": [0.0] * total, "reached": [1.0 if i in back else 0.0 for i in range(total)]},
            {"step": _F, "y": _F, "reached": _F},
        ),
        "links": ipc(
            {"step": [a for a, _ in links], "to": [b for _, b in links], "y": [0.0] * len(links)},
            {"step": _F, "to": _F, "y": _F},
        ),
        "ways": ipc({"step": [at[back[-1]]], "to": [at[back[0]]], "y": [0.8]}, {"step": _F, "to": _F, "y": _F}),
        "cuts": ipc(
            {"step": cuts, "y": [-0.7] * len(cuts), "y2": [1.2] * len(cuts), "label": ["✂"] * len(cuts)},
            {"step": _F, "y": _F, "y2": _F, "label": _S},
        ),
        "names": ipc(
            {"step": centres, "y": [-1.1] * num_minibatches, "label": names}, {"step": _F, "y": _F, "label": _S}
        ),
    }


def walked(num_minibatches: int, num_steps: int, lang: str) -> dict[str, bytes]:
    """Return the number of time steps that each minibatch's gradient passes through, with and without the cut."""
    rows = [
        (m, steps, t(f"lesson.truncation.{name}", lang))
        for name, detach in (("cut", True), ("uncut", False))
        for m, steps in enumerate(truncation.steps_walked(num_minibatches, num_steps, detach), 1)
    ]
    columns = {
        "minibatch": [float(m) for m, _, _ in rows],
        "steps": [float(steps) for _, steps, _ in rows],
        "series": [series for _, _, series in rows],
        "label": [str(steps) if m == num_minibatches else "" for m, steps, _ in rows],
    }
    return {"walked": ipc(columns, {"minibatch": _F, "steps": _F, "series": _S, "label": _S})}


def measured(minibatches: Sequence[int], values: Sequence[float]) -> dict[str, bytes]:
    """Return values by minibatch, with labels at the first and the last."""
    columns = {
        "minibatch": [float(minibatch) for minibatch in minibatches],
        "value": list(values),
        "label": [number(v, 3) if i in (0, len(values) - 1) else "" for i, v in enumerate(values)],
    }
    return {"measured": ipc(columns, {"minibatch": _F, "value": _F, "label": _S})}


def costs(cost: truncation.Cost) -> dict[str, bytes]:
    """Return the time of each minibatch in milliseconds."""
    bars = {
        "minibatch": [float(minibatch) for minibatch in cost.minibatches],
        "value": [1000 * seconds for seconds in cost.seconds],
        "label": [number(1000 * seconds, 2) for seconds in cost.seconds],
    }
    return {"costs": ipc(bars, {"minibatch": _F, "value": _F, "label": _S})}


def vectors(first: Array, second: Array, names: tuple[str, str], radius: float, radius_name: str) -> dict[str, bytes]:
    """Return two arrows from the origin, a circle, and the extent of the picture."""
    ends = [first, second]
    columns = {
        "x": [value for end in ends for value in (0.0, float(end[0]))],
        "y": [value for end in ends for value in (0.0, float(end[1]))],
        "kind": [name for name in names for _ in range(2)],
        "label": [text for name in names for text in ("", name)],
        "order": [0.0, 1.0, 0.0, 1.0],
        "side": [1.0, 1.0, -1.0, -1.0],  # the names are on opposite sides of their arrows
    }
    x, y = clipping.circle(radius)
    # the label of the circle is opposite to the arrow
    toward = second if np.any(second) else np.ones(2)
    far = round(math.degrees(math.atan2(-toward[1], -toward[0])) / 5) % 72
    labels = [radius_name if i == far else "" for i in range(len(x))]
    reach = 1.25 * max(radius, *(float(np.abs(end).max()) for end in ends), 1e-9)
    types = {"x": _F, "y": _F}
    return {
        "arrows": ipc(columns, types | {"kind": _S, "label": _S, "order": _F, "side": _F}),
        "circle": ipc(
            {"x": x, "y": y, "order": [float(i) for i in range(len(x))], "label": labels},
            types | {"order": _F, "label": _S},
        ),
        "extent": ipc({"reach": [-reach, reach]}, {"reach": _F}),
    }


def gradient(clipped: Clipped, lang: str) -> dict[str, bytes]:
    """Return a gradient, the clipped gradient and the circle of radius θ."""
    names = (t("lesson.clipping.gradient", lang), t("lesson.clipping.clipped", lang))
    return vectors(clipped.gradient, clipped.clipped, names, clipped.theta, f"θ = {clipped.theta:g}")


def step(clipped: Clipped, lang: str) -> dict[str, bytes]:
    """Return the step of SGD, and the circle of radius ηθ that bounds all steps."""
    longest = clipped.learning_rate * clipped.theta
    names = ("", t("lesson.clipping.step", lang))
    return vectors(np.zeros(2), clipped.step, names, longest, f"ηθ = {longest:g}")


def path(states: Sequence[tuple[Array, ...]], lang: str) -> dict[str, bytes]:
    """Return the units of H (and C) by time step; step 0 is the initial state."""
    rows = [
        (float(at), float(value), t(f"lesson.cell.{name}", lang, unit=unit + 1))
        for part, name in enumerate(("H", "C")[: len(states[0])])
        for unit in range(len(states[0][part]))
        for at, state in enumerate(states)
        for value in (state[part][unit],)
    ]
    columns = {"step": [r[0] for r in rows], "value": [r[1] for r in rows], "unit": [r[2] for r in rows]}
    return {"path": ipc(columns, {"step": _F, "value": _F, "unit": _S})}


def norms(runs: Mapping[str, Descent]) -> dict[str, bytes]:
    """Return the norms by layer of several runs; zeros are drawn below the smallest norm and labelled."""
    alive = [norm for descent in runs.values() for norm in descent.norms if norm > 0]
    floor = min(alive, default=1e-6) / 30
    rows = [(run, layer, norm) for run, descent in runs.items() for layer, norm in enumerate(descent.norms, 1)]
    columns = {
        "run": [run for run, _, _ in rows],
        "layer": [float(layer) for _, layer, _ in rows],
        "value": [norm if norm > 0 else floor for _, _, norm in rows],
        "label": ["" if norm > 0 else "0" for _, _, norm in rows],
    }
    return {"norms": ipc(columns, {"run": _S, "layer": _F, "value": _F, "label": _S})}


def directions(text: str, target: int, reading: Reading, lang: str) -> dict[str, bytes]:
    """Return the characters of a window, which half has read them, and the character to predict."""
    read_by = seen(len(text), target, reading)
    readers = ("forward", "backward")
    rows = [
        (reader, position, character, read_by[position] in (reader, "both"))
        for reader in (readers[:1] if reading == "forward" else readers)
        for position, character in enumerate(text)
    ]
    columns: dict[str, list[Any]] = {
        "reader": [t(f"lesson.directions.{reader}", lang) for reader, _, _, _ in rows],
        "position": [float(position) for _, position, _, _ in rows],
        "label": [visible(character) for _, _, character, _ in rows],
        "read": [1.0 if read else 0.0 for _, _, _, read in rows],
    }
    types = {"reader": _S, "position": _F, "label": _S, "read": _F}
    target_rows = [i for i, row in enumerate(rows) if row[1] == target]
    return {
        "cells": ipc(columns, types),
        "target": ipc({name: [values[i] for i in target_rows] for name, values in columns.items()}, types),
    }


MAX_POINTS = 120
"""Of one curve of a race."""
_APART = 0.08
"""Of two numbers beside a chart, as a share of its height on a phone."""


def _leave_out_close_labels(ends: dict[str, list[Any]], top: float) -> None:
    # leave out labels that would overlap; the sentence below the chart has all values
    least = _APART * math.log(top)
    above: float | None = None
    for i in sorted(range(len(ends["value"])), key=lambda i: -ends["value"][i]):
        if ends["below"][i]:
            continue
        if above is not None and math.log(above / ends["value"][i]) < least:
            ends["label"][i] = ""
        else:
            above = ends["value"][i]


def race(runs: Mapping[str, History], vocab_size: float, num_epochs: int, lang: str) -> dict[str, bytes]:
    """Return the curves of several runs by name; where the axis does not reach, there are arrows at its top."""
    top = ceiling(vocab_size)

    def place(value: float | None) -> float:
        return top if value is None else min(max(value, 1.0), top)

    columns: dict[str, list[Any]] = {"epoch": [], "value": [], "run": []}
    off: dict[str, list[Any]] = {"epoch": [], "value": [], "run": [], "label": []}
    ends: dict[str, list[Any]] = {"epoch": [], "value": [], "run": [], "label": []}
    for name, history in runs.items():
        rows = history.epochs
        values = [math.inf if row.perplexity is None else max(row.perplexity, 1.0) for row in rows]
        drawn = on_scale(values, top)
        for i in thin(len(rows), MAX_POINTS):
            columns["epoch"].append(float(rows[i].epoch))
            columns["value"].append(drawn[i])
            columns["run"].append(name)
        for nth, i in enumerate(arrows(values, top)):
            label = "" if nth else t("chart.off_scale", lang, perplexity=perplexity_text(max(values)))
            for column, entry in (("epoch", float(rows[i].epoch)), ("value", top), ("run", name), ("label", label)):
                off[column].append(entry)
        if rows:
            ends["epoch"].append(float(rows[-1].epoch))
            ends["value"].append(place(rows[-1].perplexity))
            ends["run"].append(name)
            ends["label"].append(number(rows[-1].perplexity, 4))
    types = {"epoch": _F, "value": _F, "run": _S}
    # the label of the lowest curve is below it, because ends may be close together
    lowest = min(ends["value"], default=0.0)
    ends["below"] = [float(len(ends["value"]) > 1 and value == lowest) for value in ends["value"]]
    _leave_out_close_labels(ends, top)
    return {
        "race": ipc(columns, types),
        "ends": ipc(ends, types | {"label": _S, "below": _F}),
        "off": ipc(off, types | {"label": _S}),
        "extent": ipc(
            {"epoch": [0.0, float(max(num_epochs, 1))], "value": [1.0, vocab_size]}, {"epoch": _F, "value": _F}
        ),
    }
