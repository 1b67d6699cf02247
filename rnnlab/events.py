"""The events of a run: a small closed set of frozen classes with plain numbers and strings.

A run is the sequence of its events; everything that a page shows of a run is computed from them. In events about
something finished, generated or failed, `epoch` and `minibatch` are its number, counting from 1. In events about the
position of a run (started, changed, paused, saved, ended), they are the number of finished epochs and of finished
minibatches in the next epoch. A perplexity that overflows is ``None`` (infinite), while `loss` is finite.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, computed_field, model_validator

from rnnlab.stuck import is_stuck

MAX_LOSS = math.log(1e15)
"""A mean cross-entropy above this is reported as an infinite perplexity, because no chart could show it."""


def perplexity_of(loss: float) -> float | None:
    """Return exp(loss), the perplexity of a mean cross-entropy in nats, or None if it overflows."""
    return math.exp(loss) if loss <= MAX_LOSS else None


_FIELDS_SET: set[str] = set()


class _Event(BaseModel):
    # JSON has no infinities: an event with an infinity could not be read back
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_post_init(self, context: Any) -> None:
        """Share one set of given field names: a set per event takes half its memory, and the app keeps thousands."""
        object.__setattr__(self, "__pydantic_fields_set__", _FIELDS_SET)

    def to_json(self) -> str:
        """Return the event as one line of JSON."""
        return self.model_dump_json()


class RunStarted(_Event):
    """The first event of a run and of each continuation (then `epoch` and `minibatch` are those already finished)."""

    kind: Literal["run_started"] = "run_started"
    epoch: int = 0
    minibatch: int = 0
    num_params: int
    vocab_size: int
    num_chars: int
    num_minibatches: int  # per epoch
    device: str
    versions: dict[str, str] = {}
    num_epochs: int | None = None  # planned; None in runs recorded earlier


class MinibatchFinished(_Event):
    """One parameter update: mean `loss` of the minibatch in nats, and the gradient norm before clipping."""

    kind: Literal["minibatch_finished"] = "minibatch_finished"
    epoch: int
    minibatch: int
    num_minibatches: int
    loss: float
    grad_norm: float | None  # None: not finite
    clipped: bool
    seconds: float
    memory_mb: float | None = None  # of the process; only if the graph grows (detach off)


class EpochFinished(_Event):
    """One pass over the text; norms by layer are ordered from the first layer to the output layer."""

    kind: Literal["epoch_finished"] = "epoch_finished"
    epoch: int
    loss: float  # mean over the targets of the epoch, nats
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
    held_out_perplexity: float | None = None  # on a sample of the held-out text; None: not measured, or infinite

    def after_clipping(self) -> tuple[float, tuple[float, ...]] | None:
        """Return the mean gradient norm after clipping, in total and by layer, or None if it was not recorded."""
        if self.clipped_share == 0:
            return self.grad_norm, self.grad_norm_by_layer
        if self.grad_norm_clipped is None:
            return None
        return self.grad_norm_clipped, self.grad_norm_clipped_by_layer


class TextGenerated(_Event):
    """The text generated from `prefix` after `epoch` epochs; `text` includes the prefix."""

    kind: Literal["text_generated"] = "text_generated"
    epoch: int
    prefix: str
    text: str


class SettingChanged(_Event):
    """A setting changed by the user after `epoch` epochs and `minibatch` minibatches of the next."""

    kind: Literal["setting_changed"] = "setting_changed"
    epoch: int
    minibatch: int
    name: Literal["learning_rate", "clip_norm"]
    value: float | None


class RunPaused(_Event):
    """The run was paused between two minibatches."""

    kind: Literal["run_paused"] = "run_paused"
    epoch: int
    minibatch: int


class RunResumed(_Event):
    """The run continues after a pause."""

    kind: Literal["run_resumed"] = "run_resumed"
    epoch: int
    minibatch: int


class CheckpointSaved(_Event):
    """The state after `epoch` epochs and `minibatch` minibatches of the next was saved in the file `name`.

    `best` means that early stopping keeps it: the held-out perplexity has just become the lowest.
    """

    kind: Literal["checkpoint_saved"] = "checkpoint_saved"
    epoch: int
    minibatch: int
    name: str
    best: bool = False


class Diagnosis(BaseModel):
    """Measurements of a network with fixed weights; computed by `rnnlab.engine.diagnosis`.

    Attributes:
        perplexity: on the training text, with the state carried on between minibatches; None: infinite.
        honest_perplexity: the same, predicting each character only from the characters before it; None: infinite.
        unigram_perplexity: of the best prediction that ignores its input: the frequencies of the predicted
            characters. In runs recorded earlier, the frequencies in the whole training text.
        kl_to_unigram: KL(mean output distribution ‖ these frequencies), in nats.
        sensitivity: how much the output depends on the input: the mean total variation distance, 0 to 1, between an
            output distribution and the mean output distribution.
        held_out_perplexity: on the text after the training text; None: infinite, or there is no such text.
        held_out_chars: number of characters predicted there.
        held_out_unknown: number of characters there that are not in the vocabulary and were left out.
        loss_by_position: in nats, by position in the window of `num_steps`; each window starts from a zero state if the
            sampling does so.
        outputs: (character, mean probability in the output, frequency in the text), the most frequent first.
        grad_norm_by_layer: for one minibatch, before clipping, from the first layer to the output layer.
        denormal_share_by_layer: share of denormal numbers in these gradients without flushing, 0 to 1.
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
    def _drop_stuck(cls, data: Any) -> Any:
        # files contain `stuck` for other readers; here it is always computed from the numbers
        return {name: value for name, value in data.items() if name != "stuck"} if isinstance(data, dict) else data

    @computed_field  # type: ignore[prop-decorator]
    @property
    def stuck(self) -> bool:
        """Whether the network only predicts the character frequencies (see `rnnlab.stuck`)."""
        return is_stuck(self.perplexity, self.unigram_perplexity, self.kl_to_unigram, self.sensitivity)

    @property
    def leak_ratio(self) -> float | None:
        """Honest perplexity ÷ perplexity, or None if either is infinite."""
        if self.perplexity is None or self.honest_perplexity is None:
            return None
        return self.honest_perplexity / self.perplexity

    @property
    def reads_the_answer(self) -> bool:
        """Whether the perplexity more than doubles if the network cannot see what it has to predict."""
        return self.honest_perplexity is None or (self.leak_ratio or 0.0) > 2.0


