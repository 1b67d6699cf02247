"""The data tables of the lessons' charts in `rnnlab.view.lessons.charts`."""

from __future__ import annotations

import itertools
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
from rnnlab.view.language.numbers import number, perplexity_text, probability_text, signed
from rnnlab.view.lessons.compute import clipping, k_steps, sampling, tokens, truncation
from rnnlab.view.lessons.compute.cells import Array
from rnnlab.view.lessons.compute.clipping import Clipped
from rnnlab.view.lessons.compute.decoding import Candidate
from rnnlab.view.lessons.compute.depth import Descent
from rnnlab.view.lessons.compute.directions import Reading, seen
from rnnlab.view.lessons.compute.k_steps import Forecast
from rnnlab.view.lessons.compute.markov import HeldOut
from rnnlab.view.lessons.compute.powers import BOOK_STEPS, Walk
from rnnlab.view.lessons.compute.tokens import Frequencies
from rnnlab.view.lessons.sentences import factor
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


def ladder(rungs: Mapping[int, float], held_out: HeldOut | None, size: int, lang: str) -> dict[str, bytes]:
    """Return the perplexity by context length on the training text and on held-out text, with the chosen `size`.

    Args:
        rungs: the training perplexity by order.
        held_out: how well the tables predict the held-out text, or None.
        size: the chosen context length.
        lang: the language.
    """
    sizes = [order - 1 for order in sorted(rungs) if order >= 1]
    lines = {"training": [rungs[length + 1] for length in sizes]}
    if held_out is not None:
        lines["held_out"] = list(held_out.perplexities)
    # two numbers beside each other: the lower one is below its curve
    lowest = dict(zip(sizes, map(min, zip(*lines.values(), strict=True)), strict=True))
    rows = [
        (float(length), value, number(value, 3), t(f"lesson.sequence.{name}", lang), float(value == lowest[length]))
        for name, values in lines.items()
        for length, value in zip(sizes, values, strict=True)
    ]
    names = ("size", "value", "label", "text", "below")
    types = {name: _S if name in ("label", "text") else _F for name in names}
    return {
        name: ipc({column: [row[i] for row in chosen] for i, column in enumerate(names)}, types)
        for name, chosen in (("rungs", rows), ("now", [row for row in rows if row[0] == size]))
    }


def zipf(by_length: Mapping[int, Frequencies], k: int, lang: str) -> dict[str, bytes]:
    """Return counts by rank for tokens of several lengths, the line through those of characters, and rank `k`."""
    rows = [
        (float(rank), float(frequencies.counts[rank - 1]), t(f"lesson.tokens.length.{length}", lang))
        for length, frequencies in by_length.items()
        for rank in tokens.spread(frequencies.distinct)
    ]
    slope, intercept, _ = by_length[1].line
    # down to a count of 1
    ends = [0.0, min(math.log(by_length[1].distinct), -intercept / slope if slope else 0.0)]
    types = {"rank": _F, "count": _F}
    count = by_length[1].counts[k - 1]
    return {
        "counts": ipc(
            {"rank": [r[0] for r in rows], "count": [r[1] for r in rows], "tokens": [r[2] for r in rows]},
            types | {"tokens": _S},
        ),
        "line": ipc(
            {"rank": [math.exp(end) for end in ends], "count": [math.exp(intercept + slope * end) for end in ends]},
            types,
        ),
        "now": ipc({"rank": [float(k)], "count": [float(count)], "label": [f"{count:,}"]}, types | {"label": _S}),
    }


def coverage(frequencies: Frequencies, k: int) -> dict[str, bytes]:
    """Return the share of the text that the most frequent tokens cover, by their number, and that of `k`."""
    sizes = tokens.spread(frequencies.distinct)
    types = {"k": _F, "share": _F}
    covered = frequencies.covered(k)
    return {
        "share": ipc(
            {"k": [float(size) for size in sizes], "share": [frequencies.covered(size) for size in sizes]}, types
        ),
        "now": ipc({"k": [float(k)], "share": [covered], "label": [f"{covered:.0%}"]}, types | {"label": _S}),
    }


EVERY = 3
"""Time steps between two drawn values of a series."""


