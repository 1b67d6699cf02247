"""What a run says: a small closed set of frozen events that hold plain numbers and strings.

A run is the sequence of its events; everything that a page shows of it is computed from them. Where something was
finished, written or went wrong, `epoch` and `minibatch` name that one, counting from 1; where a run stands (started,
changed, paused, saved, ended), they say how many epochs are done, and minibatches of the next. A perplexity that
overflows is ``None`` (infinite) beside the finite `loss`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MAX_LOSS = math.log(1e15)
"""A mean cross-entropy above this has a perplexity that no chart can use: it is reported as infinite."""


def perplexity_of(loss: float) -> float | None:
    """Return exp(loss), the perplexity of a mean cross-entropy in nats, or None where it overflows."""
    return math.exp(loss) if loss <= MAX_LOSS else None


class _Event(BaseModel):
    # JSON has no infinities: what was written could not be read again
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        return self.model_dump_json()


class RunStarted(_Event):
    """The first event, also of each continuation (then with `epoch` and `minibatch` already done)."""

    kind: Literal["run_started"] = "run_started"
    epoch: int = 0
    minibatch: int = 0
    num_params: int
    vocab_size: int
    num_chars: int
    num_minibatches: int  # in an epoch
    device: str
    versions: dict[str, str] = {}


class MinibatchFinished(_Event):
    """One update: the mean `loss` (nats) of minibatch `minibatch`, the gradient norm before clipping."""

    kind: Literal["minibatch_finished"] = "minibatch_finished"
    epoch: int
    minibatch: int
    num_minibatches: int
    loss: float
    grad_norm: float | None  # None: not finite
    clipped: bool
    seconds: float
    memory_mb: float | None = None  # of the process, where the graph grows (detach off)


class EpochFinished(_Event):
    """One pass over the text; `grad_norm_by_layer` goes from the first layer to the output layer."""

    kind: Literal["epoch_finished"] = "epoch_finished"
    epoch: int
    loss: float  # mean over the epoch's targets, nats
    perplexity: float | None  # exp(loss); None: infinite
    seconds: float
    num_tokens: int
    learning_rate: float
    clip_norm: float | None
    grad_norm: float  # mean over the minibatches, before clipping
    grad_norm_max: float
    clipped_share: float  # of the minibatches, 0 to 1
    grad_norm_by_layer: tuple[float, ...] = ()


class TextGenerated(_Event):
    """What the network writes from `prefix` after `epoch` epochs; `text` begins with the prefix."""

    kind: Literal["text_generated"] = "text_generated"
    epoch: int
    prefix: str
    text: str


class SettingChanged(_Event):
    """A setting changed by hand after `epoch` epochs and `minibatch` minibatches of the next one."""

    kind: Literal["setting_changed"] = "setting_changed"
    epoch: int
    minibatch: int
    name: Literal["learning_rate", "clip_norm"]
    value: float | None


class RunPaused(_Event):
    """The run waits between two minibatches."""

    kind: Literal["run_paused"] = "run_paused"
    epoch: int
    minibatch: int


class RunResumed(_Event):
    """The run goes on after a pause."""

    kind: Literal["run_resumed"] = "run_resumed"
    epoch: int
    minibatch: int


class CheckpointSaved(_Event):
    """The whole state after `epoch` epochs and `minibatch` minibatches of the next one lies in the file `name`."""

    kind: Literal["checkpoint_saved"] = "checkpoint_saved"
    epoch: int
    minibatch: int
    name: str


class RunFinished(_Event):
    """The last event of a run that came to its end or was stopped."""

    kind: Literal["run_finished"] = "run_finished"
    reason: Literal["finished", "stopped"]
    epoch: int
    minibatch: int


class RunDiverged(_Event):
    """The last event of a run whose loss became NaN or infinite; `grad_norm` is the last finite one."""

    kind: Literal["run_diverged"] = "run_diverged"
    epoch: int
    minibatch: int
    grad_norm: float | None


class RunFailed(_Event):
    """The last event of a run that broke; `code` is a key of the message catalogue, `message` plain English."""

    kind: Literal["run_failed"] = "run_failed"
    code: str
    message: str
    params: dict[str, Any] = {}


Event = Annotated[
    RunStarted
    | MinibatchFinished
    | EpochFinished
    | TextGenerated
    | SettingChanged
    | RunPaused
    | RunResumed
    | CheckpointSaved
    | RunFinished
    | RunDiverged
    | RunFailed,
    Field(discriminator="kind"),
]

_adapter: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(text: str | bytes) -> Event:
    """Read one event from JSON.

    Raises:
        pydantic.ValidationError: not an event.
    """
    return _adapter.validate_json(text)


def event_from_dict(data: dict[str, Any]) -> Event:
    """Read one event from plain data.

    Raises:
        pydantic.ValidationError: not an event.
    """
    return _adapter.validate_python(data)
