"""The training loop: takes minibatches and yields events.

`train` is a generator. Its consumer decides what to do with the events, and can end the run by not requesting the next
event. At every event, `TrainingState` holds the complete state of the run. It can be saved and restored; the run then
continues with the next minibatch, bit for bit.

As in the book: the loss of a minibatch is its mean cross-entropy; perplexity is exp of the mean over an epoch; a
gradient g with a norm above θ is clipped, g ← min(1, θ / ‖g‖) g, where ‖g‖ is the norm over all parameters; SGD then
takes the step -η g. Weight decay λ shrinks the weights by the factor 1 - η λ before the step, with either optimiser, so
that clipping and Adam's scaling do not act on it. A schedule multiplies η by a factor that depends on the position.

Source: *Dive into Deep Learning*, 1st edition 6.4.5-6.4.7 (perplexity, clipping, training), 2nd edition 9.5-9.7.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnlab.config import TrainConfig
from rnnlab.engine import parts, periods, schedule
from rnnlab.engine.adam import Adam
from rnnlab.engine.cells import State
from rnnlab.engine.control import Control, SettingName
from rnnlab.engine.dropout import Dropout
from rnnlab.engine.generation import generate
from rnnlab.engine.held_out import HeldOut
from rnnlab.engine.minibatch import epoch_minibatches, num_minibatches
from rnnlab.engine.model import LanguageModel, num_parameters
from rnnlab.engine.patience import Patience
from rnnlab.events import (
    EpochFinished,
    Event,
    MinibatchFinished,
    RunDiverged,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SettingChanged,
    TextGenerated,
    perplexity_of,
)
from rnnlab.inference.shapes import WEIGHTS
from rnnlab.text.preparation import check_counts, check_held_out
from rnnlab.text.vocab import Vocab


@dataclass
class Tally:
    """Running sums of the current epoch."""

    loss_sum: float = 0.0  # over the targets, nats
    num_tokens: int = 0
    seconds: float = 0.0
    num_clipped: int = 0
    grad_norm_sum: float = 0.0
    grad_norm_max: float = 0.0
    layer_norm_sums: list[float] = field(default_factory=list)
    clipped_norm_sum: float = 0.0  # after clipping
    clipped_layer_norm_sums: list[float] = field(default_factory=list)


class TrainingState:
    """The complete state of a run: weights, optimiser, random state, position, and settings changed during the run.

    Attributes:
        layers: the parameters of each layer, see `LanguageModel.layer_parameters`.
        epoch: number of finished epochs.
        minibatch: number of finished minibatches in the current epoch.
        hidden: recurrent state to carry into the next minibatch; None: zero.
        patience: the lowest held-out perplexity so far, and when early stopping ends the run.
    """

    def __init__(self, model: LanguageModel, config: TrainConfig) -> None:
        self.model = model
        self.config = config
        self.layers = model.layer_parameters()
        self.parameters: list[Tensor] = list(model.parameters())
        self.adam = Adam(self.parameters) if config.optimizer == "adam" else None
        self.dropout = Dropout(config.dropout, config.random_seed) if config.dropout else None
        self.generator = torch.Generator().manual_seed(config.random_seed)
        self.epoch_began_with = self.generator.get_state()
        self.epoch = 0
        self.minibatch = 0
        self.hidden: State | None = None
        self.learning_rate = config.learning_rate
        self.clip_norm = config.clip_norm
        self.last_grad_norm: float | None = None
        self.texts_due = periods.generates(config, 0)
        self.tally = Tally()
        self.patience = Patience(config.early_stopping)

    @property
    def is_best(self) -> bool:
        """Return whether early stopping keeps these weights: the held-out perplexity has just become the lowest."""
        return bool(self.patience.limit) and self.minibatch == 0 and self.epoch == self.patience.epoch

    @classmethod
    def begin(cls, model: LanguageModel, config: TrainConfig) -> TrainingState:
        """Return the state of a new run with the current weights of `model`."""
        return cls(model, config)

    @property
    def restorable(self) -> bool:
        """Return whether a run restored from this state continues exactly.

        Without detaching, the graph reaches back to the start of the epoch, so only states between epochs do.
        """
        return self.config.detach or self.minibatch == 0

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors of the state by name, for a checkpoint; they are not copied."""
        tensors = {f"{WEIGHTS}{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.adam is not None:
            for index, slots in self.adam.slots.items():
                tensors |= {f"adam.{index}.{name}": tensor for name, tensor in slots.items()}
        tensors |= {f"hidden.{index}": tensor for index, tensor in enumerate(self.hidden or ())}
        tensors["epoch_began_with"] = self.epoch_began_with
        if self.dropout is not None:
            tensors["dropout"] = self.dropout.generator.get_state()
        return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}

    def metadata(self) -> dict[str, str]:
        """Return the other values of the state as exact JSON."""
        names = ("epoch", "minibatch", "learning_rate", "clip_norm", "last_grad_norm", "texts_due")
        values = {name: getattr(self, name) for name in names} | {"tally": asdict(self.tally)}
        if self.patience.limit:
            values["patience"] = asdict(self.patience)
        return {name: json.dumps(value) for name, value in values.items()}

    @classmethod
    def restore(
        cls, model: LanguageModel, config: TrainConfig, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
    ) -> TrainingState:
        """Rebuild the state from a checkpoint.

        Args:
            model: a model of the same configuration; its weights are overwritten.
            config: configuration of the run; `num_epochs` may be larger than before.
            tensors: the tensors of the checkpoint, see `tensors`.
            metadata: the other values of the checkpoint, see `metadata`.
        """
        state = cls(model, config)
        with torch.no_grad():
            model.load_state_dict(_Group(tensors, WEIGHTS.rstrip(".")))
        if state.adam is not None:
            indices = {name.partition(".")[0] for name in _Group(tensors, "adam")}
            state.adam.load({int(index): _Group(tensors, f"adam.{index}") for index in indices})
        values = {name: json.loads(value) for name, value in metadata.items()}
        state.epoch, state.minibatch = int(values["epoch"]), int(values["minibatch"])
        state.learning_rate, state.clip_norm = values["learning_rate"], values["clip_norm"]
        state.last_grad_norm, state.texts_due = values["last_grad_norm"], bool(values["texts_due"])
        state.tally = Tally(**values["tally"])
        if "patience" in values:
            state.patience = Patience(**values["patience"])
        device = model.dense.weight.device
        hidden = sorted(_Group(tensors, "hidden").items())
        state.hidden = tuple(tensor.to(device, copy=True) for _, tensor in hidden) or None
        state.epoch_began_with = tensors["epoch_began_with"].clone()
        state.generator.set_state(state.epoch_began_with)
        if state.dropout is not None:
            state.dropout.generator.set_state(tensors["dropout"].clone())
        return state


