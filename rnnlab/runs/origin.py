"""The trained network that a run starts from: a checkpoint of another run, or a network that ships with the app.

The setting `start_from` names it: ``RUN@EPOCH`` or ``RECIPE@EPOCH``. The weights of another run are kept in the folder
of the new run when it is created, so that a queued run starts even if the other one was deleted. Once the run has a
checkpoint of its own, they are no longer needed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rnnlab import private
from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import StartingWeights
from rnnlab.runs.store import Queries, RunRecord
from rnnlab.text.preparation import Prepared
from rnnlab.text.vocab import Vocab

SHAPE = ("cell", "implementation", "num_layers", "bidirectional", "num_hiddens", "layer_norm", "objective")
"""The settings that decide which weights a network has."""
_WEIGHTS, _ABOUT = "start.safetensors", "start.json"


@dataclass(frozen=True)
class Origin:
    """A trained network.

    Attributes:
        config: the configuration with which it was trained.
        path: the file with its weights.
        ships: whether it ships with the app.
        vocab: the characters stored in the file, in the order of their indices; None if the file stores none, so that
            they are read from the training text.
    """

    config: TrainConfig
    path: Path
    ships: bool
    vocab: str | None = None


def ships(name: str) -> bool:
    """Return whether `name`, a value of `start_from`, refers to a network that ships with the app."""
    return name.partition("@")[0] in RECIPES


def find(store: Queries, name: str, check: Callable[[RunRecord], None]) -> Origin:
    """Return the network that `name` refers to, a value of `start_from`.

    Args:
        store: the store with the runs.
        name: the run or recipe, and the epoch.
        check: raises an error for a run that the caller may not start from.

    Raises:
        RunError: ``start_unknown`` or ``start_none``: there is no such run or recipe, or no such checkpoint of it;
            ``checkpoint_unreadable``.
    """
    from rnnlab.inference import files  # imports NumPy
    from rnnlab.runs import portable

    holder, _, number = name.partition("@")
    epoch = int(number)
    if ships(name):
        path = files.FOLDER / files.file_name(holder, epoch)
        if path.exists():
            return Origin(files.read_label(path).config, path, ships=True)
        kept = sorted(int(found.stem.rpartition("-")[2]) for found in files.FOLDER.glob(f"{holder}-epoch-*"))
    else:
        try:
            record = store.run(holder)
        except RunError:
            raise _unknown(name, []) from None
        check(record)
        paths = {at: path for at, minibatch, path in store.checkpoints(holder) if minibatch == 0}
        if epoch in paths:
            return Origin(record.config, paths[epoch], ships=False, vocab=portable.vocabulary(paths[epoch]))
        kept = sorted(paths)
    raise _unknown(name, [f"{holder}@{at}" for at in kept])


def check_shape(origin: Origin, config: TrainConfig) -> None:
    """Check that a run with `config` has the same weights as its origin.

    Raises:
        RunError: ``start_unlike``, with the first setting that differs.
    """
    for name in SHAPE:
        mine, needed = getattr(config, name), getattr(origin.config, name)
        if mine != needed:
            raise RunError(
                "start_unlike",
                f"{config.start_from} has other weights: it was trained with {name}={needed}, not {mine}.",
                start_from=config.start_from,
                field=name,
                value=mine,
                needed=needed,
            )


def described(origin: Origin, config: TrainConfig, prepared: Callable[[TrainConfig], Prepared]) -> StartingWeights:
    """Return what a worker needs to start from `origin`.

    Raises:
        RunError: ``start_unlike``, or ``start_text_gone``: its vocabulary cannot be found any more.
    """
    check_shape(origin, config)
    try:
        vocab = origin.vocab or "".join(Vocab(prepared(origin.config).train).idx_to_token)
    except CorpusError as error:
        raise RunError(
            "start_text_gone",
            f"The text that {config.start_from} was trained on is no longer here, and with it the order of its "
            "characters. Upload that text again.",
            start_from=config.start_from,
        ) from error
    return StartingWeights(path=str(origin.path), config=origin.config.to_json(), vocab=vocab)


def keep(start: StartingWeights, folder: Path) -> None:
    """Keep the starting weights of a new run in its folder; they take no space while the other run has them too.

    Raises:
        OSError: they cannot be written, or the file is gone.
    """
    private.make_folder(folder)
    weights = folder / _WEIGHTS
    try:
        os.link(start.path, weights)
    except OSError:  # a file system without hard links
        shutil.copyfile(start.path, weights)
    (folder / _ABOUT).write_text(start.model_copy(update={"path": str(weights)}).model_dump_json(), encoding="utf-8")


def kept_files(folder: Path) -> list[Path]:
    """Return the files that `keep` writes into the folder of a run."""
    return [folder / _WEIGHTS, folder / _ABOUT]


def weights(
    store: Queries, config: TrainConfig, folder: Path, prepared: Callable[[TrainConfig], Prepared]
) -> StartingWeights | None:
    """Return what a worker needs to start a run that has no checkpoint yet; None if it starts from random weights.

    Raises:
        RunError: ``start_unknown``, ``start_none``, ``start_unlike`` or ``start_text_gone``.
    """
    if not config.start_from:
        return None
    about = folder / _ABOUT
    if about.exists():
        return StartingWeights.model_validate_json(about.read_bytes())
    return described(find(store, config.start_from, lambda _: None), config, prepared)


def _unknown(name: str, kept: list[str]) -> RunError:
    if not kept:
        return RunError("start_none", f"There are no weights {name!r}, and no others of it are kept.", start_from=name)
    allowed = ", ".join(kept)
    return RunError(
        "start_unknown", f"There are no weights {name!r}; kept ones: {allowed}.", start_from=name, allowed=allowed
    )
