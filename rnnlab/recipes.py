"""The published experiments as data: settings, published points and their sources.

``A``: the runs of the first edition on the lyrics; ``B``: those of the second edition on *The Time Machine*; ``X``: the
book's exercises, all derived from A2. These are as published. ``C``: what works against learning the text by heart, all
derived from A7 and not published. A ``-repaired`` variant is the same run with working
clipping: the published library runs set θ = 0.01, but their clipping never scaled a gradient. Other variants of an A
run change the setting in their name: rescues of A9's six layers, and the proper use of A10's network.

By default a recipe trains on the built-in corpus of its language; `Recipe.book_corpus` is the corpus of the published
results. The engine does not use recipes; titles and explanations belong to the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rnnlab.config import FREE, TrainConfig
from rnnlab.errors import RecipeError

Group = Literal["A", "B", "X", "C"]
Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """An experiment: its settings and its published results.

    Attributes:
        id: e.g. ``"A6"``, ``"A8-repaired"``, ``"X1-lr-10"``.
        section: section of the book, in the edition `edition`, e.g. ``"6.8"``.
        config: all settings of the run.
        published: (epoch, perplexity) of the published run; empty if the sources give none.
        published_other: the same for a second published run.
        published_seconds: seconds per epoch on the machine of the published run; only a rough guide.
        source: names of the source files, separated by commas; empty if the settings come from the book.
        repairs: id of the recipe whose clipping this recipe repairs.
        derived_from: id of the recipe that this recipe varies; its published points may be drawn for comparison.
        aliases: other ids that `recipe` accepts.
    """

    id: str
    section: str
    config: TrainConfig
    published: Points = ()
    published_other: Points = ()
    published_seconds: float | None = None
    source: str = ""
    repairs: str | None = None
    derived_from: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def group(self) -> Group:
        """The family: A (first edition), B (second edition), X (exercises) or C (against learning by heart)."""
        groups: dict[str, Group] = {"A": "A", "B": "B", "C": "C"}
        return groups.get(self.id[0], "X")

    @property
    def edition(self) -> Literal["first", "second"]:
        """The edition of the book that `section` refers to."""
        return "second" if self.group == "B" else "first"

    @property
    def language(self) -> Literal["zh", "en"]:
        """The language of the training text."""
        return "en" if self.group == "B" else "zh"

    @property
    def book_corpus(self) -> str:
        """The corpus of the published results; it has to be downloaded."""
        return "book-time-machine" if self.group == "B" else "book-lyrics"

    @property
    def title_key(self) -> str:
        """The key of the title in the message catalogue."""
        return f"recipe.{self.id}.title"

    def matches(self, config: TrainConfig) -> bool:
        """Return whether a run with `config` is this experiment, for any corpus, seed and device."""
        free = {name: getattr(self.config, name) for name in FREE}
        return self.config == config.model_copy(update=free)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data, with its settings at the top level."""
        data = asdict(self)
        del data["config"]
        return {
            "id": data.pop("id"),
            "group": self.group,
            "edition": self.edition,
            "language": self.language,
            **self.config.model_dump(mode="json"),
            "book_corpus": self.book_corpus,
            **data,
        }


SOURCE_LSTM = "000_993d738d9ede9ee9.txt"
SOURCE_RNN_LIBRARY = "001_1a419a25fc69137e.txt"
SOURCE_SECOND_EDITION = "002_262525668409eb6b.txt"
SOURCE_GRU = "003_cc62898029c5e2e1.txt"
SOURCE_RNN_SCRATCH = "004_343c4d30a44920b0.txt"

# Weights N(0, 0.01²), biases 0, plain SGD on the mean loss over tokens; the state is reset in each epoch (consecutive
# sampling) or minibatch (random sampling).
_SCRATCH = TrainConfig.make(
    cell="rnn",
    implementation="scratch",
    num_layers=1,
    bidirectional=False,
    num_hiddens=256,
    activation="tanh",
    initialization="normal",
    sampling="consecutive",
    offset="zero",
    num_steps=35,
    batch_size=32,
    optimizer="sgd",
    learning_rate=1e2,
    clip_norm=0.01,
    detach=True,
    carry_state=False,
    num_epochs=250,
    pred_period=50,
    num_preds=50,
    prefixes=("分开", "不分开"),
    decoding="greedy",
    corpus="lyrics-zh",
    preprocessing="first_edition",
    num_chars=10_000,
)
# The framework's own layer and initialisation, Adam, the state carried on across epochs. The published code sets
# θ = 0.01 but passes the clipping function a generator, which computing the norm exhausts: nothing is ever clipped.
_LIBRARY = _SCRATCH.change(
    implementation="library",
    initialization="uniform",
    optimizer="adam",
    learning_rate=1e-2,
    clip_norm=None,
    carry_state=True,
    num_epochs=160,
    pred_period=40,
)
# The book trains its gated cells from scratch for fewer epochs.
_SCRATCH_GATED = _SCRATCH.change(num_epochs=160, pred_period=40)
# The second edition: lower-case letters only, SGD with working clipping, each epoch starts at a random offset.
_SECOND = _LIBRARY.change(
    optimizer="sgd",
    learning_rate=1.0,
    clip_norm=1.0,
    carry_state=False,
    offset="random",
    num_epochs=500,
    pred_period=10,
    prefixes=("time traveller", "traveller"),
    corpus="verse-en",
    preprocessing="second_edition",
)


