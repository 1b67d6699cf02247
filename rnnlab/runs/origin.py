"""The trained network that a run starts from: a checkpoint of another run, or a network that ships with the app.

The setting `start_from` names it: ``RUN@EPOCH`` or ``RECIPE@EPOCH``. Once a run has a checkpoint of its own, its origin
is no longer needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.recipes import RECIPES
from rnnlab.runs.protocol import StartingWeights
from rnnlab.runs.store import Queries
from rnnlab.text.preparation import Prepared
from rnnlab.text.vocab import Vocab

SHAPE = ("cell", "implementation", "num_layers", "bidirectional", "num_hiddens", "layer_norm", "objective")
"""The settings that decide which weights a network has."""


@dataclass(frozen=True)
class Origin:
    """A trained network.

    Attributes:
        config: the configuration with which it was trained.
        path: the file with its weights.
        owner: owner of the run that trained it; None if it ships with the app.
    """

    config: TrainConfig
    path: Path
    owner: str | None


def find(store: Queries, name: str) -> Origin:
    """Return the network that `name` refers to, a value of `start_from`.

    Raises:
        RunError: ``start_unknown``: there is no such run or recipe, or no such checkpoint of it.
    """
    from rnnlab.inference import files  # imports NumPy

    holder, _, number = name.partition("@")
    epoch = int(number)
    if holder in RECIPES:
        path = files.FOLDER / files.file_name(holder, epoch)
        if path.exists():
            return Origin(files.read_label(path).config, path, None)
        kept = sorted(int(found.stem.rpartition("-")[2]) for found in files.FOLDER.glob(f"{holder}-epoch-*"))
    else:
        try:
            record = store.run(holder)
        except RunError:
            raise _unknown(name, ()) from None
        paths = {at: path for at, minibatch, path in store.checkpoints(holder) if minibatch == 0}
        if epoch in paths:
            return Origin(record.config, paths[epoch], record.owner)
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


def weights(store: Queries, config: TrainConfig, prepared: Callable[[TrainConfig], Prepared]) -> StartingWeights | None:
    """Return what a worker needs to start from the origin of `config`; None if it starts from random weights.

    Raises:
        RunError: ``start_unknown``, ``start_unlike``, or ``start_text_gone``: its vocabulary cannot be found any more.
    """
    if not config.start_from:
        return None
    origin = find(store, config.start_from)
    check_shape(origin, config)
    try:
        vocab = Vocab(prepared(origin.config).train)
    except CorpusError as error:
        raise RunError(
            "start_text_gone",
            f"The text that {config.start_from} was trained on is no longer here, and with it the order of its "
            "characters. Upload that text again.",
            start_from=config.start_from,
        ) from error
    return StartingWeights(path=str(origin.path), config=origin.config.to_json(), vocab="".join(vocab.idx_to_token))


def _unknown(name: str, allowed: list[str] | tuple[str, ...]) -> RunError:
    kept = ", ".join(allowed) or "none"
    return RunError(
        "start_unknown", f"There are no weights {name!r}; kept ones: {kept}.", start_from=name, allowed=kept
    )