def prepare_thread(config: TrainConfig) -> None:
    """Configure torch in this process for training: denormal numbers, precision of products, and one thread.

    An operation is not divided among threads; `rnnlab.engine.parts` divides the work of a minibatch.
    """
    torch.set_num_threads(1)
    parts.prepare(config.flush_denormal)
    torch.set_float32_matmul_precision("medium" if config.precision == "fast" else "highest")


def train(
    state: TrainingState,
    vocab: Vocab,
    indices: Tensor | Sequence[int],
    control: Control | None = None,
    clock: Callable[[], float] = time.perf_counter,
    held_out: str = "",
) -> Iterator[Event]:
    """Train from the position of `state` to the last epoch and yield the events of the run.

    Yields `RunStarted`; for each epoch its `MinibatchFinished` and `EpochFinished`; `TextGenerated` for each prefix
    after the epochs of `rnnlab.engine.periods`, beginning with the untrained network; `SettingChanged`, `RunPaused` and
    `RunResumed` on requests of `control`; finally `RunFinished`, at the last epoch or when early stopping ends the run,
    or `RunDiverged` if the loss is not finite.

    Args:
        state: state of the run; it is updated in place and is complete at every event.
        vocab: vocabulary of the text.
        indices: the text, (length,).
        control: requests that are applied between two minibatches.
        clock: clock for the seconds in the events.
        held_out: passages of the held-out text, see `rnnlab.text.preparation.for_sample`; the perplexity on them is
            measured every `held_out_period` epochs.

    Raises:
        CorpusError: the text is too short for one minibatch, has only one distinct character, or leaves no held-out
            text for early stopping.
        PrefixError: a prefix has a character outside the vocabulary; raised before training starts.
    """
    config, model = state.config, state.model
    control = control or Control()
    device = model.dense.weight.device
    indices = torch.as_tensor(indices, dtype=torch.long).to(device)
    per_epoch = num_minibatches(len(indices), config)
    if config.num_epochs > 0:
        check_counts(len(indices), len(vocab), config, vocab.idx_to_token[0])
    for prefix in config.prefixes:
        vocab.encode_prefix(prefix)

    check_held_out(held_out, vocab.token_to_idx, config)
    measure = HeldOut(held_out, vocab, config, device)
    yield RunStarted(
        epoch=state.epoch,
        minibatch=state.minibatch,
        num_params=num_parameters(model.parameters()),
        vocab_size=len(vocab),
        num_chars=len(indices),
        num_minibatches=per_epoch,
        device=device.type,
        versions={"torch": torch.__version__},
        num_epochs=config.num_epochs,
    )
    if state.texts_due:
        yield from _generate_texts(state, vocab)
    while state.epoch < config.num_epochs and not state.patience.exhausted:
        if state.minibatch == 0:
            _begin_epoch(state)
        backprop = _TruncatedBackprop(state) if config.detach else _FullBackprop(state)
        count, minibatches = epoch_minibatches(indices, config, state.generator)
        for X, Y in islice(minibatches, state.minibatch, None):
            yield from _apply_control(control, state)
            if control.stopping:
                yield _ending(state, "stopped")
                return
            event = _minibatch(state, backprop, X, Y, count, clock)
            yield event
            if isinstance(event, RunDiverged):
                return
            control.finished("minibatch")
        yield _finish_epoch(state, measure)
        if not _weights_are_finite(state.parameters):  # after the last update; no text can be sampled from them
            yield RunDiverged(epoch=state.epoch, minibatch=count, grad_norm=state.last_grad_norm)
            return
        if state.texts_due:
            yield from _generate_texts(state, vocab)
        if periods.ends_period(config, state.epoch):
            control.finished("period")
        control.finished("epoch")
    yield _ending(state, "finished")


