"""Checkpoint files that travel: exported with their run and its characters, and validated when they are imported.

An exported file is the checkpoint of a run, a safetensors file, with two more entries in its metadata: ``run``, the
exported run as `rnnlab.runs.export` writes it, and ``vocab``, the characters of the training text in the order of their
indices, as a JSON string. On a machine without that text, the order of the characters could not be found otherwise.

A file is a little-endian number of 8 bytes, as many bytes of JSON, and the tensors. Only the JSON is read here, and the
tensors are never parsed; no torch, no NumPy.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, Json, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.events import CheckpointSaved
from rnnlab.inference.shapes import WEIGHTS, weight_shapes
from rnnlab.nesting import outside_strings
from rnnlab.runs.export import Recording, check_depth, export_run, first_error, import_run, to_json
from rnnlab.runs.limits import CHECKPOINT_MB, MEGABYTE
from rnnlab.runs.store import Queries, file_name
from rnnlab.runs.texts import Texts

MAX_BYTES = CHECKPOINT_MB * MEGABYTE
MAX_HEADER = 24 * MEGABYTE
"""The longest JSON of a file: an exported run of the largest size fits, with its quotation marks escaped."""
_MAX_COMMAS = 10_000
"""The most commas of this JSON outside of strings: five times as many as the largest network has."""
_RUN, _VOCAB = "run", "vocab"
_SIZES = {"F64": 8, "F32": 4, "U8": 1}
"""The types of numbers in a checkpoint, with their bytes."""
_MAX_GENERATOR = 8192
"""The most bytes of the state of a random generator; torch checks what they say."""
_Layout = tuple[str, tuple[int, ...]]
"""Type and shape of a tensor."""


class _Tensor(BaseModel):
    """What the JSON of a file says about a tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: StrictStr
    shape: Annotated[tuple[Annotated[StrictInt, Field(ge=0, le=2**31)], ...], Field(max_length=4)]
    data_offsets: tuple[Annotated[StrictInt, Field(ge=0)], Annotated[StrictInt, Field(ge=0)]]

    @property
    def layout(self) -> _Layout:
        """Return type and shape."""
        return self.dtype, self.shape