class Probed(_Event):
    """The diagnosis of the weights after `epoch` epochs."""

    kind: Literal["probed"] = "probed"
    epoch: int
    diagnosis: Diagnosis


class RunFinished(_Event):
    """The last event of a run that finished, at its last epoch or by early stopping, or was stopped.

    `best_epoch` has the lowest held-out perplexity; its weights are kept. None: no early stopping.
    """

    kind: Literal["run_finished"] = "run_finished"
    reason: Literal["finished", "stopped"]
    epoch: int
    minibatch: int
    best_epoch: int | None = None


class RunDiverged(_Event):
    """The last event of a run whose loss became NaN or infinite; `grad_norm` is the last finite one."""

    kind: Literal["run_diverged"] = "run_diverged"
    epoch: int
    minibatch: int
    grad_norm: float | None


class RunFailed(_Event):
    """The last event of a run that failed; `code` is a key of the message catalogue, `message` is English."""

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
    """Parse an event from JSON.

    Raises:
        pydantic.ValidationError: the input is not an event.
    """
    return _adapter.validate_json(text)


def event_from_dict(data: dict[str, Any]) -> Event:
    """Parse an event from plain data.

    Raises:
        pydantic.ValidationError: the input is not an event.
    """
    return _adapter.validate_python(data)
