"""Runs as JSON files: exported from the store, and validated when they are imported; no torch.

The format::

{"format": "rnnlab-run", "version": 1, "name": "A6", "title": "", "config": {...},
 "made": {"date": "2026-11-21", "versions": {"torch": "2.13.0"}, "seconds": 41.2},
 "corpus": {"name": "lyrics-zh", "vocab_size": 1027, "ladder": {"0": 1027.0, "1": 270.1, ...}},
 "events": [{"kind": "run_started", ...}, ...]}
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rnnlab.config import MAX_PREFIX, TrainConfig
from rnnlab.errors import ConfigError, CorpusError, RunError
from rnnlab.events import EpochFinished, Event, RunDiverged, RunFailed, RunFinished, RunStarted
from rnnlab.nesting import MAX_DEPTH, too_deep
from rnnlab.runs.store import MAX_TITLE, Queries
from rnnlab.runs.texts import Texts
from rnnlab.text.encodings import unmarked

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_BYTES = 20 * 2**20
MAX_EVENTS = 50_000
MAX_STRING = 4 * MAX_PREFIX + 2_000
"""Longest string in an event, in characters: a generated text after a prefix, whose accents may be characters too."""
MAX_LAYERS = 10
_LEFT_OUT = ("minibatch_finished", "checkpoint_saved")
_ENDS = (RunFinished, RunDiverged, RunFailed)


def _printable(text: str) -> str:
    if text and not text.isprintable():
        raise ValueError("one line of plain text")
    return text


Line = Annotated[str, AfterValidator(_printable)]


class Made(BaseModel):
    """The date, the versions and the duration of a training."""

    model_config = ConfigDict(frozen=True)

    date: Line = Field("", max_length=40)
    versions: dict[str, str] = Field({}, max_length=20)
    seconds: float = Field(0.0, ge=0, le=1e12, allow_inf_nan=False)


class CorpusFacts(BaseModel):
    """The facts in a file about the corpus of a run, without its text."""

    model_config = ConfigDict(frozen=True)

    name: Line = Field(max_length=80)
    vocab_size: int = Field(ge=0, le=2**31)
    ladder: dict[Annotated[int, Field(ge=0, le=20)], Annotated[float, Field(ge=1, le=1e9)]] = Field({}, max_length=20)


class Recording(BaseModel):
    """The content of a file; `language` and `title` may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["rnnlab-run"]
    version: Literal[1]
    name: Line = Field("", max_length=80)
    based_on: Line = Field("", max_length=80)
    title: Line = Field("", max_length=MAX_TITLE)
    language: Line = Field("", max_length=10)
    config: TrainConfig
    made: Made
    corpus: CorpusFacts
    events: Annotated[tuple[Event, ...], Field(max_length=MAX_EVENTS)]

    @model_validator(mode="after")
    def _events_of_one_run(self) -> Recording:
        for number, event in enumerate(self.events):
            if isinstance(event, _ENDS) and number < len(self.events) - 1:
                raise ValueError(f"event {number + 1} ends the run, but other events follow")
            _check(event, self.config)
        return self


def export_run(store: Queries, run_id: str, folders: Sequence[Path] | None = None) -> dict[str, Any]:
    """Return a run as plain data for a JSON file, without the events of minibatches and checkpoints.

    Args:
        store: store with the run.
        run_id: id of the run.
        folders: folders of downloaded corpora, by default in the home of the store; the n-gram ladder is computed from
            the text, and is empty without it.

    Raises:
        RunError: ``run_unknown``.
    """
    record = store.run(run_id)
    events = [event for _, event in store.events_since(run_id) if event.kind not in _LEFT_OUT]
    # a continued run has ended more than once: only the last end is exported
    events = [event for event in events[:-1] if not isinstance(event, _ENDS)] + events[-1:]
    started = [event for event in events if isinstance(event, RunStarted)]
    seconds = sum(float(event.seconds) for event in events if event.kind == "epoch_finished")
    made_at = datetime.datetime.fromtimestamp(record.created_at, datetime.UTC)
    return {
        "format": "rnnlab-run",
        "version": 1,
        "name": record.name,
        "based_on": record.based_on,
        **({"title": record.title} if record.title else {}),  # older versions refuse unknown fields
        "language": record.language,
        "config": json.loads(record.config.to_json()),
        "made": {
            "date": made_at.date().isoformat(),
            "versions": dict(started[-1].versions) if started else {},
            "seconds": round(seconds, 3),
        },
        "corpus": {
            "name": record.config.corpus,
            "vocab_size": started[-1].vocab_size if started else 0,
            "ladder": _ladder(store, record.config, folders or (store.path.parent / "corpora",)),
        },
        "events": [event.model_dump(mode="json") for event in events],
    }


