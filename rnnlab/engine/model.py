"""Depth, direction, scratch or library: the recurrent layers and the output layer, as one language model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnlab.config import TrainConfig
from rnnlab.engine.cells import CELLS, RNN, Cell, State
from rnnlab.engine.output import output_loss
from rnnlab.engine.sequence import run_library_sequence, run_sequence
from rnnlab.errors import ConfigError


class LanguageModel(nn.Module):
    """Predict, at every time step, the next character: O_t = H_t W_hq + b_q on top of the recurrent layers.

    W_hq is the transpose of `dense.weight`, b_q is `dense.bias`.

    Args:
        config: cell, implementation, depth, direction and size.
        vocab_size: number of distinct characters.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.num_states = CELLS[config.cell].num_states
        directions = 2 if config.bidirectional else 1
        self.state_shape = (config.num_layers * directions, config.num_hiddens)
        layers = ScratchLayers if config.implementation == "scratch" else LibraryLayers
        self.recurrent: nn.Module = layers(config, vocab_size)
        self.dense = nn.Linear(directions * config.num_hiddens, vocab_size)

    def begin_state(self, batch_size: int) -> State:
        """Return the zero state: each tensor (num_layers · directions, batch_size, num_hiddens)."""
        depth, num_hiddens = self.state_shape
        return tuple(self.dense.weight.new_zeros(depth, batch_size, num_hiddens) for _ in range(self.num_states))

    def forward(self, X: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the logits of the next characters and the last state.

        Args:
            X: characters (batch_size, num_steps).
            state: as `begin_state` returns it.

        Returns:
            Logits (num_steps · batch_size, vocab_size), time step by time step, so that ``Y.t().flatten()`` are their
            targets; and the state to carry on.
        """
        H, state = self.recurrent(X.t(), state)
        return self.dense(H.flatten(0, 1)), state

    def loss(self, X: Tensor, Y: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the mean cross-entropy of the targets Y (batch_size, num_steps) in nats, and the last state.

        The same as ``cross_entropy(forward(X, state)[0], Y.t().flatten())``, faster.
        """
        H, state = self.recurrent(X.t(), state)
        return output_loss(self.dense, H.flatten(0, 1), Y.t().flatten()), state

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters layer by layer, both directions of a layer together, the output layer last."""
        recurrent: list[list[nn.Parameter]] = self.recurrent.layer_parameters()  # type: ignore[operator]
        return [*recurrent, list(self.dense.parameters())]


class ScratchLayers(nn.Module):
    """Layers of cells written from their equations, stacked and run in one or both directions.

    Args:
        readable: walk the cells step by step as they are written, instead of by `rnnlab.engine.sequence`.
    """

    def __init__(self, config: TrainConfig, vocab_size: int, readable: bool = False) -> None:
        super().__init__()
        self.directions = 2 if config.bidirectional else 1
        self.vocab_size = vocab_size
        self.readable = readable
        self.cells = nn.ModuleList()
        for layer in range(config.num_layers):
            num_inputs = vocab_size if layer == 0 else self.directions * config.num_hiddens
            for _ in range(self.directions):
                self.cells.append(_new_cell(config, num_inputs))

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the last layer's H (T, B, directions · num_hiddens) and the last state of every cell.

        Args:
            inputs: characters (T, B).
            state: tensors (num_layers · directions, B, num_hiddens), the backward cell after the forward one.
        """
        H = inputs
        last_states: list[State] = []
        for first in range(0, len(self.cells), self.directions):
            outputs = []
            for direction in range(self.directions):
                cell, begin = self.cells[first + direction], tuple(S[first + direction] for S in state)
                assert isinstance(cell, Cell)
                if direction == 0:
                    output, last = self._run(cell, H, begin)
                else:  # from the last time step to the first
                    output, last = self._run(cell, H.flip(0), begin)
                    output = output.flip(0)
                outputs.append(output)
                last_states.append(last)
            H = outputs[0] if self.directions == 1 else torch.cat(outputs, dim=2)
        return H, tuple(torch.stack(tensors) for tensors in zip(*last_states, strict=True))

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters layer by layer."""
        return [
            [parameter for cell in self.cells[first : first + self.directions] for parameter in cell.parameters()]
            for first in range(0, len(self.cells), self.directions)
        ]

    def _run(self, cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        if not self.readable:
            return run_sequence(cell, inputs, state)
        if inputs.dtype == torch.long:
            inputs = functional.one_hot(inputs, self.vocab_size).to(cell.W_x.dtype)
        outputs, last = cell(inputs, state)
        return outputs, last


class LibraryLayers(nn.Module):
    """The framework's own layers, `torch.nn.RNN`, `GRU` and `LSTM`, on one-hot rows.

    They hold the weights and define what is computed. A one-hot input uses only the columns of the input weights that
    belong to the characters of the minibatch, so the layers are given just those: the same values with fewer products.
    On a processor `rnnlab.engine.sequence` walks their weights, which gives the same values (tested to 1e-5) sooner; on
    an accelerator the framework's own kernels run.

    Args:
        readable: call the framework's layers themselves on a processor too.
    """

    def __init__(self, config: TrainConfig, vocab_size: int, readable: bool = False) -> None:
        super().__init__()
        self.num_layers = config.num_layers
        self.directions = 2 if config.bidirectional else 1
        self.cell = config.cell
        self.relu = config.activation == "relu"
        self.readable = readable
        options: dict[str, Any] = {"num_layers": config.num_layers, "bidirectional": config.bidirectional}
        if config.cell == "rnn":
            options["nonlinearity"] = config.activation
        kind: Any = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[config.cell]
        self.layers: nn.RNNBase = kind(vocab_size, config.num_hiddens, **options)
        self.vocab_size = vocab_size
        self.input_weights = [name for name, _ in self.layers.named_parameters() if name.startswith("weight_ih_l0")]

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the last layer's H (T, B, directions · num_hiddens) and the last state of every layer.

        Args:
            inputs: characters (T, B).
            state: tensors (num_layers · directions, B, num_hiddens).
        """
        if not self.readable and inputs.device.type == "cpu":
            return self._walk(inputs, state)
        present, positions = torch.unique(inputs, return_inverse=True)
        weights = {name: getattr(self.layers, name).index_select(1, present) for name in self.input_weights}
        rows = functional.one_hot(positions, len(present)).to(state[0].dtype)
        hidden = state if len(state) == 2 else state[0]
        self.layers.input_size = len(present)  # the layer checks its input against this
        try:
            H, last = torch.func.functional_call(self.layers, weights, (rows, hidden))
        finally:
            self.layers.input_size = self.vocab_size
        return H, last if isinstance(last, tuple) else (last,)

    def _walk(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        H = inputs
        last_states: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(("", "_reverse")[: self.directions]):
                names = (f"{name}_l{layer}{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
                W_ih, W_hh, b_ih, b_hh = (getattr(self.layers, name) for name in names)
                begin = tuple(S[layer * self.directions + direction] for S in state)
                sequence = H.flip(0) if direction else H
                output, last = run_library_sequence(self.cell, sequence, (W_ih, W_hh, b_ih, b_hh), begin, self.relu)
                last_states.append(last)
                outputs.append(output.flip(0) if direction else output)
            H = outputs[0] if self.directions == 1 else torch.cat(outputs, dim=2)
        return H, tuple(torch.stack(tensors) for tensors in zip(*last_states, strict=True))

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters layer by layer."""
        named = list(self.layers.named_parameters())
        return [[p for name, p in named if f"_l{layer}" in name] for layer in range(self.num_layers)]


def build_model(config: TrainConfig, vocab_size: int) -> LanguageModel:
    """Build the model of `config` with weights drawn from its random seed: same seed, same weights.

    Raises:
        ConfigError: the device that was asked for is not there.
    """
    device = resolve_device(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.random_seed)
        model = LanguageModel(config, vocab_size)
        for name, parameter in model.named_parameters():
            fan_in = model.dense.in_features if name.startswith("dense") else config.num_hiddens
            _initialize(parameter, config, name, fan_in)
    return model.to(device=device, dtype=torch.float64 if config.precision == "float64" else torch.float32)


def resolve_device(config: TrainConfig) -> torch.device:
    """Return the device that `config` asks for; "auto" takes an accelerator only for networks large enough to gain.

    Raises:
        ConfigError: that device is not there.
    """
    available = ["cpu"]
    if torch.cuda.is_available():
        available.append("cuda")
    if torch.backends.mps.is_available():
        available.append("mps")
    if config.device == "auto":
        # below this size the processor is done before the accelerator has been told what to do
        large = config.num_hiddens * config.batch_size >= 512 * 128
        return torch.device(available[-1] if large else "cpu")
    if config.device not in available:
        allowed = ", ".join([*available, "auto"])
        raise ConfigError(
            "device_missing",
            f"device cannot be {config.device!r} on this machine; allowed: {allowed}.",
            field="device",
            value=config.device,
            allowed=allowed,
        )
    return torch.device(config.device)


def num_parameters(parameters: Iterable[nn.Parameter]) -> int:
    """Count the numbers in `parameters`."""
    return sum(parameter.numel() for parameter in parameters)


def _new_cell(config: TrainConfig, num_inputs: int) -> Cell:
    if config.cell == "rnn":
        return RNN(num_inputs, config.num_hiddens, config.activation)
    return CELLS[config.cell](num_inputs, config.num_hiddens)


@torch.no_grad()
def _initialize(parameter: nn.Parameter, config: TrainConfig, name: str, fan_in: int) -> None:
    """Draw one parameter; the gates that lie side by side in it are drawn one by one where their shape matters."""
    if config.initialization == "uniform":  # torch.nn's default, of the recurrent layers and of the output layer
        nn.init.uniform_(parameter, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
    elif parameter.dim() == 1:
        nn.init.zeros_(parameter)
    elif config.initialization == "normal":
        nn.init.normal_(parameter, std=0.01)
    else:
        draw = nn.init.xavier_uniform_ if config.initialization == "xavier" else nn.init.orthogonal_
        gate_axis = 1 if name.startswith("recurrent.cells") else 0  # the library stacks its gates in rows
        blocks = [parameter] if name == "dense.weight" else torch.split(parameter, config.num_hiddens, dim=gate_axis)
        for block in blocks:
            block.copy_(draw(torch.empty_like(block)))