class _Header(BaseModel):
    """The JSON of a file: its metadata, and a tensor for each other key."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, _Tensor]

    metadata: dict[str, StrictStr] = Field({}, alias="__metadata__", max_length=20)

    @property
    def tensors(self) -> dict[str, _Tensor]:
        """Return the tensors by name."""
        return self.__pydantic_extra__


class _Position(BaseModel):
    """The metadata of a checkpoint besides its run; each value is JSON, see `TrainingState.metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab: Json[StrictStr]
    epoch: Json[Annotated[StrictInt, Field(ge=0)]]
    minibatch: Json[Annotated[StrictInt, Field(ge=0, le=2**31)]]
    learning_rate: Json[Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)]]
    clip_norm: Json[Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] | None]
    last_grad_norm: Json[StrictFloat | None]
    texts_due: Json[StrictBool]
    tally: Json[dict[str, StrictFloat | StrictInt | list[StrictFloat | StrictInt]]]
    patience: Json[dict[str, StrictFloat | StrictInt | None]] | None = None


@dataclass(frozen=True)
class Portable:
    """What a valid file holds besides its tensors.

    Attributes:
        recording: the run.
        epoch: finished epochs of the checkpoint.
        minibatch: finished minibatches of the next epoch.
    """

    recording: Recording
    epoch: int
    minibatch: int

    def saved(self) -> CheckpointSaved:
        """Return the report that a worker would have made about this checkpoint."""
        name = file_name(self.epoch, self.minibatch)
        return CheckpointSaved(epoch=self.epoch, minibatch=self.minibatch, name=name)


def is_checkpoint(data: bytes) -> bool:
    """Return whether a file is a safetensors file by its beginning, rather than text in any encoding."""
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 2**32


def check_size(size: int) -> None:
    """Check the size of a file before anything is done with it.

    Raises:
        RunError: ``checkpoint_too_large``.
    """
    if size > MAX_BYTES:
        message = f"A checkpoint that is imported has at most {CHECKPOINT_MB} MB."
        raise RunError("checkpoint_too_large", message, allowed_mb=CHECKPOINT_MB)


def read(file: BinaryIO) -> Portable:
    """Validate a file that may come from anybody, completely except for the numbers in its tensors.

    Raises:
        RunError: ``checkpoint_too_large``, ``checkpoint_damaged``, ``checkpoint_without_run`` (by an older version, or
            by another program), ``checkpoint_unlike``, ``checkpoint_vocab``, or as `import_run` for its run.
    """
    size = file.seek(0, io.SEEK_END)
    check_size(size)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(MAX_HEADER, size - 8):
        raise _damaged("its beginning says that it is longer")
    text = file.read(length)
    check_depth(text)
    if len(outside_strings(text, b",")) > _MAX_COMMAS:
        raise _damaged("too many tensors")
    try:
        header = _Header.model_validate_json(text)
    except ValidationError as error:
        raise _damaged(first_error(error)[1]) from error
    _check_places(header.tensors, size - 8 - length)
    if not {_RUN, _VOCAB} <= header.metadata.keys():
        raise RunError(
            "checkpoint_without_run",
            "This file holds weights, but not the run that they belong to and its characters: an older version exported"
            " it, or another program. A checkpoint can be imported that this version has exported.",
        )
    recording = import_run(header.metadata[_RUN])
    try:
        position = _Position.model_validate({name: value for name, value in header.metadata.items() if name != _RUN})
    except ValidationError as error:
        raise _damaged(first_error(error)[1]) from error
    if position.epoch > recording.config.num_epochs:
        raise _damaged(f"epoch {position.epoch} of {recording.config.num_epochs}")
    _check_tensors(recording.config, header.tensors, position.vocab)
    return Portable(recording, position.epoch, position.minibatch)


def exported(store: Queries, run_id: str, folders: Sequence[Path]) -> bytes:
    """Return the file of the newest checkpoint of a run, with the run and its characters.

    If nothing says the order of the characters any more, they are left out, and the file cannot be imported.

    Args:
        store: store with the run.
        run_id: id of the run.
        folders: folders of downloaded corpora.

    Raises:
        RunError: ``run_unknown``, or ``checkpoint_none``.
    """
    path: Path | None = None
    for _ in range(3):  # a newer checkpoint may replace the file before it is opened
        checkpoints = store.checkpoints(run_id)
        path = checkpoints[-1][2] if checkpoints else None
        try:
            if path is not None:
                return _with_run(path, store, run_id, folders)
        except FileNotFoundError:
            continue
    raise RunError("checkpoint_none", f"Run {run_id} has no checkpoint yet.", run=run_id)


def vocabulary(path: Path) -> str | None:
    """Return the characters that a checkpoint of ours carries, in the order of their indices; None if it has none.

    Raises:
        RunError: ``checkpoint_unreadable``.
    """
    try:
        with open(path, "rb") as file:
            carried = _metadata(_header(file)).get(_VOCAB)
        return None if carried is None else str(json.loads(carried))
    except (OSError, ValueError) as error:
        message = f"The checkpoint {path.name} is missing or damaged."
        raise RunError("checkpoint_unreadable", message, name=path.name) from error


def _with_run(path: Path, store: Queries, run_id: str, folders: Sequence[Path]) -> bytes:
    """Return a checkpoint with its run and characters; its tensors are copied as bytes."""
    with open(path, "rb") as file:
        header = _header(file)
        tensors = file.read()
    metadata = {**_metadata(header), _RUN: to_json(export_run(store, run_id, folders))}
    if _VOCAB not in metadata:
        from rnnlab.text.vocab import Vocab

        try:
            vocab = Vocab(Texts(folders, store).prepared(store.run(run_id).config).train)
            metadata[_VOCAB] = json.dumps("".join(vocab.idx_to_token), ensure_ascii=False)
        except CorpusError:
            pass
    text = json.dumps({**header, "__metadata__": metadata}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8 bytes
    return b"".join((len(text).to_bytes(8, "little"), text, tensors))


def _header(file: BinaryIO) -> dict[str, Any]:
    """Return the JSON of a file of ours, up to its tensors."""
    header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header


def _metadata(header: Mapping[str, Any]) -> dict[str, str]:
    return dict(header.get("__metadata__", {}))


def _check_places(tensors: Mapping[str, _Tensor], size: int) -> None:
    """Check that the tensors fill the rest of the file, `size` bytes, one after the other.

    Raises:
        RunError: ``checkpoint_damaged``.
    """
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        if tensor.dtype not in _SIZES:
            raise _damaged(f"{_plain(name)}: {_plain(tensor.dtype)}; allowed are {', '.join(_SIZES)}")
        first, last = tensor.data_offsets
        if first != end or last - first != math.prod(tensor.shape) * _SIZES[tensor.dtype]:
            raise _damaged(f"{_plain(name)}: bytes {first} to {last}")
        end = last
    if end != size:
        raise _damaged(f"{size} bytes of tensors instead of {end}")


def _check_tensors(config: TrainConfig, tensors: Mapping[str, _Tensor], vocab: str) -> None:
    """Check that the tensors are the complete state of a run with `config` and these characters.

    Raises:
        RunError: ``checkpoint_vocab``, or ``checkpoint_unlike`` with the first tensor that differs.
    """
    characters = tensors.get(f"{WEIGHTS}dense.bias")
    if characters is not None and (len(set(vocab)), *characters.shape) != (len(vocab), len(vocab)):
        raise RunError(
            "checkpoint_vocab",
            f"The file has weights for {math.prod(characters.shape)} characters and names {len(set(vocab))} different"
            " ones. It was changed after its export; export it again.",
            weights=math.prod(characters.shape),
            characters=len(set(vocab)),
        )
    needed, together = _layouts(config, len(vocab), tensors)
    for group in together:  # the state of an optimiser or of the cells is there completely, or not at all
        if not group.keys().isdisjoint(tensors):
            needed |= group
    for name in dict.fromkeys((*needed, *tensors)):
        found = tensors[name].layout if name in tensors else None
        if found != needed.get(name):
            shown = [_shown(layout) for layout in (found, needed.get(name))]
            raise RunError(
                "checkpoint_unlike",
                f"The weights do not fit the settings of their run: {_plain(name)} is {shown[0]}, not {shown[1]}."
                " The file was changed after its export; export it again.",
                name=_plain(name),
                found=shown[0],
                needed=shown[1],
            )


def _layouts(
    config: TrainConfig, vocab_size: int, tensors: Mapping[str, _Tensor]
) -> tuple[dict[str, _Layout], list[dict[str, _Layout]]]:
    """Return the tensors that a checkpoint must have, and the groups that it may have; see `TrainingState.tensors`."""
    dtype = "F64" if config.precision == "float64" else "F32"
    weights = weight_shapes(config, vocab_size)
    needed: dict[str, _Layout] = {f"{WEIGHTS}{name}": (dtype, shape) for name, shape in weights.items()}
    for name in ("epoch_began_with", *(["dropout"] if config.dropout else [])):
        length = math.prod(tensors[name].shape) if name in tensors else 0
        needed[name] = ("U8", (min(length, _MAX_GENERATOR),))
    directions = 2 if config.bidirectional and config.objective == "next" else 1
    state: _Layout = (dtype, (config.num_layers * directions, config.batch_size, config.num_hiddens))
    groups = [{f"hidden.{index}": state for index in range(len(CELLS[config.cell].states))}]
    if config.optimizer == "adam":
        means = ("exp_avg", "exp_avg_sq")
        for index, shape in enumerate(weights.values()):
            slots: dict[str, _Layout] = {f"adam.{index}.{name}": (dtype, shape) for name in means}
            groups.append({f"adam.{index}.step": ("F32", ()), **slots})
    return needed, groups


def _plain(name: str) -> str:
    """Return a name from a file for a message."""
    return name[:60] if name.isprintable() else ascii(name[:60])


def _shown(layout: _Layout | None) -> str:
    return "-" if layout is None else f"{layout[0]} {list(layout[1])}"


def _damaged(reason: str) -> RunError:
    message = f"This is not a checkpoint that RNN Lab has exported, or it is damaged ({reason})."
    return RunError("checkpoint_damaged", message, reason=reason)
