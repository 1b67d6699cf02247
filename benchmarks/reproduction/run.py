"""The whole reproduction: record what is missing, train every piece, write the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.reproduction.pieces import pieces, recorded_piece, reproduce, results
from benchmarks.reproduction.report import report
from rnnlab.environment import Environment
from rnnlab.recordings.__main__ import main as record
from rnnlab.text.corpora import load


def run(
    ids: Iterable[str], environment: Environment, embedded: bool, num_seeds: int, jobs: int, say: Callable[[str], None]
) -> tuple[str, str]:
    """Train what has not been trained yet; return the report and the file where it belongs.

    Args:
        ids: the recipes; none named: all.
        environment: where the pieces are kept, and where the book's texts lie.
        embedded: whether to train on the embedded corpora instead of the book's.
        num_seeds: random seeds per recipe.
        jobs: processes at a time.
        say: called with a line of text for each step.

    Raises:
        CorpusError: a text of the book is not here.
        RuntimeError: some pieces broke; all others are done and kept.
    """
    ids, folders = list(ids), environment.corpus_folders
    if not embedded:
        for name in ("book-lyrics", "book-time-machine"):
            load(name, folders=folders)
    folder = environment.home / "reproduction" / ("embedded" if embedded else "book")
    say(f"{len(list(pieces(ids, num_seeds)))} pieces, kept in {folder}")
    wanted = [name for name, _ in pieces(ids, 1)]
    if embedded and (unrecorded := [name for name in wanted if recorded_piece(name, folders) is None]):
        record(unrecorded)
    for result in reproduce(folder, ids, num_seeds, embedded, jobs, folders):
        say(f"{result['recipe']} seed {result['seed']}: {_last(result)}")
    found = results(folder, embedded)
    text = report({name: found[name] for name in found if name in wanted}, embedded, num_seeds, ids)
    return text, f"docs/reproduction{'-embedded' if embedded else ''}.md"


def _last(result: dict[str, Any]) -> str:
    values = list(result["perplexity"].values())
    return "untrained" if not values else "∞" if values[-1] is None else f"perplexity {values[-1]:.6f}"
