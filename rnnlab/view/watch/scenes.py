"""The current state of a run with what is drawn from it, built once for all viewers."""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError
from rnnlab.events import RunFinished
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.runs.protocol import ENDED
from rnnlab.runs.store import RunRecord
from rnnlab.view.data.facts import Reading, TextFacts
from rnnlab.view.data.history import History, Ladder
from rnnlab.view.data.identity import Identity
from rnnlab.view.data.recorded import Recording
from rnnlab.view.data.shelf import Shelf
from rnnlab.view.page import estimate, names, session
from rnnlab.view.watch import tables


@dataclass(frozen=True)
class Scene:
    """The current state of a run, live or recorded, with everything needed to draw it."""

    identity: Identity | None  # None for a run that has not started
    state: str
    config: TrainConfig
    recipe: Recipe | None
    history: History
    version: Hashable
    vocab_size: int
    ladder: Ladder
    text: TextFacts | None
    lang: str
    theme: str
    shelf: Shelf = field(repr=False)
    queue_position: int | None = None
    continuable: bool = False
    error: dict[str, Any] | None = None
    host: str = ""  # the machine of the cluster that trained the run last
    lacking: str = ""  # what a cluster lacks so that a waiting run starts, see `estimate.lacking`

    @property
    def phase(self) -> str:
        """The part of the state that the page draws itself: when it changes, the page is drawn again."""
        history = self.history
        written = history.written()
        parts = (
            self.state,
            self.config.num_epochs,
            history.epoch > 0,
            self.continuable,
            self.queue_position,
            self.lacking,
            (written[-1], len(history.texts[written[-1]])) if written else (),
            len(history.changes),
            len(history.probes),
        )
        return json.dumps(parts, separators=(",", ":"))

    @property
    def id(self) -> str:
        """The name of the run in widgets and in the session."""
        return self.identity.pin if self.identity else "preview"

    @property
    def same_corpus(self) -> bool:
        """Whether the run trains on the corpus of the published figures."""
        return self.recipe is not None and self.config.corpus == self.recipe.book_corpus

    @property
    def ended(self) -> bool:
        """Whether the run has ended; it may still be continued."""
        return self.history.ending is not None if self.state == "recorded" else self.state in ENDED

    @property
    def clips(self) -> bool:
        """Whether the run clips gradients, or did so in any epoch."""
        return self.config.clip_norm is not None or self.history.clips

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping ended the run before its last epoch."""
        end = self.history.ending
        return isinstance(end, RunFinished) and end.reason == "finished" and end.epoch < self.config.num_epochs

    @property
    def published(self) -> Recipe | None:
        """The experiment whose published figures can be compared with this run, or None.

        They do not apply to an uploaded text, and those beyond the end of the run are not shown.
        """
        recipe = self.recipe
        if recipe is not None and recipe.derived_from and not recipe.published:
            recipe = RECIPES[recipe.derived_from]
        if recipe is None or self.config.corpus not in (recipe.config.corpus, recipe.book_corpus):
            return None
        return recipe if any(epoch <= self.config.num_epochs for epoch, _ in recipe.published) else None

    @property
    def around(self) -> tables.Surroundings:
        """What is drawn beside the curve in its chart."""
        shown = self.published
        return tables.Surroundings(self.ladder, shown.published if shown else (), self.config.num_epochs)

    def curve_tables(self, epoch: int | None) -> dict[str, bytes]:
        """Return all tables of the perplexity curve, with the marker at `epoch`."""
        lang, vocab_size = self.lang, self.vocab_size
        growing = self.shelf.get(
            ("curve", self.version, lang), lambda: tables.curve_tables(self.history, vocab_size, lang, self.around)
        )
        still = self._still()
        now = self.shelf.get(("now", self.version, epoch), lambda: tables.now_table(self.history, epoch, vocab_size))
        return {**growing, **still, "now": now}

    def _still(self) -> dict[str, bytes]:
        # the published points depend on the recipe, and previews of several recipes share a shelf
        recipe = self.recipe.id if self.recipe else ""
        key = ("reference", recipe, self.config, self.vocab_size, self.lang)
        return self.shelf.get(key, self._references)

    def _references(self) -> dict[str, bytes]:
        shown = self.published
        published = shown.published if shown else ()
        other = shown.published_other if shown else ()
        return tables.reference_tables(self.config, self.ladder, published, other, self.same_corpus, self.lang)

    def gradient_tables(self) -> dict[str, bytes]:
        """Return the tables of the gradient charts."""
        growing = self.shelf.get(
            ("gradient", self.version, self.lang), lambda: tables.gradient_tables(self.history, self.lang)
        )
        return {**growing, "extent": self._still()["extent"]}

    def read(self, epoch: int, prefix: str) -> Reading | None:
        """Return the quotes in the text generated after `epoch` from `prefix`; None without the training text."""
        text, facts = self.history.texts[epoch][prefix], self.text
        if facts is None:
            return None
        return self.shelf.get(("reading", text, prefix, self.lang), lambda: facts.read(text, prefix, self.lang))


class Feed:
    """The state of a run in the store, read incrementally and shared by all viewers."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.shelf = Shelf()
        self._history = History()
        self._cursor = 0
        self._version = -1
        self._lock = threading.Lock()

    def scene(self, record: RunRecord, lang: str, theme: str) -> Scene:
        """Return the current state of the run."""
        with self._lock:
            if record.version != self._version:
                fresh = session.store().events_since(self.run_id, self._cursor)
                if fresh:
                    # other viewers may still be drawing the previous history
                    self._history = self._history.copy()
                    self._history.add(event for _, event in fresh)
                    self._cursor = fresh[-1][0]
                    # built from the previous history, which is not requested again
                    self.shelf.drop(("curve", "now", "gradient"))
                self._version = record.version
            history = self._history
            try:
                text = session.facts().of(record.config)
            except CorpusError:
                text = None  # trained on another machine, or the text has been deleted
            started = history.started
            # viewers without access to the text see the curve and its reference lines, but no quotes
            shown = text if get_script_run_ctx() is None or session.may_read(record.config.corpus) else None
            vocab_size = text.vocab_size if text else started.vocab_size if started else 1000
            return Scene(
                identity=Identity.of_run(record.id),
                state=record.state,
                config=record.config,
                recipe=RECIPES.get(names.recipe_id(record)),
                history=history,
                version=(self._cursor, record.config.num_epochs),
                vocab_size=vocab_size,
                ladder=text.ladder if text else {0: float(vocab_size)},
                text=shown,
                lang=lang,
                theme=theme,
                shelf=self.shelf,
                queue_position=record.queue_position,
                continuable=record.continuable,
                error=record.error,
                host=record.host,
                lacking=estimate.lacking() if record.state == "queued" else "",
            )


