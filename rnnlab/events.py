"""What a run says: a small closed set of frozen events that hold plain numbers and strings.

A run is the sequence of its events; everything that a page shows of it is computed from them. Where something was
finished, written or went wrong, `epoch` and `minibatch` name that one, counting from 1; where a run stands (started,
changed, paused, saved, ended), they say how many epochs are done, and minibatches of the next. A perplexity that
overflows is ``None`` (infinite) beside the finite `loss`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, computed_field, model_validator

from rnnlab.stuck import is_stuck

MAX_LOSS = math.log(1e15)
"""A mean cross-entropy above this has a perplexity that no chart can use: it is reported as infinite."""


def perplexity_of(loss: float) -> float | None:
    """Return exp(loss), the perplexity of a mean cross-entropy in nats, or None where it overflows."""
    return math.exp(loss) if loss <= MAX_LOSS else None


_NAMED: set[str] = set()


class _Event(BaseModel):
    # JSON has no infinities: what was written could not be read again
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_post_init(self, context: Any) -> None:
        """Forget which fields were named: a set for each takes half an event's memory, and the app keeps thousands."""
        object.__setattr__(self, "__pydantic_fields_set__", _NAMED)

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
    """One pass over the text; norms by layer go from the first layer to the output layer."""

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
    grad_norm_clipped: float | None = None  # the mean after clipping; None: nothing was clipped, or not recorded
    grad_norm_clipped_by_layer: tuple[float, ...] = ()

    def after_clipping(self) -> tuple[float, tuple[float, ...]] | None:
        """Return the mean norm after clipping, of all layers and by layer; None where it was not recorded."""
        if self.clipped_share == 0:
            return self.grad_norm, self.grad_norm_by_layer
        if self.grad_norm_clipped is None:
            return None
        return self.grad_norm_clipped, self.grad_norm_clipped_by_layer


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


class Diagnosis(BaseModel):
    """What a look at frozen weights found; `rnnlab.engine.diagnosis` measures it, a page explains it.

    Attributes:
        perplexity: over the training text, minibatch after minibatch with the state carried on; None: infinite.
        honest_perplexity: the same, each character predicted from the characters before it only; None: infinite.
        unigram_perplexity: of the best prediction that never looks at its input: the frequencies of the characters
            predicted. Of runs recorded earlier, those of the whole training text.
        kl_to_unigram: KL(mean output distribution ‖ those frequencies), nats.
        sensitivity: how far the output moves when the input does: the mean total variation distance, 0 to 1, between
            an output distribution and the mean one.
        held_out_perplexity: on the text after the training text; None: infinite, or there is none.
        held_out_chars: characters predicted there.
        held_out_unknown: characters there that the vocabulary does not have: left out, and counted.
        loss_by_position: nats, by position in the window of `num_steps`, from a zero state where the sampling begins
            each window with one.
        outputs: (character, its mean probability in the output, its frequency in the text), the most frequent first.
        grad_norm_by_layer: of one minibatch, before clipping, from the first layer to the output layer.
        denormal_share_by_layer: the share of denormal numbers among those gradients, with no flushing, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    perplexity: float | None
    honest_perplexity: float | None
    unigram_perplexity: float
    kl_to_unigram: float
    sensitivity: float
    held_out_perplexity: float | None
    held_out_chars: int
    held_out_unknown: int
    loss_by_position: tuple[float, ...] = Field(max_length=512)
    outputs: tuple[tuple[str, float, float], ...] = Field(max_length=50)
    grad_norm_by_layer: tuple[float, ...] = Field(max_length=20)
    denormal_share_by_layer: tuple[float, ...] = Field(max_length=20)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_the_verdict(cls, data: Any) -> Any:
        # files carry the verdict for whoever reads them; here it follows from the numbers, whatever was written
        return {name: value for name, value in data.items() if name != "stuck"} if isinstance(data, dict) else data

    @computed_field  # type: ignore[prop-decorator]
    @property
    def stuck(self) -> bool:
        """Whether it is at the frequencies of the characters, by perplexity, KL and sensitivity."""
        return is_stuck(self.perplexity, self.unigram_perplexity, self.kl_to_unigram, self.sensitivity)

    @property
    def leak_ratio(self) -> float | None:
        """Honest perplexity ÷ perplexity; None where either is infinite."""
        if self.perplexity is None or self.honest_perplexity is None:
            return None
        return self.honest_perplexity / self.perplexity

    @property
    def reads_the_answer(self) -> bool:
        """Whether the network does much worse once it cannot see what it is to predict: a ratio above 2."""
        return self.honest_perplexity is None or (self.leak_ratio or 0.0) > 2.0


class Probed(_Event):
    """What a diagnosis of the weights after `epoch` epochs found."""

    kind: Literal["probed"] = "probed"
    epoch: int
    diagnosis: Diagnosis


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
    | Probed
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