def _every(period: int, *perplexities: float) -> Points:
    return tuple((period * (i + 1), perplexity) for i, perplexity in enumerate(perplexities))


def _published() -> list[Recipe]:
    untrained = {"num_epochs": 0, "num_preds": 10, "prefixes": ("分开",)}
    return [
        Recipe(
            "A1",
            "6.4",
            _SCRATCH.change(sampling="random"),
            _every(50, 69.880066, 9.008770, 2.703765, 1.532524, 1.312028),
            published_seconds=0.21,
            source=SOURCE_RNN_SCRATCH,
        ),
        Recipe(
            "A2",
            "6.4",
            _SCRATCH,
            _every(50, 60.020892, 7.083823, 1.993569, 1.277446, 1.157746),
            published_seconds=0.21,
            source=SOURCE_RNN_SCRATCH,
        ),
        Recipe(
            "A3",
            "6.5",
            _LIBRARY.change(learning_rate=1e-3, num_epochs=250, pred_period=50),
            _every(50, 10.658418, 1.308539, 1.070370, 1.034663, 1.021437),
            published_seconds=0.05,
            source=SOURCE_RNN_LIBRARY,
        ),
        Recipe("A4", "6.7", _SCRATCH_GATED.change(cell="gru")),
        Recipe(
            "A5",
            "6.7",
            _LIBRARY.change(cell="gru"),
            _every(40, 1.022157, 1.014535, 1.147843, 1.018370),
            published_seconds=1.04,
            source=SOURCE_GRU,
        ),
        Recipe(
            "A6",
            "6.8",
            _SCRATCH_GATED.change(cell="lstm"),
            _every(40, 211.457328, 68.458662, 15.034657, 3.897414),
            published_seconds=1.50,
            source=SOURCE_LSTM,
        ),
        Recipe(
            "A7",
            "6.8",
            _LIBRARY.change(cell="lstm"),
            _every(40, 1.019881, 1.013078, 1.010264, 1.008950),
            published_other=_every(40, 1.020401, 1.011164, 1.025348, 1.017492),
            published_seconds=1.02,
            source=f"{SOURCE_LSTM}, {SOURCE_GRU}",
        ),
        Recipe(
            "A8",
            "6.9",
            _LIBRARY.change(cell="lstm", num_layers=2),
            _every(40, 12.840496, 1.247634, 1.021974, 1.016324),
            published_seconds=1.56,
            source=f"{SOURCE_LSTM}, {SOURCE_GRU}",
        ),
        Recipe(
            "A9",
            "6.9",
            _LIBRARY.change(cell="lstm", num_layers=6),
            _every(40, 276.815235, 276.278550, 276.146710, 275.739864),
            published_seconds=8.5,
            source=SOURCE_LSTM,
        ),
        Recipe(
            "A10",
            "6.10",
            _LIBRARY.change(cell="gru", num_hiddens=128, bidirectional=True),
            _every(40, 1.001741, 1.000520, 1.000255, 1.000151),
            published_seconds=0.92,
            source=f"{SOURCE_LSTM}, {SOURCE_GRU}",
        ),
        # the texts that the book prints before training
        Recipe("A11", "6.4", _SCRATCH.change(**untrained), source=SOURCE_RNN_SCRATCH, aliases=("A11-scratch",)),
        Recipe("A11-library", "6.5", _LIBRARY.change(learning_rate=1e-3, **untrained), source=SOURCE_RNN_LIBRARY),
        # θ, offset and tokenisation are from the book; B1 is a reconstruction, because its source mixes two frameworks
        Recipe("B1", "8.6", _SECOND, source=SOURCE_SECOND_EDITION),
        Recipe("B2", "9.1", _SECOND.change(cell="gru"), source=SOURCE_SECOND_EDITION),
        Recipe("B3", "9.2", _SECOND.change(cell="lstm"), source=SOURCE_SECOND_EDITION),
        Recipe("B4", "9.3", _SECOND.change(cell="lstm", num_layers=2, learning_rate=2.0), source=SOURCE_SECOND_EDITION),
        Recipe(
            "B5", "9.4", _SECOND.change(cell="lstm", num_layers=2, bidirectional=True), source=SOURCE_SECOND_EDITION
        ),
    ]


def _repaired(original: Recipe) -> Recipe:
    return Recipe(
        f"{original.id}-repaired",
        original.section,
        original.config.change(clip_norm=0.01),
        source=original.source,
        repairs=original.id,
        derived_from=original.id,
    )