# 128 runs are enough for a class. The cache drops each feed after ten minutes, because a feed takes about 0.3 MB and
# is cheap to read from the store again.
@st.cache_resource(max_entries=128, ttl=600, show_spinner=False)
def feed(run_id: str) -> Feed:
    """Return the feed of a run, shared by all viewers."""
    return Feed(run_id)


def changed_by_hand(record: RunRecord) -> bool:
    """Return whether settings of a run were changed during training, so that its configuration does not describe it."""
    return bool(feed(record.id).scene(record, session.language(), session.theme()).history.changes)


@st.cache_resource(max_entries=8, show_spinner=False)
def _recorded_shelf(name: str) -> Shelf:
    return Shelf(48)


def recorded_scene(recording: Recording, epoch: int, lang: str, theme: str) -> Scene:
    """Return the state of a recorded run after `epoch`."""
    shelf = _recorded_shelf(recording.name)
    history = shelf.get(("history", epoch), lambda: recording.history.until(epoch))
    try:
        text = session.facts().of(recording.config)
    except CorpusError:
        text = None
    return Scene(
        identity=Identity.of_recording(recording.name),
        state="recorded",
        config=recording.config,
        recipe=RECIPES.get(recording.name),
        history=history,
        version=epoch,
        vocab_size=recording.vocab_size,
        ladder=text.ladder if text else recording.ladder,
        text=text,
        lang=lang,
        theme=theme,
        shelf=shelf,
    )


_previews = Shelf(32)


def preview_scene(config: TrainConfig, recipe: Recipe, lang: str, theme: str) -> Scene:
    """Return the state of a run that has not started: only the reference lines of its text.

    Raises:
        CorpusError: the text is not on this machine or cannot be read.
    """
    text = session.facts_of(config)
    return Scene(
        identity=None,
        state="preview",
        config=config,
        recipe=recipe,
        history=History(),
        version=recipe.id,
        vocab_size=text.vocab_size,
        ladder=text.ladder,
        text=text,
        lang=lang,
        theme=theme,
        shelf=_previews,
    )
