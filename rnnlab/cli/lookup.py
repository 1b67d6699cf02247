"""Look-up of the runs, checkpoints and texts that the arguments of a command name; opening of the store."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rnnlab.environment import Environment
from rnnlab.errors import PrefixError, RNNLabError, RunError

if TYPE_CHECKING:
    from rnnlab.config import TrainConfig
    from rnnlab.runs.client import Client
    from rnnlab.runs.store import RunRecord, Store
    from rnnlab.text.corpora import Corpus


def open_client(environment: Environment) -> Client:
    """Return a client of the home, which connects at its first command; the caller closes it."""
    from rnnlab.runs.client import Client

    return Client(environment)


def open_store(environment: Environment) -> Store:
    """Return the store of the home, to read; the caller closes it."""
    from rnnlab.runs.schema import DATABASE
    from rnnlab.runs.store import Store

    return Store(environment.home / DATABASE)


def find_run(store: Store, text: str) -> RunRecord:
    """Return the run with this id, or the only run whose id begins with `text`.

    Raises:
        RunError: ``run_unknown``.
    """
    records = store.runs(limit=100_000)
    matches = [record for record in records if record.id == text] or [
        record for record in records if text and record.id.startswith(text)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        message = f"Several runs begin with {text!r}: {_ids(matches[:20])}."
    else:
        message = f"There is no run {text!r}; {_newest(records[:20])}."
    raise RunError("run_unknown", message, run=text, allowed=_ids(matches[:20] or records[:20]))


def which_runs(environment: Environment) -> str:
    """Return a sentence that names the newest runs."""
    try:
        with open_store(environment) as store:
            return f"Name one; {_newest(store.runs(limit=20))}."
    except RNNLabError as error:  # the store itself cannot be used
        return str(error)


def _newest(records: list[RunRecord]) -> str:
    if not records:
        return "none has been recorded yet (python -m rnnlab train A2 records one)"
    return f"the newest runs are: {_ids(records)} (all: python -m rnnlab list)"


def _ids(records: list[RunRecord]) -> str:
    return ", ".join(record.id for record in records)


def find_epoch(store: Store, record: RunRecord, text: str) -> int:
    """Return the epoch that a number or ``best`` means; whether it has a checkpoint is checked by the supervisor.

    Raises:
        RunError: ``checkpoint_unknown``: not a number.
    """
    if text == "best" and (best := store.best_epoch(record.id)) is not None:
        return best
    with contextlib.suppress(ValueError):
        return int(text)
    kept = [str(epoch) for epoch, minibatch, _ in store.checkpoints(record.id) if minibatch == 0]
    allowed = ", ".join(kept) or "none yet"
    raise RunError(
        "checkpoint_unknown",
        f"Run {record.id} has no checkpoint of epoch {text!r}; its checkpoints are of: {allowed}.",
        run=record.id,
        epoch=text,
        allowed=allowed,
    )


def find_corpus(name: str, store: Store, environment: Environment) -> Corpus:
    """Return the corpus with this name, or the text in the file at this path; print what had to be done to read it.

    Raises:
        CorpusError: there is no such corpus or file.
    """
    import click

    from rnnlab.text import corpora

    corpus = corpora.find(name, folders=environment.corpus_folders, texts=store.text)
    for note in corpus.notes:
        click.echo(f"Note: {note.message}", err=True)
    return corpus


def suit_prefixes(corpus: Corpus, config: TrainConfig) -> TrainConfig:
    """Return `config` with prefixes that the text has the characters of, and print it if they are others."""
    import click

    from rnnlab.setting import as_text
    from rnnlab.text.corpora import prepare
    from rnnlab.text.prefixes import brief, suited

    train = prepare(corpus.text, config.preprocessing, config.num_chars).train
    prefixes = suited(config.prefixes, train) if train else config.prefixes
    if prefixes != config.prefixes:
        before = as_text(tuple(map(brief, config.prefixes)))
        click.echo(
            f"Note: the text lacks characters of the prefixes {before}; it is continued from "
            f"{as_text(prefixes)} instead (--set prefixes='one|two' chooses others).",
            err=True,
        )
    return config.change(prefixes=prefixes)


def check_text(corpus: Corpus, config: TrainConfig) -> None:
    """Check that a run can train on the text, before it is created.

    Raises:
        CorpusError: the text is too short, or leaves no held-out text for early stopping.
        PrefixError: the text lacks a character of a prefix.
    """
    from rnnlab.text.corpora import check_trainable, prepare
    from rnnlab.text.vocab import Vocab

    train, held_out = prepare(corpus.text, config.preprocessing, config.num_chars)
    check_trainable(train, held_out, config)
    vocab = Vocab(train)
    for prefix in config.prefixes:
        try:
            vocab.encode_prefix(prefix)
        except PrefixError as error:
            hint = "Choose others with --set prefixes='one|two'."
            raise PrefixError(error.code, f"{error} {hint}", **error.params) from error