def _ending(state: TrainingState, reason: Literal["finished", "stopped"]) -> RunFinished:
    best = state.patience.epoch if state.patience.limit else None
    return RunFinished(reason=reason, epoch=state.epoch, minibatch=state.minibatch, best_epoch=best)


def _apply_control(control: Control, state: TrainingState) -> Iterator[Event]:
    """Apply the requests of `control` between two minibatches; wait while the run is paused."""
    position = {"epoch": state.epoch, "minibatch": state.minibatch}
    control.poll()
    waiting = False
    while True:
        while (setting := control.take_setting()) is not None:
            name, value = setting
            _change_setting(state, name, value)
            yield SettingChanged(**position, name=name, value=value)
        if control.stopping or not control.paused:
            break
        if not waiting:
            waiting = True
            yield RunPaused(**position)
            continue  # a request may have arrived while the event was handled
        control.wait()
    if waiting and not control.stopping:
        yield RunResumed(**position)


def _change_setting(state: TrainingState, name: SettingName, value: float | None) -> None:
    if name == "clip_norm":
        state.clip_norm = value
    elif value is not None:
        state.learning_rate = value


def _begin_epoch(state: TrainingState) -> None:
    zeros = [0.0] * len(state.layers)
    state.tally = Tally(layer_norm_sums=zeros, clipped_layer_norm_sums=zeros)
    if not state.config.carry_state:
        state.hidden = None


