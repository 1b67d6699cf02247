"""The numbers of the Inspect page: states along a text, rows of heat maps, surprise, successor counts, dependence.

They are computed from an answer of a checkpoint (`Client.inspect`, `Client.dependence`) and from the training text.
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
"""Largest number of rows of a heat map of all units."""
NUM_PICKED = 16
"""Units of a heat map that shows the most active ones."""
GATES = frozenset(role for role in ROLES if role != "candidate")
"""States between 0 and 1; the others have a sign."""
LOW, HIGH = 0.1, 0.9
"""Bounds below and above which a gate is saturated: almost closed or open."""
PROBABILITIES = (0.5, 0.1, 0.01)
"""Bounds of the surprise levels: a character with at least the first probability is expected."""


@dataclass(frozen=True)
class Unrolled:
    """A state or gate of one direction along a text.

    Attributes:
        name: "H", "C", "candidate" or one of `GATES`.
        direction: "forward" or "backward".
        values: array (characters, units).
    """

    name: str
    direction: str
    values: Values

    @property
    def is_gate(self) -> bool:
        """Whether this is a gate, with values between 0 and 1."""
        return self.name in GATES

    @property
    def limit(self) -> float:
        """The end of the colour scale: the smallest round number, at least 1, that covers all values."""
        largest = float(np.abs(self.values).max(initial=0.0))
        return next((limit for limit in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if largest <= limit), 100.0)


def unrolled(answer: Mapping[str, Any]) -> list[Unrolled]:
    """Return the states and gates of an answer of `Client.inspect`."""
    shape = (len(answer["text"]), int(answer["num_hiddens"]))
    states = []
    for state in answer["states"]:
        raw = np.frombuffer(base64.b64decode(state["values"]), dtype="<f2").reshape(shape).astype(np.float32)
        # values of a diverging run may exceed the range of 16 bits
        states.append(Unrolled(state["name"], state["direction"], np.nan_to_num(raw, posinf=6.5e4, neginf=-6.5e4)))
    return states


def surprises(answer: Mapping[str, Any]) -> list[float | None]:
    """Return -ln p of each character given the previous ones; None for the first, which is not predicted."""
    following = [prediction["surprise"] for prediction in answer["next"]]
    return [None, *following[:-1]]


def surprise_level(surprise: float | None) -> int:
    """Return 0 (expected) to 3 (very surprising); -1 for a character that was not predicted."""
    if surprise is None:
        return -1
    return sum(math.exp(-surprise) < bound for bound in PROBABILITIES)


def text_perplexity(surprises: Sequence[float | None]) -> float | None:
    """Return exp of the mean surprise, or None if nothing was predicted or it overflows."""
    known = [surprise for surprise in surprises if surprise is not None]
    mean = sum(known) / len(known) if known else math.inf
    return math.exp(mean) if mean < 34 else None


def doubt(answer: Mapping[str, Any]) -> float:
    """Return exp of the mean entropy: among how many characters the network chooses on average, by its own account."""
    entropies = [prediction["entropy"] for prediction in answer["next"][:-1]]
    return math.exp(sum(entropies) / len(entropies)) if entropies else 1.0


def most_surprising(surprises: Sequence[float | None]) -> int | None:
    """Return the position of the least expected character, or None if nothing was predicted."""
    known = [place for place, surprise in enumerate(surprises) if surprise is not None]
    return max(known, key=lambda place: surprises[place] or 0.0) if known else None


# rows of a heat map


@dataclass(frozen=True)
class Rows:
    """The rows of a heat map: `values` (rows, characters), and the units (from 1) of each row."""

    values: Values
    units: tuple[tuple[int, ...], ...]


def similarity_order(values: Values) -> list[int]:
    """Return the units (from 0) in an order with similar activations next to each other.

    The centred activation of each unit along the text is projected on the two main directions in which the units
    differ, and units are ordered by their angle there (the order of the eigenvectors, Friendly 2002), starting after
    the widest gap.
    """
    centred = values - values.mean(axis=0, keepdims=True)
    if values.shape[0] < 3 or values.shape[1] < 3 or not np.any(centred):
        return [int(unit) for unit in np.argsort(-values.mean(axis=0), kind="stable")]
    norms = np.sqrt((centred**2).sum(axis=0, keepdims=True))
    scaled = centred / np.where(norms > 0, norms, 1.0)
    # the matrix over characters, which are fewer than units; einsum, because on a busy machine many threads for such
    # small products only wait for each other
    _, vectors = np.linalg.eigh(np.einsum("ik,jk->ij", scaled, scaled))
    axes = np.einsum("ij,ik->jk", vectors[:, :-3:-1], scaled)
    angles = np.arctan2(axes[1], axes[0])
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order][0] + 2 * math.pi)
    return [int(unit) for unit in np.roll(order, -int(np.argmax(gaps)) - 1)]


def all_units(values: Values, rows: int = MAX_ROWS) -> Rows:
    """Return all units ordered by similarity; with more than `rows` units, neighbours are averaged in bins."""
    bins = np.array_split(np.array(similarity_order(values)), min(rows, values.shape[1]))
    return Rows(
        values=np.stack([values[:, members].mean(axis=1) for members in bins]),
        units=tuple(tuple(int(unit) + 1 for unit in members) for members in bins),
    )


def most_active(values: Values, count: int = NUM_PICKED) -> Rows:
    """Return the `count` units that change most along the text, ordered by similarity."""
    picked = np.sort(np.argsort(-values.std(axis=0), kind="stable")[:count])
    order = picked[similarity_order(values[:, picked])]
    return Rows(values=values[:, order].T.copy(), units=tuple((int(unit) + 1,) for unit in order))


# properties of the values of a state


@dataclass(frozen=True)
class Saturation:
    """The shares of the values of a state near the ends of its range, and the mean value."""

    low: float
    high: float
    mean: float


def saturation(state: Unrolled) -> Saturation:
    """Return the shares of values below `LOW` (for signed states, below -`HIGH`) and above `HIGH`, and the mean."""
    values = state.values
    low = values < (LOW if state.is_gate else -HIGH)
    return Saturation(float(low.mean()), float((values > HIGH).mean()), float(values.mean()))


@dataclass(frozen=True)
class Detector:
    """A unit (from 1), its mean activation inside and outside a set of positions, and whether they differ by chance."""

    unit: int
    inside: float
    outside: float
    stands_out: bool

    @property
    def clear(self) -> bool:
        """Whether the difference is large enough to be visible."""
        return abs(self.inside - self.outside) >= CLEAR


CLEAR = 0.1
TRIALS = 99
MIN_PLACES = 3


def blank_detector(values: Values, text: str) -> Detector | None:
    """Return the unit whose mean activation at blanks differs most from that at other characters.

    Among hundreds of units, some unit always differs somewhat. It stands out if no unit differs as much between the
    same number of positions drawn at random and the rest, in `TRIALS` draws. Returns None with too few blanks or too
    few other characters.
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
    # (draws, units): mean at the positions of a draw, minus the mean elsewhere
    inside = places.astype(np.float32)
    count = inside.sum(axis=1, keepdims=True)
    total, within = values.sum(axis=0), np.einsum("ij,jk->ik", inside, values)
    differences: Values = within / count - (total - within) / (values.shape[0] - count)
    return differences