# Possible rescues of six layers, one change at a time, and the proper use of both directions compared with one
# direction. These runs have not been published; docs/rescues.md has their results.
_VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "A9": {
        "A9-residual": {"residual": True},
        "A9-layer-norm": {"layer_norm": True},
        "A9-forget-bias": {"forget_bias": 1.0},
        "A9-lr-0.001": {"learning_rate": 1e-3},
        "A9-xavier": {"initialization": "xavier"},
    },
    "A10": {
        "A10-cloze": {"objective": "cloze"},
        "A10-one-way": {"bidirectional": False},
    },
}

# The book's exercises. X1 varies one setting of A2 at a time.
_EXERCISES: dict[str, dict[str, Any]] = {
    "X1": {},
    "X1-lr-1": {"learning_rate": 1.0},
    "X1-lr-10": {"learning_rate": 10.0},
    "X1-lr-1000": {"learning_rate": 1000.0},
    "X1-hiddens-64": {"num_hiddens": 64},
    "X1-hiddens-128": {"num_hiddens": 128},
    "X1-hiddens-512": {"num_hiddens": 512},
    "X1-steps-10": {"num_steps": 10},
    "X1-steps-70": {"num_steps": 70},
    "X1-batch-8": {"batch_size": 8},
    "X1-batch-64": {"batch_size": 64},
    "X1-clip-0.001": {"clip_norm": 0.001},
    "X1-clip-0.1": {"clip_norm": 0.1},
    "X2": {"clip_norm": None},
    "X3": {"pred_period": 1},
    "X4": {"detach": False},
    "X5": {"activation": "relu"},
}


_AGAINST_HEART: dict[str, tuple[str, dict[str, Any]]] = {
    "C1": ("3.11", {}),
    "C2": ("3.13", {"dropout": 0.5}),
    "C3": ("3.12", {"weight_decay": 0.1}),
    "C4": ("3.11", {"early_stopping": 3}),
}


def _all() -> dict[str, Recipe]:
    published = _published()
    recipes = {}
    for original in published:
        recipes[original.id] = original
        if original.group == "A" and original.config.implementation == "library" and original.config.num_epochs:
            repaired = _repaired(original)
            recipes[repaired.id] = repaired
        for name, changes in _VARIANTS.get(original.id, {}).items():
            config = original.config.change(**changes)
            recipes[name] = Recipe(name, original.section, config, derived_from=original.id)
    for name, changes in _EXERCISES.items():
        recipes[name] = Recipe(name, "6.4", _SCRATCH.change(**changes), source=SOURCE_RNN_SCRATCH, derived_from="A2")
    measured = recipes["A7"].config.change(num_epochs=40, pred_period=10, held_out_period=2)
    for name, (section, changes) in _AGAINST_HEART.items():
        recipes[name] = Recipe(name, section, measured.change(**changes), derived_from="A7")
    return recipes


RECIPES: dict[str, Recipe] = _all()
"""All recipes by id, in the book's order; variants follow the recipe they are derived from."""

_ALIASES = {alias: entry.id for entry in RECIPES.values() for alias in entry.aliases}


def recipe(recipe_id: str) -> Recipe:
    """Return the recipe with this id or alias, ignoring case.

    Raises:
        RecipeError: there is no such recipe; the message lists all recipes.
    """
    wanted = recipe_id.strip().lower()
    for name in (*RECIPES, *_ALIASES):
        if name.lower() == wanted:
            return RECIPES[_ALIASES.get(name, name)]
    allowed = ", ".join(RECIPES)
    raise RecipeError(
        "recipe_unknown",
        f"There is no recipe named {recipe_id!r}; the recipes are: {allowed}.",
        recipe=recipe_id,
        allowed=allowed,
    )


def recipe_of(config: TrainConfig) -> Recipe | None:
    """Return the recipe that `config` matches, for any corpus, seed, device and computation, or None."""
    return next((entry for entry in RECIPES.values() if entry.matches(config)), None)


# from one experiment to another

# settings that are changed together: a learning rate for SGD does not suit Adam
_TOGETHER = (frozenset({"optimizer", "learning_rate"}),)


@dataclass(frozen=True)
class Rung:
    """A step of a ladder from one configuration to another."""

    changes: Mapping[str, str]  # the settings changed in this step, as text; empty for the first rung
    config: TrainConfig  # includes the changes of the previous rungs


def rungs(start: TrainConfig, goal: TrainConfig) -> list[Rung]:
    """Return the rungs from `start` to `goal`, one difference at a time in the order of the settings.

    Optimiser and learning rate change together. The first rung is `start`, the last one `goal`.
    """
    left = goal.changes_from(start)
    chain = [Rung({}, start)]
    while left:
        first = next(iter(left))
        group = next((group for group in _TOGETHER if first in group), frozenset({first}))
        changes = {name: left.pop(name) for name in list(left) if name in group}
        chain.append(Rung(changes, chain[-1].config.change_from_text(changes)))
    return chain