def _minibatch(
    state: TrainingState,
    backprop: _TruncatedBackprop,
    X: Tensor,
    Y: Tensor,
    num_in_epoch: int,
    clock: Callable[[], float],
) -> MinibatchFinished | RunDiverged:
    """Train on one minibatch, X and Y (batch_size, num_steps)."""
    started = clock()
    loss = backprop.backward(X, Y)
    layer_norms = _layer_norms(state.layers)
    grad_norm = math.hypot(*layer_norms)
    if not math.isfinite(loss):
        return RunDiverged(epoch=state.epoch + 1, minibatch=state.minibatch + 1, grad_norm=state.last_grad_norm)
    clipped = state.clip_norm is not None and grad_norm > state.clip_norm
    scale = state.clip_norm / grad_norm if clipped and state.clip_norm else 1.0  # min(1, θ / ‖g‖)
    _update(state, scale, rate(state, num_in_epoch))
    seconds = clock() - started

    tally = state.tally
    tally.loss_sum += loss * Y.numel()
    tally.num_tokens += Y.numel()
    tally.seconds += seconds
    tally.num_clipped += clipped
    if math.isfinite(grad_norm):
        state.last_grad_norm = grad_norm
        tally.grad_norm_sum += grad_norm
        tally.grad_norm_max = max(tally.grad_norm_max, grad_norm)
        tally.layer_norm_sums = [a + b for a, b in zip(tally.layer_norm_sums, layer_norms, strict=True)]
        tally.clipped_norm_sum += scale * grad_norm
        # checkpoints of older versions do not have this sum
        before = tally.clipped_layer_norm_sums or [0.0] * len(layer_norms)
        tally.clipped_layer_norm_sums = [a + scale * b for a, b in zip(before, layer_norms, strict=True)]
    state.minibatch += 1
    return MinibatchFinished(
        epoch=state.epoch + 1,
        minibatch=state.minibatch,
        num_minibatches=num_in_epoch,
        loss=loss,
        grad_norm=grad_norm if math.isfinite(grad_norm) else None,
        clipped=clipped,
        seconds=seconds,
    )


def _finish_epoch(state: TrainingState, measure: HeldOut) -> EpochFinished:
    config, tally, n = state.config, state.tally, state.minibatch
    state.epoch += 1
    state.minibatch = 0
    state.epoch_began_with = state.generator.get_state()  # of the next epoch
    held_out = measure.perplexity(state.model, state.epoch)
    if measure.due(state.epoch):
        state.patience.measured(state.epoch, held_out)
    state.texts_due = periods.generates(config, state.epoch) or state.patience.exhausted
    loss = tally.loss_sum / tally.num_tokens
    return EpochFinished(
        epoch=state.epoch,
        loss=loss,
        perplexity=perplexity_of(loss),
        seconds=tally.seconds,
        num_tokens=tally.num_tokens,
        learning_rate=state.learning_rate * schedule.factor(config, state.epoch),
        clip_norm=state.clip_norm,
        grad_norm=tally.grad_norm_sum / n,
        grad_norm_max=tally.grad_norm_max,
        clipped_share=tally.num_clipped / n,
        grad_norm_by_layer=tuple(norm / n for norm in tally.layer_norm_sums),
        grad_norm_clipped=tally.clipped_norm_sum / n if tally.num_clipped else None,
        grad_norm_clipped_by_layer=tuple(norm / n for norm in tally.clipped_layer_norm_sums)
        if tally.num_clipped
        else (),
        held_out_perplexity=held_out,
    )


def _generate_texts(state: TrainingState, vocab: Vocab) -> Iterator[Event]:
    config = state.config
    for prefix in config.prefixes:
        text = generate(
            state.model,
            vocab,
            prefix,
            config.num_preds if state.patience.exhausted else periods.length(config, state.epoch),
            decoding=config.decoding,
            temperature=config.temperature,
            top_k=config.top_k,
            seed=config.random_seed + state.epoch,
        )
        yield TextGenerated(epoch=state.epoch, prefix=vocab.spelled(prefix), text=text)
    state.texts_due = False


