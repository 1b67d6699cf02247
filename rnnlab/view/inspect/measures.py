"""What the microscope shows, as numbers: states along a text, rows for a heat map, surprise, what followed what.

Everything here is worked out from one answer of a checkpoint (`Client.inspect`, `Client.dependence`) and from the
training text; nothing is drawn and nothing is said.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnlab.cells import ROLES

Values = npt.NDArray[np.float32]

MAX_ROWS = 32
"""Rows of a heat map that shows all units."""
NUM_PICKED = 16
"""Units of a heat map that shows the most active ones."""
GATES = frozenset(role for role in ROLES if role != "candidate")
"""States between 0 and 1; the others have a sign."""
LOW, HIGH = 0.1, 0.9
"""A gate below or above is saturated: as good as closed or open."""
PROBABILITIES = (0.5, 0.1, 0.01)
"""A character that comes with at least the first is expected, below the last very surprising."""


@dataclass(frozen=True)
class Unrolled:
    """One state or gate of one direction along a text.

    Attributes:
        name: "H", "C", "candidate" or one of `GATES`.
        direction: "forward" or "backward".
        values: (characters, units).
    """

    name: str
    direction: str
    values: Values

    @property
    def is_gate(self) -> bool:
        """Whether the values lie between 0 and 1."""
        return self.name in GATES

    @property
    def limit(self) -> float:
        """The end of the colour scale: 1, or for what has no bound a round number that covers the largest value."""
        largest = float(np.abs(self.values).max(initial=0.0))
        return next((one for one in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if largest <= one), 100.0)


def unrolled(answer: Mapping[str, Any]) -> list[Unrolled]:
    """Return the states and gates of an answer of `Client.inspect`."""
    shape = (len(answer["text"]), int(answer["num_hiddens"]))
    states = []
    for one in answer["states"]:
        raw = np.frombuffer(base64.b64decode(one["values"]), dtype="<f2").reshape(shape).astype(np.float32)
        # of a run that diverges, values may be beyond what 16 bits hold
        states.append(Unrolled(one["name"], one["direction"], np.nan_to_num(raw, posinf=6.5e4, neginf=-6.5e4)))
    return states


def surprises(answer: Mapping[str, Any]) -> list[float | None]:
    """Return -ln p of each character, given what came before; None for the first one, which nothing foretold."""
    found = [one["surprise"] for one in answer["next"]]
    return [None, *found[:-1]]


def surprise_level(surprise: float | None) -> int:
    """Return 0 (expected) to 3 (very surprising); -1 for a character that was not predicted."""
    if surprise is None:
        return -1
    return sum(math.exp(-surprise) < bound for bound in PROBABILITIES)


def text_perplexity(found: Sequence[float | None]) -> float | None:
    """Return exp of the mean surprise; None where nothing was predicted or it overflows."""
    known = [one for one in found if one is not None]
    mean = sum(known) / len(known) if known else math.inf
    return math.exp(mean) if mean < 34 else None


def most_surprising(found: Sequence[float | None]) -> int | None:
    """Return the place of the character that was expected least; None where nothing was predicted."""
    known = [place for place, one in enumerate(found) if one is not None]
    return max(known, key=lambda place: found[place] or 0.0) if known else None


# rows of a heat map


@dataclass(frozen=True)
class Rows:
    """The rows of a heat map: `values` (rows, characters), and the units (from 1) that each row stands for."""

    values: Values
    units: tuple[tuple[int, ...], ...]


def similarity_order(values: Values) -> list[int]:
    """Return the units (from 0) in an order that puts those of similar activation side by side.

    Each unit's activation along the text, without its mean, is projected on the two main directions in which the units
    differ; the angle there is the order (that of the eigenvectors, Friendly 2002). The cut falls into the widest gap.
    """
    centred = values - values.mean(axis=0, keepdims=True)
    if values.shape[0] < 3 or values.shape[1] < 3 or not np.any(centred):
        return [int(unit) for unit in np.argsort(-values.mean(axis=0), kind="stable")]
    norms = np.sqrt((centred**2).sum(axis=0, keepdims=True))
    scaled = centred / np.where(norms > 0, norms, 1.0)
    # by characters, of which there are fewer than units; einsum, because many threads at such small products only
    # wait for each other on a busy machine
    _, vectors = np.linalg.eigh(np.einsum("ik,jk->ij", scaled, scaled))
    axes = np.einsum("ij,ik->jk", vectors[:, :-3:-1], scaled)
    angles = np.arctan2(axes[1], axes[0])
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order][0] + 2 * math.pi)
    return [int(unit) for unit in np.roll(order, -int(np.argmax(gaps)) - 1)]


def all_units(values: Values, rows: int = MAX_ROWS) -> Rows:
    """Return every unit, similar ones side by side; more than `rows` are averaged in bins of neighbours."""
    bins = np.array_split(np.array(similarity_order(values)), min(rows, values.shape[1]))
    return Rows(
        values=np.stack([values[:, one].mean(axis=1) for one in bins]),
        units=tuple(tuple(int(unit) + 1 for unit in one) for one in bins),
    )


def most_active(values: Values, count: int = NUM_PICKED) -> Rows:
    """Return the `count` units that change most along the text, similar ones side by side."""
    picked = np.sort(np.argsort(-values.std(axis=0), kind="stable")[:count])
    order = picked[similarity_order(values[:, picked])]
    return Rows(values=values[:, order].T.copy(), units=tuple((int(unit) + 1,) for unit in order))


# what the values of a state say


@dataclass(frozen=True)
class Saturation:
    """Shares of the values of a state near the ends of its range, and their mean."""

    low: float
    high: float
    mean: float


def saturation(state: Unrolled) -> Saturation:
    """Return the share of a gate below `LOW` and above `HIGH`; for other states, below -`HIGH` and above `HIGH`."""
    values = state.values
    low = values < (LOW if state.is_gate else -HIGH)
    return Saturation(float(low.mean()), float((values > HIGH).mean()), float(values.mean()))


@dataclass(frozen=True)
class Detector:
    """A unit (from 1) whose activation at some characters differs from that elsewhere, and whether that is chance."""

    unit: int
    inside: float
    outside: float
    stands_out: bool

    @property
    def clear(self) -> bool:
        """Whether the difference is large enough to be seen."""
        return abs(self.inside - self.outside) >= CLEAR


CLEAR = 0.1
TRIALS = 99
MIN_PLACES = 3


def blank_detector(values: Values, text: str) -> Detector | None:
    """Return the unit whose mean activation at blanks differs most from that at the other characters.

    With hundreds of units, one always differs somewhat. It stands out where no unit differs as much between as many
    characters drawn at random, in `TRIALS` draws, and the rest. None where there are too few blanks to tell, or too few
    other characters.
    """
    places = np.array([character == " " for character in text])
    count = int(places.sum())
    if count < MIN_PLACES or len(text) - count < MIN_PLACES:
        return None
    difference = _differences(values, places[None, :])[0]
    unit = int(np.argmax(np.abs(difference)))
    generator = np.random.default_rng(0)
    drawn = np.array([generator.permutation(places) for _ in range(TRIALS)])
    by_chance = np.abs(_differences(values, drawn)).max()
    return Detector(
        unit=unit + 1,
        inside=float(values[places, unit].mean()),
        outside=float(values[~places, unit].mean()),
        stands_out=bool(abs(difference[unit]) > by_chance),
    )


def _differences(values: Values, places: npt.NDArray[np.bool_]) -> Values:
    # (draws, units): mean where a draw is true, minus the mean elsewhere
    inside = places.astype(np.float32)
    count = inside.sum(axis=1, keepdims=True)
    total, within = values.sum(axis=0), np.einsum("ij,jk->ik", inside, values)
    found: Values = within / count - (total - within) / (values.shape[0] - count)
    return found


def most_changing(values: Values) -> int:
    """Return the unit (from 1) that changes most along the text."""
    return int(np.argmax(values.std(axis=0))) + 1


# what followed what in the training text


class Successors:
    """What followed each character of a text, counted once.

    Args:
        train: the training text as the network sees it.
    """

    def __init__(self, train: str) -> None:
        self._train = train
        self._counts: dict[str, Counter[str]] = {}
        for (first, second), count in Counter(itertools.pairwise(train)).items():
            self._counts.setdefault(first, Counter())[second] = count

    def after(self, character: str) -> Counter[str]:
        """Return how often each character followed `character`."""
        return self._counts.get(character, Counter())

    def after_context(self, text: str, longest: int = 12) -> tuple[str, Counter[str]]:
        """Return the longest end of `text` that the training text has with something after it, and what followed."""
        best, found = "", Counter[str]()
        for length in range(1, min(longest, len(text)) + 1):
            context = text[-length:]
            counts = self._count(context)
            if not counts:
                break
            best, found = context, counts
        return best, found

    def _count(self, context: str) -> Counter[str]:
        if len(context) == 1:
            return self.after(context)
        counts: Counter[str] = Counter()
        place = self._train.find(context)
        while place >= 0:
            follower = self._train[place + len(context) : place + len(context) + 1]
            if follower:
                counts[follower] += 1
            place = self._train.find(context, place + 1)
        return counts


# dependence on earlier characters


@dataclass(frozen=True)
class Dependence:
    """How a prediction depends on the characters up to it.

    Attributes:
        shares: of each character, 0 to 1; all 0 where the prediction depends on none.
        strongest: the place of the largest share.
        reach: how many characters back 95 % of the weight lies, 0: all on the last one.
        negligible: whether exchanging any one character could hardly change the logit.
    """

    shares: tuple[float, ...]
    strongest: int
    reach: int
    negligible: bool


REACH = 0.95
NEGLIGIBLE = 0.01
"""A gradient by which one character exchanged for another moves the logit by less than about 1 %."""


def dependence(weights: Sequence[float]) -> Dependence:
    """Return what the weights of `Client.dependence` say; the last one is that of the character just read."""
    total = sum(weights)
    if not total or not math.isfinite(total):
        return Dependence((0.0,) * len(weights), len(weights) - 1, 0, True)
    shares = tuple(one / total for one in weights)
    reach, covered = 0, shares[-1]
    while covered < REACH and reach + 1 < len(shares):
        reach += 1
        covered += shares[-1 - reach]
    strongest = max(range(len(shares)), key=lambda place: shares[place])
    return Dependence(shares, strongest, reach, max(weights) < NEGLIGIBLE)


def share_level(share: float) -> int:
    """Return 0 (hardly any) to 3 (much) for a share of the dependence."""
    return sum(share >= bound for bound in (0.03, 0.1, 0.3))


# texts to look at


def passage(text: str, known: frozenset[str] | None = None, start: int = 0) -> str:
    """Return a line's worth of `text` that ends with a word or a phrase.

    Args:
        text: to take it from.
        known: the characters it may have; by default all. The first stretch that is long enough is taken, else the
            longest.
        start: where to begin.
    """
    best = ""
    for stretch in _stretches(text[start:], known):
        letters = sum(one.isalpha() and one < "⺀" for one in stretch[:100])
        length = 80 if 2 * letters > len(stretch[:100]) else 40
        piece = stretch[: length + 1]
        cut = piece.rfind(" ")
        piece = (piece[:cut] if len(stretch) > length and cut > length // 2 else piece[:length]).strip()
        if len(piece) > len(best):
            best = piece
        if 2 * len(best) > length:
            break
    return best


def _stretches(text: str, known: frozenset[str] | None) -> list[str]:
    if known is None:
        return [text]
    return "".join(one if one in known else "\0" for one in text).split("\0")
