"""Runs as files: out of the store as JSON, and back in, validated; no torch.

{"format": "rnnlab-run", "version": 1, "name": "A6", "config": {...},
 "made": {"date": "2026-11-21", "versions": {"torch": "2.13.0"}, "seconds": 41.2},
 "corpus": {"name": "lyrics-zh", "vocab_size": 1027, "ladder": {"0": 1027.0, "1": 270.1, ...}},
 "events": [{"kind": "run_started", ...}, ...]}
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RunError
from rnnlab.events import Event, RunDiverged, RunFailed, RunFinished, RunStarted
from rnnlab.runs.store import Store

MAX_BYTES = 20 * 2**20
MAX_EVENTS = 50_000
_LEFT_OUT = ("minibatch_finished", "checkpoint_saved")
_ENDS = (RunFinished, RunDiverged, RunFailed)


class Made(BaseModel):
    """When, with what and for how long a run was trained."""

    model_config = ConfigDict(frozen=True)

    date: str = Field("", max_length=40)
    versions: dict[str, str] = Field({}, max_length=20)
    seconds: float = Field(0.0, ge=0, allow_inf_nan=False)


class CorpusFacts(BaseModel):
    """What is kept of the corpus of a run: never the text."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(max_length=80)
    vocab_size: int = Field(ge=0)
    ladder: dict[int, float] = Field({}, max_length=20)


class Recording(BaseModel):
    """A run as a file holds it; `language` and `title` may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["rnnlab-run"]
    version: Literal[1]
    name: str = Field("", max_length=80)
    based_on: str = Field("", max_length=80)
    language: str = Field("", max_length=10)
    config: TrainConfig
    made: Made
    corpus: CorpusFacts
    events: Annotated[tuple[Event, ...], Field(max_length=MAX_EVENTS)]


def export_run(store: Store, run_id: str) -> dict[str, Any]:
    """Return a run as plain data for a JSON file, without its single minibatches and checkpoints.

    Raises:
        RunError: ``run_unknown``.
    """
    record = store.run(run_id)
    events = [event for _, event in store.events_since(run_id) if event.kind not in _LEFT_OUT]
    # a run that was continued came to an end more than once: only the last one counts
    events = [event for event in events[:-1] if not isinstance(event, _ENDS)] + events[-1:]
    started = [event for event in events if isinstance(event, RunStarted)]
    seconds = sum(float(event.seconds) for event in events if event.kind == "epoch_finished")
    made_at = datetime.datetime.fromtimestamp(record.created_at, datetime.UTC)
    return {
        "format": "rnnlab-run",
        "version": 1,
        "name": record.name,
        "based_on": record.based_on,
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
            "ladder": _ladder(store, record.config),
        },
        "events": [event.model_dump(mode="json") for event in events],
    }


def to_json(data: dict[str, Any]) -> str:
    """Return an exported run as the text of a file, one event a line."""
    head = {key: value for key, value in data.items() if key != "events"}
    lines = ",\n".join(json.dumps(event, ensure_ascii=False) for event in data["events"])
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "events": [\n{lines}\n]\n}}\n'


def import_run(data: str | bytes) -> Recording:
    """Read an exported run.

    Raises:
        RunError: ``import_too_large``, or ``import_invalid`` with the reason.
    """
    if len(data) > MAX_BYTES:
        raise RunError(
            "import_too_large",
            f"An exported run has at most {MAX_BYTES // 2**20} MB.",
            allowed_mb=MAX_BYTES // 2**20,
        )
    try:
        return Recording.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else str(first["msg"])
        raise RunError(
            "import_invalid", f"This is not an exported run ({reason[:200]}).", reason=reason[:200]
        ) from error


def _ladder(store: Store, config: TrainConfig) -> dict[str, float]:
    """Return the n-gram ladder of the training text; empty where the text is no longer here."""
    from rnnlab.text import corpora
    from rnnlab.text.ngrams import ladder

    home: Path = store.path.parent
    try:
        corpus = corpora.load(config.corpus, data_dir=home / "corpora", texts=store.text)
    except CorpusError:
        return {}
    train = corpora.prepare(corpus.text, config.preprocessing, config.num_chars).train
    return {str(order): round(value, 4) for order, value in ladder(train).items()}