def forecast(made: Forecast, k: int, lang: str) -> dict[str, bytes]:
    """Return a series, its predictions one step and `k` steps ahead, and the end of the examples."""
    last = k_steps.TAU + k_steps.TRAINED
    kinds = [
        (t("lesson.k-steps.data", lang), 0, made.values),
        (t("lesson.k-steps.one", lang), made.first, made.predictions[0]),
        (t("lesson.k-steps.many", lang, k=k), made.first, made.predictions[k - 1]),
    ]
    rows = [
        (float(first + at + 1), float(values[at]), kind)
        for kind, first, values in kinds[: 2 if k == 1 else 3]
        for at in range(0, len(values), EVERY)
    ]
    return {
        "series": ipc(
            {"step": [r[0] for r in rows], "value": [r[1] for r in rows], "kind": [r[2] for r in rows]},
            {"step": _F, "value": _F, "kind": _S},
        ),
        "border": ipc({"step": [float(last)], "label": [t("lesson.k-steps.fitted", lang)]}, {"step": _F, "label": _S}),
    }


def errors(made: Forecast, k: int, lang: str) -> dict[str, bytes]:
    """Return the error by number of steps ahead, that of `k`, and the errors of the noise and of the mean."""
    found = made.errors
    levels = {"noise": k_steps.NOISE, "mean": made.mean_error}
    types = {"k": _F, "error": _F}
    return {
        "errors": ipc({"k": [float(i) for i in range(1, len(found) + 1)], "error": found}, types),
        "levels": ipc(
            {
                "error": list(levels.values()),
                "label": [t(f"lesson.k-steps.level.{name}", lang, error=number(e, 2)) for name, e in levels.items()],
                "below": [1.0, 0.0],  # the curve runs just above the noise
            },
            {"error": _F, "label": _S, "below": _F},
        ),
        "now": ipc(
            {"k": [float(k)], "error": [found[k - 1]], "label": [number(found[k - 1], 3)]}, types | {"label": _S}
        ),
    }


def eigenvalues(walk: Walk) -> dict[str, bytes]:
    """Return the eigenvalues of W_hh, those of the largest absolute value marked, and the unit circle."""
    x, y = clipping.circle(1.0)
    sizes = [abs(value) for value in walk.eigenvalues]
    types = {"x": _F, "y": _F}
    reach = 1.12 * max(1.0, walk.rho)
    return {
        "values": ipc(
            {
                "x": [value.real for value in walk.eigenvalues],
                "y": [value.imag for value in walk.eigenvalues],
                "largest": [1.0 if math.isclose(size, max(sizes), rel_tol=1e-9) else 0.0 for size in sizes],
            },
            types | {"largest": _F},
        ),
        "circle": ipc({"x": x, "y": y, "order": [float(i) for i in range(len(x))]}, types | {"order": _F}),
        "extent": ipc({"reach": [-reach, reach]}, {"reach": _F}),
    }


def powers(walk: Walk, lang: str) -> dict[str, bytes]:
    """Return the norms of the products by number of steps back, without and with tanh, and the powers of the radius."""
    kinds = {
        "plain": walk.plain,
        "tanh": walk.squashed,
        "radius": [walk.rho**step for step in range(len(walk.plain))],
    }
    rows = [
        (float(step), value, t(f"lesson.powers.kind.{kind}", lang))
        for kind, values in kinds.items()
        for step, value in enumerate(values)
    ]
    types = {"step": _F, "value": _F}
    at = BOOK_STEPS
    ends = [walk.plain[at], walk.squashed[at]]
    return {
        "norms": ipc(
            {"step": [r[0] for r in rows], "value": [r[1] for r in rows], "kind": [r[2] for r in rows]},
            types | {"kind": _S},
        ),
        "border": ipc({"step": [float(at)]}, {"step": _F}),
        "now": ipc(
            {"step": [float(at)] * 2, "value": ends, "label": [factor(end) for end in ends]}, types | {"label": _S}
        ),
    }


MAX_CHOICES = 12


def reshaped(characters: Sequence[str], before: Array, after: Array) -> dict[str, bytes]:
    """Return the probabilities of the most probable characters before and after the distribution is reshaped."""
    count = min(MAX_CHOICES, len(characters))
    columns: dict[str, list[Any]] = {
        "character": [visible(character) for character in characters[:count]],
        "rank": [float(i) for i in range(count)],
        "before": [float(p) for p in before[:count]],
        "after": [float(p) for p in after[:count]],
        "end": [float(max(pair)) for pair in zip(before[:count], after[:count], strict=True)],
        "label": [
            f"{probability_text(float(p))} → {probability_text(float(q))}"
            for p, q in zip(before[:count], after[:count], strict=True)
        ],
    }
    return {"bars": ipc(columns, {name: _S if name in ("character", "label") else _F for name in columns})}