class _TruncatedBackprop:
    """Truncated backpropagation: the graph ends at the start of the minibatch."""

    def __init__(self, state: TrainingState) -> None:
        self.state = state
        self.consecutive = state.config.sampling == "consecutive"

    def backward(self, X: Tensor, Y: Tensor) -> float:
        """Store the gradient of the mean cross-entropy of a minibatch in the parameters; return the loss in nats."""
        model = self.state.model
        hidden = self.state.hidden if self.consecutive else None
        with model.dropping(self.state.dropout):
            loss, last = model.loss(X, Y, hidden or model.begin_state(len(X)))
        for parameter in self.state.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self.consecutive:
            self.state.hidden = tuple(tensor.detach() for tensor in last)
        return loss.item()


class _FullBackprop(_TruncatedBackprop):
    """Backpropagation through the whole epoch: the growing graph reaches back to its first minibatch.

    Each minibatch runs on its own copy of the weights, because the graph of the previous minibatches still needs the
    weights that they used; the gradient is the sum over all copies.
    """

    def __init__(self, state: TrainingState) -> None:
        super().__init__(state)
        self.copies: list[dict[str, Tensor]] = []
        self.hidden = state.hidden

    def backward(self, X: Tensor, Y: Tensor) -> float:
        """Store the gradient through all minibatches of the epoch so far in the parameters; return the loss in nats."""
        model = self.state.model
        self.copies.append({name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()})
        hidden = self.hidden or model.begin_state(len(X))
        with model.dropping(self.state.dropout):
            logits, self.hidden = torch.func.functional_call(model, self.copies[-1], (X, hidden, Y))
        loss = functional.cross_entropy(logits, Y.t().flatten())
        leaves = [copy for copies in self.copies for copy in copies.values()]
        grads = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
        parameters = self.state.parameters
        for index, parameter in enumerate(parameters):
            through = [grad for grad in grads[index :: len(parameters)] if grad is not None]
            parameter.grad = torch.stack(through).sum(0)
        assert self.hidden is not None
        self.state.hidden = tuple(tensor.detach() for tensor in self.hidden)
        return loss.item()


def _layer_norms(layers: list[list[nn.Parameter]]) -> list[float]:
    """Return the gradient norm of each layer, the output layer last."""
    grads: list[Any] = [parameter.grad for layer in layers for parameter in layer]  # each has one
    it = iter(torch.stack(torch._foreach_norm(grads)).tolist())
    return [math.hypot(*islice(it, len(layer))) for layer in layers]


@torch.no_grad()
def _update(state: TrainingState, scale: float, learning_rate: float) -> None:
    """Update the parameters with the gradient times `scale`, which is below 1 if the gradient is clipped."""
    parameters = state.parameters
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if state.config.weight_decay:
        matrices = [parameter for parameter in parameters if parameter.ndim > 1]
        torch._foreach_mul_(matrices, 1 - learning_rate * state.config.weight_decay)
    if state.adam is None:
        step = -learning_rate * scale
        parts.compute(lambda share: torch._foreach_add_(*share[1], alpha=step), parts.shares(parameters, grads))
        return
    if scale != 1.0:
        torch._foreach_mul_(grads, scale)
    state.adam.step(learning_rate)


def rate(state: TrainingState, num_in_epoch: int) -> float:
    """Return the learning rate of the next minibatch, of `num_in_epoch` in an epoch: as set, times the schedule."""
    return state.learning_rate * schedule.factor(state.config, state.epoch + state.minibatch / num_in_epoch)


def _weights_are_finite(parameters: list[Tensor]) -> bool:
    norms = torch.stack(torch._foreach_norm(parameters))
    return bool(norms.isfinite().all())


class _Group(Mapping[str, Tensor]):
    """The tensors below a prefix, read one at a time, so that the file is never in memory as a whole."""

    def __init__(self, tensors: Mapping[str, Tensor], prefix: str) -> None:
        self._tensors, self._prefix = tensors, f"{prefix}."
        self._names = [name.removeprefix(self._prefix) for name in tensors if name.startswith(self._prefix)]

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
