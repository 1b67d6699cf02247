"""The model: recurrent layers of any depth and direction, from scratch or from the library, and the output layer.

`LanguageModel` predicts the next character. `ClozeModel` predicts a character from the text on both sides.

Both can be computed in two ways, which agree up to rounding (`TrainConfig.computation`). "fast" computes the cells,
from scratch or of the library, with `rnnlab.engine.sequence` and the loss with `rnnlab.engine.output`, or both together
with `rnnlab.engine.stack` where layers only read each other's states. "as_written" runs the equations of
`rnnlab.cells`, or the layers of `torch.nn`, and torch's own cross-entropy, all through autograd.

Dropout acts on the output of each recurrent layer, so between layers and before the output layer, in training only.

Two additions to the book help signals and gradients to pass through many layers. A residual connection adds the input
of a recurrent layer to its output, from the second layer on, because the input of the first layer is a character. Layer
normalisation scales each output to mean 0 and variance 1 over its units, then applies a learned scale and shift. With
both, the output is normalised first: ``norm(H) + input``.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnlab.cells import CELLS
from rnnlab.config import MOST_IN_COLUMNS, Activation, TrainConfig
from rnnlab.engine.cells import Cell, State, Unit, walk
from rnnlab.engine.dropout import Dropout
from rnnlab.engine.forms import form_of
from rnnlab.engine.output import output_loss
from rnnlab.engine.sequence import run_sequences
from rnnlab.engine.stack import stack_loss


class LanguageModel(nn.Module):
    """Recurrent layers and an output layer that predict the next character at every time step.

    O_t = H_t W_hq + b_q, where W_hq is the transpose of `dense.weight` and b_q is `dense.bias`.

    Args:
        config: cell, implementation, depth, direction and size of the network.
        vocab_size: number of distinct characters.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.as_written = config.computation == "as_written"
        self.num_states = len(CELLS[config.cell].states)
        directions = 2 if config.bidirectional else 1
        self.state_shape = (config.num_layers * directions, config.num_hiddens)
        self.recurrent: Layers = _layers(config, vocab_size)
        self.dense = nn.Linear(directions * config.num_hiddens, vocab_size)

    def begin_state(self, batch_size: int) -> State:
        """Return the zero state: each tensor (num_layers · directions, batch_size, num_hiddens)."""
        depth, num_hiddens = self.state_shape
        return tuple(self.dense.weight.new_zeros(depth, batch_size, num_hiddens) for _ in range(self.num_states))

    def forward(self, X: Tensor, state: State, Y: Tensor | None = None) -> tuple[Tensor, State]:
        """Return the logits of the next characters and the last state.

        Args:
            X: characters (batch_size, num_steps).
            state: as `begin_state` returns it.
            Y: the targets, X shifted by one character; used only by `ClozeModel`.

        Returns:
            Logits (num_steps · batch_size, vocab_size), ordered by time step, so that ``Y.t().flatten()`` are the
            targets; and the last state.
        """
        H, state = self.recurrent(X.t(), state)
        return self.dense(H.flatten(0, 1)), state

    def loss(self, X: Tensor, Y: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the mean cross-entropy of the targets Y (batch_size, num_steps) in nats, and the last state.

        The loss equals ``cross_entropy(forward(X, state)[0], Y.t().flatten())`` and is faster, unless it is computed
        as written.
        """
        units = self.recurrent.stack()
        if units is not None:
            return stack_loss(units, X.t().contiguous(), state, self.dense, Y.t().flatten())
        H, state = self.recurrent(X.t(), state)
        return self._output_loss(H, Y), state

    @contextlib.contextmanager
    def dropping(self, dropout: Dropout | None) -> Iterator[None]:
        """Apply `dropout` to the output of each recurrent layer, as in the minibatches of a training."""
        stacks = [] if dropout is None else [module for module in self.modules() if isinstance(module, Layers)]
        for stack in stacks:
            stack.dropout = dropout
        try:
            yield
        finally:
            for stack in stacks:
                stack.dropout = None

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer, with both directions of a layer together and the output layer last."""
        return [*self.recurrent.layer_parameters(), list(self.dense.parameters())]

    def by_character(self) -> list[tuple[nn.Parameter, int]]:
        """Return the parameters with a row or column for each character, each with that axis."""
        of_output = [(parameter, 0) for parameter in self.dense.parameters()]
        return [*self.recurrent.input_weights(), *of_output]

    def _output_loss(self, H: Tensor, Y: Tensor) -> Tensor:
        """Return the mean cross-entropy of Y (batch_size, num_steps) from H (T, B, ·) of the last layer."""
        H, targets = H.flatten(0, 1), Y.t().flatten()
        if self.as_written:
            return functional.cross_entropy(self.dense(H), targets)
        return output_loss(self.dense, H, targets)


class ClozeModel(LanguageModel):
    """A bidirectional network that predicts each character from the text on both sides.

    The character at t is predicted only from the forward state at t - 1 and the backward state at t + 1:
    O_t = [H_{t-1} forward, H_{t+1} backward] W_hq + b_q. The two directions are separate stacks, so that no layer
    combines them; with a single layer this is the ordinary bidirectional network.

    As in the language model, a minibatch is X and Y, where Y is X shifted by one character, and Y is predicted. Both
    models therefore predict the same characters, and their forward directions read the same text. The backward stack
    reads Y from its end and starts there from zero in every minibatch: its last state in the previous minibatch belongs
    to the text before this one. The text after a window is unknown, so the last character of a window is predicted only
    from its left side. Only the forward state is carried on.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        one_way = config.change(bidirectional=False, objective="next")
        super().__init__(one_way, vocab_size)
        self.backward_recurrent: Layers = _layers(one_way, vocab_size)
        self.dense = nn.Linear(2 * config.num_hiddens, vocab_size)

    def forward(self, X: Tensor, state: State, Y: Tensor | None = None) -> tuple[Tensor, State]:
        """Return the logits of the characters Y and the last state of the forward stack.

        Args:
            X: characters (batch_size, num_steps), the left sides of the characters that follow them.
            state: state of the forward stack, as `begin_state` returns it.
            Y: X shifted by one character. Without Y, the right sides end with X; a network that gets one character at a
                time therefore generates text without a right side.
        """
        H, state = self._both_sides(X, state, X[:, 1:] if Y is None else Y)
        return self.dense(H.flatten(0, 1)), state

    def loss(self, X: Tensor, Y: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the mean cross-entropy of the characters Y (batch_size, num_steps) in nats, and the last state."""
        H, state = self._both_sides(X, state, Y)
        return self._output_loss(H, Y), state

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer, with both stacks together and the output layer last."""
        stacks = self.recurrent.layer_parameters(), self.backward_recurrent.layer_parameters()
        both = [[*forward, *backward] for forward, backward in zip(*stacks, strict=True)]
        return [*both, list(self.dense.parameters())]

    def by_character(self) -> list[tuple[nn.Parameter, int]]:
        """Return the parameters with a row or column for each character, each with that axis."""
        return [*self.backward_recurrent.input_weights(), *super().by_character()]

    def _both_sides(self, X: Tensor, state: State, Y: Tensor) -> tuple[Tensor, State]:
        """Return the states on both sides (T, B, 2 · num_hiddens) of each character after X, and the last state."""
        H_left, state = self.recurrent(X.t(), state)
        H_right = torch.zeros_like(H_left)
        if Y.shape[1]:
            H_read, _ = self.backward_recurrent(Y.t().flip(0), self.begin_state(len(Y)))
            after = H_read.flip(0)[1:]  # the right side of Y_t is the state after reading down to Y_{t+1}
            H_right = torch.cat((after, H_right[len(after) :]))
        return torch.cat((H_left, H_right), dim=2), state


class Layers(nn.Module):
    """Base class of both implementations: depth, direction, residual connections and layer normalisation.

    Args:
        config: cell, depth, direction, size and computation of the network.
        vocab_size: number of distinct characters.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.description = CELLS[config.cell]
        self.activation: Activation = config.activation
        self.num_layers = config.num_layers
        self.directions = 2 if config.bidirectional else 1
        self.as_written = config.computation == "as_written"
        self.residual = config.residual
        self.dropout: Dropout | None = None  # set for the minibatches of a training, see `LanguageModel.dropping`
        self.norms: nn.ModuleList | None = None
        if config.layer_norm:
            width = self.directions * config.num_hiddens
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.num_layers))

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the last layer's H (T, B, directions · num_hiddens) and the last state of every cell.

        Args:
            inputs: characters (T, B), or rows (T, B, vocab_size).
            state: tensors (num_layers · directions, B, num_hiddens), the forward cell of a layer before the backward.
        """
        H, last_states = inputs, list[State]()
        for layer in range(self.num_layers):
            # the backward direction runs from the last time step to the first
            read = [H.flip(0) if direction else H for direction in range(self.directions)]
            cells = range(layer * self.directions, (layer + 1) * self.directions)
            results = self._run(layer, read, [tuple(S[cell] for S in state) for cell in cells])
            outputs = [output.flip(0) if direction else output for direction, (output, _) in enumerate(results)]
            last_states += [last for _, last in results]
            output = outputs[0] if self.directions == 1 else torch.cat(outputs, dim=2)
            H = self.after(layer, H, output)
        return H, tuple(torch.stack(tensors) for tensors in zip(*last_states, strict=True))

    def _run(self, layer: int, inputs: list[Tensor], states: list[State]) -> list[tuple[Tensor, State]]:
        """Return all H (T, B, h) and the last state of each direction of a layer."""
        if not self.as_written:
            units = [self.unit_as_stored(layer, direction) for direction in range(self.directions)]
            return run_sequences(units, inputs, states)
        if inputs[0].dtype == torch.long:
            inputs = [functional.one_hot(rows, self.vocab_size).to(states[0][0].dtype) for rows in inputs]
        return [walk(self.unit(layer, direction), rows, states[direction]) for direction, rows in enumerate(inputs)]

    def unit(self, layer: int, direction: int) -> Unit:
        """Return the equation and weights of one layer and direction (1: backward), in the book's layout."""
        raise NotImplementedError

    def unit_as_stored(self, layer: int, direction: int) -> Unit:
        """Return the same unit, whose gates may be in another order if this saves a copy."""
        return self.unit(layer, direction)

    def stack(self) -> list[Unit] | None:
        """Return the units of all layers if `stack_loss` can compute them, else None.

        It can if there is one direction, a fast form, and neither normalisation nor dropout nor a residual connection.
        """
        alone = self.directions == 1 and self.norms is None and self.dropout is None
        if self.as_written or not alone or (self.residual and self.num_layers > 1):
            return None
        units = [self.unit_as_stored(layer, 0) for layer in range(self.num_layers)]
        return units if form_of(units[0]) else None

    def after(self, layer: int, inputs: Tensor, H: Tensor) -> Tensor:
        """Return the output of a layer: its H (T, B, directions · num_hiddens), normalised and added to `inputs`.

        In training, dropout comes before the addition.
        """
        if self.norms is not None:
            H = self.norms[layer](H)
        if self.dropout is not None:
            H = self.dropout(H)
        return H + inputs if self.residual and layer > 0 else H

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer."""
        raise NotImplementedError

    def input_weights(self) -> list[tuple[nn.Parameter, int]]:
        """Return the input weights of the first layer, one per direction, each with the axis of the characters."""
        raise NotImplementedError

    def _norm_parameters(self, layer: int) -> list[nn.Parameter]:
        return [] if self.norms is None else list(self.norms[layer].parameters())


class ScratchLayers(Layers):
    """Layers of cells that are computed from their equations.

    As written, the equations run step by step; otherwise `rnnlab.engine.sequence` computes them.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.cells = nn.ModuleList()
        for layer in range(config.num_layers):
            num_inputs = vocab_size if layer == 0 else self.directions * config.num_hiddens
            for _ in range(self.directions):
                self.cells.append(Cell(self.description, num_inputs, config.num_hiddens, config.activation))

    def unit(self, layer: int, direction: int) -> Unit:
        """Return the equation and weights of one layer and direction (1: backward)."""
        cell = self.cells[layer * self.directions + direction]
        assert isinstance(cell, Cell)
        return cell.unit()

    def input_weights(self) -> list[tuple[nn.Parameter, int]]:
        """Return the input weights of the first layer, one per direction, each with the axis of the characters."""
        return [(cell.W_x, 0) for cell in list(self.cells)[: self.directions]]  # type: ignore[misc]

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer."""
        layers = []
        for layer in range(self.num_layers):
            cells = self.cells[layer * self.directions : (layer + 1) * self.directions]
            layers.append([p for cell in cells for p in cell.parameters()] + self._norm_parameters(layer))
        return layers


class LibraryLayers(Layers):
    """The framework's own layers, `torch.nn.RNN`, `GRU` and `LSTM`, on one-hot rows.

    They hold the weights and define the function. A one-hot input uses only the columns of the input weights that
    belong to the characters of the minibatch, so the layers get only these columns: the same values with fewer
    products. On a processor, `rnnlab.engine.sequence` computes the same values from their weights (tested to 1e-5) in
    less time; as written, and on an accelerator, the framework's own kernels run.

    A layer of the framework with depth n has no place for residual connections, layer normalisation or a dropout that
    can be repeated between its layers. With these, `layers` is therefore a stack of n layers of depth 1; the same
    random seed draws the same weights.
    """

    def __init__(self, config: TrainConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        assert self.description.library is not None  # checked by the configuration
        self.library = self.description.library
        options: dict[str, Any] = {"bidirectional": config.bidirectional}
        if self.description.chooses_activation:
            options["nonlinearity"] = config.activation
        kind: Any = getattr(nn, self.library.layer)
        self.stacked = config.residual or config.layer_norm or config.dropout > 0
        self.layers: nn.Module
        if self.stacked:
            width = self.directions * config.num_hiddens
            sizes = [vocab_size, *[width] * (config.num_layers - 1)]
            self.layers = nn.ModuleList(kind(size, config.num_hiddens, **options) for size in sizes)
        else:
            self.layers = kind(vocab_size, config.num_hiddens, num_layers=config.num_layers, **options)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the last layer's H (T, B, directions · num_hiddens) and the last state of every layer.

        Args:
            inputs: characters (T, B), or rows (T, B, vocab_size).
            state: tensors (num_layers · directions, B, num_hiddens).
        """
        if not self.as_written and inputs.device.type == "cpu":
            return super().forward(inputs, state)
        if not self.stacked:
            return self._call(self.layers, inputs, state)
        H = inputs
        last_states: list[State] = []
        for index, layer in enumerate(self.layers.children()):
            first = index * self.directions
            output, last = self._call(layer, H, tuple(S[first : first + self.directions] for S in state))
            H = self.after(index, H, output)
            last_states.append(last)
        return H, tuple(torch.cat(tensors) for tensors in zip(*last_states, strict=True))

    def stack(self) -> list[Unit] | None:
        """Return the units of all layers, or None; on an accelerator, the framework's own layers run."""
        on_processor = next(self.layers.parameters()).device.type == "cpu"
        return super().stack() if on_processor else None

    def _call(self, layers: nn.Module, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Call the framework's own layer or layers with characters (T, B) or rows (T, B, num_inputs)."""
        hidden = tuple(S.contiguous() for S in state) if len(state) == 2 else state[0].contiguous()
        if inputs.dtype != torch.long:
            H, last = layers(inputs, hidden)
            return H, last if isinstance(last, tuple) else (last,)
        present, positions = torch.unique(inputs, return_inverse=True)
        names = [name for name, _ in layers.named_parameters() if name.startswith("weight_ih_l0")]
        weights = {name: getattr(layers, name).index_select(1, present) for name in names}
        rows = functional.one_hot(positions, len(present)).to(state[0].dtype)
        layers.input_size = len(present)  # type: ignore[assignment]  # the layer checks the width of its input
        try:
            H, last = torch.func.functional_call(layers, weights, (rows, hidden))
        finally:
            layers.input_size = self.vocab_size  # type: ignore[assignment]
        return H, last if isinstance(last, tuple) else (last,)

    def unit(self, layer: int, direction: int) -> Unit:
        """Return the equation and weights of one layer and direction (1: backward), in the book's layout."""
        return self._unit(*self.weights(layer, direction))

    def unit_as_stored(self, layer: int, direction: int) -> Unit:
        """Return the same unit without copies of the weights: with the gates in the library's order."""
        W_ih, W_hh, b_ih, b_hh = self.weights(layer, direction)
        return self._in_columns(self.library.order, W_ih.t(), W_hh.t(), *self._biases(b_ih, b_hh))

    def store_in_columns(self) -> None:
        """Store the transposes of the weight matrices, whose shapes and values remain as they are.

        A time step multiplies the transposes, and a character selects one of their rows. Gradients and running means
        are then stored in the same way, so that nothing is transposed in a minibatch.
        """
        for parameter in self.layers.parameters():
            if parameter.dim() == 2:
                parameter.data = parameter.data.t().contiguous().t()

    def _unit(self, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Unit:
        return self._in_columns((), *map(self.to_book_layout, (W_ih, W_hh, *self._biases(b_ih, b_hh))))

    def _biases(self, b_ih: Tensor, b_hh: Tensor) -> tuple[Tensor, ...]:
        # the two biases act as their sum, unless the equation uses both
        return (b_ih + b_hh,) if self.library.equation is None else (b_ih, b_hh)

    def _in_columns(
        self, order: tuple[int, ...], W_x: Tensor, W_h: Tensor, b: Tensor, b_h: Tensor | None = None
    ) -> Unit:
        cell = self.description
        equation = self.library.equation or cell.equation
        order = () if order == tuple(range(len(order))) else order
        return Unit(equation, W_x, W_h, b, len(cell.gates), len(cell.states), self.activation, b_h, order)

    def to_book_layout(self, tensor: Tensor) -> Tensor:
        """Return weights of the framework's layer, or their gradients, with gates in columns in the book's order."""
        order = self.library.order
        if order != tuple(range(len(order))):
            blocks = tensor.chunk(len(order))
            tensor = torch.cat([blocks[gate] for gate in order])
        return tensor.t() if tensor.dim() == 2 else tensor

    def weights(self, layer: int, direction: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the library's ``weight_ih, weight_hh, bias_ih, bias_hh`` of one layer and direction (1: backward)."""
        holder, number = (self.layers[layer], 0) if self.stacked else (self.layers, layer)  # type: ignore[index]
        suffix = f"_l{number}{'_reverse' if direction else ''}"
        W_ih, W_hh, b_ih, b_hh = (
            getattr(holder, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        return W_ih, W_hh, b_ih, b_hh

    def input_weights(self) -> list[tuple[nn.Parameter, int]]:
        """Return the input weights of the first layer, one per direction, each with the axis of the characters."""
        return [(self.weights(0, direction)[0], 1) for direction in range(self.directions)]  # type: ignore[misc]

    def layer_parameters(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer."""
        if self.stacked:
            stack = enumerate(self.layers.children())
            return [[*layer.parameters(), *self._norm_parameters(index)] for index, layer in stack]
        named = list(self.layers.named_parameters())
        return [[p for name, p in named if f"_l{layer}" in name] for layer in range(self.num_layers)]


def build_model(config: TrainConfig, vocab_size: int, device: torch.device | str = "cpu") -> LanguageModel:
    """Build the model of `config` with weights drawn from its random seed: the same seed gives the same weights.

    Args:
        config: the configuration; its `device` is ignored here, see `rnnlab.engine.device.resolve_device`.
        vocab_size: number of distinct characters.
        device: device of the model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.random_seed)
        model = (ClozeModel if config.objective == "cloze" else LanguageModel)(config, vocab_size)
        for name, parameter in model.named_parameters():
            if ".norms." in name:  # starts with scale 1 and shift 0
                continue
            fan_in = model.dense.in_features if name.startswith("dense") else config.num_hiddens
            _initialize(parameter, config, name, fan_in)
            _add_forget_bias(parameter, config, name)
    model.to(device, torch.float64 if config.precision == "float64" else torch.float32)
    small = num_parameters(model.parameters()) <= MOST_IN_COLUMNS
    if small and not model.as_written and model.dense.weight.device.type == "cpu":
        for module in model.modules():
            if isinstance(module, LibraryLayers):
                module.store_in_columns()
    return model


def _layers(config: TrainConfig, vocab_size: int) -> Layers:
    return (ScratchLayers if config.implementation == "scratch" else LibraryLayers)(config, vocab_size)


def num_parameters(parameters: Iterable[nn.Parameter]) -> int:
    """Return the total number of elements of `parameters`."""
    return sum(parameter.numel() for parameter in parameters)


@torch.no_grad()
def _initialize(parameter: nn.Parameter, config: TrainConfig, name: str, fan_in: int) -> None:
    """Initialise a parameter; gates side by side in it are drawn separately if the shape of the draw matters."""
    if config.initialization == "uniform":  # torch.nn's default for recurrent layers and for the output layer
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


@torch.no_grad()
def _add_forget_bias(parameter: nn.Parameter, config: TrainConfig, name: str) -> None:
    """Add the forget bias; in the library, whose two biases act as their sum, it is added to the first."""
    cell = CELLS[config.cell]
    if not (cell.forget and config.forget_bias):
        return
    place = cell.letters.index(cell.forget)
    if ".bias_ih" in name and cell.library is not None:
        place = cell.library.order[place]
    elif not name.endswith(".b"):
        return
    parameter[place * config.num_hiddens : (place + 1) * config.num_hiddens] += config.forget_bias