def beam(kept: Sequence[Sequence[Candidate]]) -> dict[str, bytes]:
    """Return the candidates of a beam search by step and rank, and their links; the way to the winner is marked."""
    winners, rank = {len(kept) - 1: 0}, 0
    for step in range(len(kept) - 1, 0, -1):
        rank = kept[step][rank].parent
        winners[step - 1] = rank
    nodes = [
        (
            float(step),
            float(rank + 1),
            visible(candidate.written[-1:]) or "·",
            1.0 if winners[step] == rank else 0.0,
            signed(candidate.score) if step == len(kept) - 1 else "",
        )
        for step, candidates in enumerate(kept)
        for rank, candidate in enumerate(candidates)
    ]
    links = [
        (
            float(step - 1),
            float(candidate.parent + 1),
            float(step),
            float(rank + 1),
            1.0 if winners[step] == rank else 0.0,
        )
        for step, candidates in enumerate(kept)
        for rank, candidate in enumerate(candidates)
        if step
    ]
    names = ("step", "rank", "label", "best", "score")
    ways = ("step", "rank", "to", "to_rank", "best")
    return {
        "nodes": ipc(
            {name: [node[i] for node in nodes] for i, name in enumerate(names)},
            {name: _S if name in ("label", "score") else _F for name in names},
        ),
        "links": ipc({name: [link[i] for link in links] for i, name in enumerate(ways)}, dict.fromkeys(ways, _F)),
        "extent": ipc(
            {"step": [0.0, len(kept) - 0.2], "rank": [1.0, float(max(3, *map(len, kept)))]}, {"step": _F, "rank": _F}
        ),
    }


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


def path(
    states: Sequence[tuple[Array, ...]], blank: Sequence[tuple[Array, ...]], part: int, lang: str
) -> dict[str, bytes]:
    """Return the units of H (`part` 0) or C (1) by time step, and those of the network that has read nothing.

    Step 0 is the initial state.
    """
    kinds = {"read": states, "blank": blank}
    name = "HC"[part]
    units = [t(f"lesson.cell.{name}", lang, unit=unit + 1) for unit in range(len(states[0][part]))]
    rows = [
        (float(at), float(state[part][unit]), units[unit], t(f"lesson.cell.{kind}", lang))
        for kind, path in kinds.items()
        for unit in range(len(units))
        for at, state in enumerate(path)
    ]
    gaps = [
        (float(at), float(read[part][unit]), float(idle[part][unit]), units[unit])
        for unit in range(len(units))
        for at, (read, idle) in enumerate(zip(states, blank, strict=True))
    ]
    return {
        "path": ipc(
            {name: [row[i] for row in rows] for i, name in enumerate(("step", "value", "unit", "kind"))},
            {"step": _F, "value": _F, "unit": _S, "kind": _S},
        ),
        "gap": ipc(
            {name: [gap[i] for gap in gaps] for i, name in enumerate(("step", "value", "idle", "unit"))},
            {"step": _F, "value": _F, "idle": _F, "unit": _S},
        ),
    }


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
    # labels that would overlap: the lower one goes below its curve if there is room, otherwise it is left out; the
    # sentence below the chart has all values
    least = _APART * math.log(top)
    above: float | None = None
    order = sorted(range(len(ends["value"])), key=lambda i: -ends["value"][i])
    for i, after in itertools.zip_longest(order, order[1:]):
        if ends["below"][i]:
            continue
        if above is not None and math.log(above / ends["value"][i]) < least:
            if after is not None and math.log(ends["value"][i] / ends["value"][after]) > 2 * least:
                ends["below"][i] = 1.0
            else:
                ends["label"][i] = ""
        else:
            above = ends["value"][i]


def race(runs: Mapping[str, History], vocab_size: float, num_epochs: int, lang: str) -> dict[str, bytes]:
    """Return the curves of several runs by name; where the axis does not reach, there are arrows at its top."""
    top = ceiling(vocab_size)

    def place(value: float | None) -> float:
        return top if value is None else min(max(value, 1.0), top)

    columns: dict[str, list[Any]] = {"epoch": [], "value": [], "run": []}
    off: dict[str, list[Any]] = {"epoch": [], "value": [], "run": [], "label": [], "row": []}
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
            row = float(sum(map(bool, off["label"])))  # below the labels of the other runs
            arrow = {"epoch": float(rows[i].epoch), "value": top, "run": name, "label": label, "row": row}
            for column, entry in arrow.items():
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
        "off": ipc(off, types | {"label": _S, "row": _F}),
        "extent": ipc(
            {"epoch": [0.0, float(max(num_epochs, 1))], "value": [1.0, vocab_size]}, {"epoch": _F, "value": _F}
        ),
    }