def most_changing(values: Values) -> int:
    """Return the unit (from 1) that changes most along the text."""
    return int(np.argmax(values.std(axis=0))) + 1


# successors in the training text


class Successors:
    """Counts of the characters that follow each character of a text.

    Args:
        train: the training text after preprocessing.
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
        """Return the longest end of `text` with a successor in the training text, and the counts of its successors."""
        best, best_counts = "", Counter[str]()
        for length in range(1, min(longest, len(text)) + 1):
            context = text[-length:]
            counts = self._count(context)
            if not counts:
                break
            best, best_counts = context, counts
        return best, best_counts

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
        shares: share of each character, 0 to 1; all 0 if the prediction depends on no character.
        strongest: position of the largest share.
        reach: number of characters before the last that are needed for 95 % of the weight.
        negligible: whether replacing any single character would hardly change the logit.
    """

    shares: tuple[float, ...]
    strongest: int
    reach: int
    negligible: bool


REACH = 0.95
NEGLIGIBLE = 0.01
"""Gradient norm below which replacing a character changes the logit by less than about 1 %."""


def dependence(weights: Sequence[float]) -> Dependence:
    """Return the dependence given by the weights of `Client.dependence`, one weight per character."""
    total = sum(weights)
    if not total or not math.isfinite(total):
        return Dependence((0.0,) * len(weights), len(weights) - 1, 0, True)
    shares = tuple(weight / total for weight in weights)
    reach, covered = 0, shares[-1]
    while covered < REACH and reach + 1 < len(shares):
        reach += 1
        covered += shares[-1 - reach]
    strongest = max(range(len(shares)), key=lambda place: shares[place])
    return Dependence(shares, strongest, reach, max(weights) < NEGLIGIBLE)


def share_level(share: float) -> int:
    """Return 0 (hardly any) to 3 (much) for a share of the dependence."""
    return sum(share >= bound for bound in (0.03, 0.1, 0.3))


# texts to inspect


def passage(text: str, known: frozenset[str] | None = None, start: int = 0) -> str:
    """Return a passage of `text`, about a line long, that ends with a word or a phrase.

    Args:
        text: the text to take it from.
        known: the characters that the passage may contain, by default all. The first stretch of them that is long
            enough is used, else the longest.
        start: position where the search starts.
    """
    best = ""
    for stretch in _stretches(text[start:], known):
        letters = sum(character.isalpha() and character < "⺀" for character in stretch[:100])
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
    return "".join(character if character in known else "\0" for character in text).split("\0")