def to_json(data: dict[str, Any]) -> str:
    """Return an exported run as JSON text, one event per line."""
    head = {key: value for key, value in data.items() if key != "events"}
    lines = ",\n".join(json.dumps(event, ensure_ascii=False) for event in data["events"])
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "events": [\n{lines}\n]\n}}\n'


def import_run(data: str | bytes) -> Recording:
    """Parse and validate an exported run.

    Raises:
        RunError: ``import_too_large``, ``json_too_deep``, ``import_not_json``, ``import_format`` (other JSON, or a
            newer version), ``import_events`` (too many), or ``import_invalid`` with the reason.
    """
    text = text_of(data)
    check_depth(text)
    try:
        return Recording.model_validate_json(text)
    except ValidationError as error:
        first, reason = first_error(error)
        if first["type"] == "json_invalid":
            raise RunError("import_not_json", f"This is not JSON ({reason}).", reason=reason) from error
        if first["loc"][:1] in (("format",), ("version",)) or (first["loc"], first["type"]) == ((), "model_type"):
            message = "This is JSON, but not an exported run, or one of a newer version."
            raise RunError("import_format", message) from error
        if first["loc"] == ("events",) and first["type"] == "too_long":
            message = f"An exported run has at most {MAX_EVENTS} events."
            raise RunError("import_events", message, allowed=MAX_EVENTS) from error
        raise RunError("import_invalid", f"This is not an exported run ({reason}).", reason=reason) from error
    except ConfigError as error:  # conflicting settings
        reason = error.message[:200]
        raise RunError("import_invalid", f"This is not an exported run ({reason}).", reason=reason) from error


def first_error(error: ValidationError) -> tuple[ErrorDetails, str]:
    """Return the first error of a validation, and what it says about which part."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"][:6])
    return first, (f"{where}: {first['msg']}" if where else str(first["msg"]))[:200]


def check_depth(text: str | bytes) -> None:
    """Check how deeply JSON is nested, before it is parsed.

    Raises:
        RunError: ``json_too_deep``.
    """
    if too_deep(text):
        raise RunError("json_too_deep", f"JSON is read up to {MAX_DEPTH} levels deep.", allowed=MAX_DEPTH)


def text_of(data: str | bytes) -> str:
    """Return the text of a file that may be an exported run, in the encoding that an editor or a shell gave it.

    Raises:
        RunError: ``import_too_large``.
    """
    if len(data) <= MAX_BYTES:
        return unmarked(data) if isinstance(data, bytes) else data.removeprefix("\ufeff")
    allowed = MAX_BYTES // 2**20
    raise RunError("import_too_large", f"An exported run has at most {allowed} MB.", allowed_mb=allowed)


def _check(event: Event, config: TrainConfig) -> None:
    """Check that an event is valid for a run and can be shown on a page: bounded numbers, short texts.

    Raises:
        ValueError: with the reason.
    """
    _check_value(event.kind, event.model_dump())
    epoch = getattr(event, "epoch", 0)
    if not 0 <= epoch <= config.num_epochs + 1:
        raise ValueError(f"{event.kind}: epoch {epoch} of {config.num_epochs}")
    if isinstance(event, RunFailed) and any(isinstance(value, dict | list) for value in event.params.values()):
        raise ValueError("run_failed: params must be numbers and texts")
    if isinstance(event, EpochFinished):
        layers = max(len(event.grad_norm_by_layer), len(event.grad_norm_clipped_by_layer))
        if event.epoch < 1 or layers > MAX_LAYERS:
            raise ValueError("epoch_finished: epochs count from 1, and there are at most 10 layers")
        if event.loss < 0 or (event.perplexity or 1.0) < 1 - 1e-6 or event.seconds < 0:
            raise ValueError("epoch_finished: loss and seconds are at least 0, perplexity at least 1")


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, entry in value.items():
            _check_value(f"{name}.{key}"[:60], entry)
        if len(value) > 40:
            raise ValueError(f"{name} has too many entries")
    elif isinstance(value, list | tuple):
        for entry in value:
            _check_value(name, entry)
    elif isinstance(value, str):
        if len(value) > MAX_STRING:
            raise ValueError(f"{name} is too long")
    elif isinstance(value, int | float) and abs(value) > (2**53 if isinstance(value, int) else 1e300):
        raise ValueError(f"{name} is too large")


def _ladder(store: Queries, config: TrainConfig, folders: Sequence[Path]) -> dict[str, float]:
    """Return the n-gram ladder of the training text; empty if the text is not on this machine."""
    from rnnlab.text.ngrams import ladder

    try:
        train = Texts(folders, store).prepared(config).train
    except CorpusError:
        return {}
    return {str(order): round(value, 4) for order, value in ladder(train).items()}
