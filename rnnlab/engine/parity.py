"""Scratch ≡ library: the library's weights copied into the scratch network, one minibatch, and what differs.

Both sides are computed as written: the library side runs the framework's own layers, the scratch side the equations of
`rnnlab.cells`, step by step through autograd. The fast sequences that training takes by default stay out of it;
the tests compare them with both sides. RNN and LSTM are the same function written twice and agree but for rounding.
The GRU of the book is another function than that of the library, which resets after the product, so there the
differences say how far apart they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.minibatch import consecutive_minibatches
from rnnlab.engine.model import LanguageModel, LibraryLayers, ScratchLayers, build_model
from rnnlab.text.preparation import check_counts


def parity(
    config: TrainConfig, vocab_size: int, indices: Tensor | Sequence[int], device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Run both implementations on the first minibatch of a text, from the zero state, with the same weights.

    Args:
        config: the settings of both; its implementation and computation do not matter.
        vocab_size: number of distinct characters.
        indices: the text, (length,), long enough for one minibatch.
        device: where both are computed.

    Returns:
        ``loss_scratch``, ``loss_library`` (nats); ``logits_difference``, ``gradient_difference``: the largest absolute
        differences; ``parameters``: ``{"name", "gradient_difference"}`` for each parameter of the scratch network;
        ``comparable``: whether both are the same function, so that the differences are mere rounding.

    Raises:
        CorpusError: ``corpus_too_short``: there is not one minibatch in the text.
    """
    check_counts(len(indices), max(vocab_size, 2), config.change(sampling="consecutive"), "")
    config, description = config.change(computation="as_written"), CELLS[config.cell]
    library = build_model(config.change(implementation="library"), vocab_size, device)
    scratch = build_model(config.change(implementation="scratch"), vocab_size, device)
    for name, stack in library.named_children():
        if isinstance(stack, LibraryLayers):
            mine = scratch.get_submodule(name)
            assert isinstance(mine, ScratchLayers)
            _copy(stack, mine)
    with torch.no_grad():
        scratch.dense.load_state_dict(library.dense.state_dict())
    text = torch.as_tensor(indices, dtype=torch.long, device=device)
    X, Y = next(consecutive_minibatches(text, config.batch_size, config.num_steps))
    logits_library, loss_library = _learn(library, X, Y)
    logits_scratch, loss_scratch = _learn(scratch, X, Y)
    expected = _library_gradients(library)
    parameters = []
    for name, parameter in scratch.named_parameters():
        gradient = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        difference = (gradient - expected[name]).abs().max().item()
        parameters.append({"name": name, "gradient_difference": difference})
    return {
        "loss_scratch": loss_scratch,
        "loss_library": loss_library,
        "logits_difference": (logits_scratch - logits_library).abs().max().item(),
        "gradient_difference": max(float(one["gradient_difference"]) for one in parameters),
        "parameters": parameters,
        "comparable": description.library is None or description.library.equation is None,
    }


def _learn(model: LanguageModel, X: Tensor, Y: Tensor) -> tuple[Tensor, float]:
    """Return logits and loss, and leave the gradients in the parameters."""
    with torch.enable_grad():
        logits, _ = model(X, model.begin_state(len(X)), Y)
        loss = nn.functional.cross_entropy(logits, Y.t().flatten())
        loss.backward()  # type: ignore[no-untyped-call]
    return logits.detach(), loss.item()


@torch.no_grad()
def _copy(library: LibraryLayers, scratch: ScratchLayers) -> None:
    for index, cell in enumerate(scratch.cells):
        unit = library.unit(*divmod(index, library.directions))
        b = unit.b if unit.b_h is None else unit.b + unit.b_h
        for name, tensor in (("W_x", unit.W_x), ("W_h", unit.W_h), ("b", b)):
            cell.get_parameter(name).copy_(tensor)
    if library.norms is not None and scratch.norms is not None:
        scratch.norms.load_state_dict(library.norms.state_dict())


def _library_gradients(library: LanguageModel) -> dict[str, Tensor]:
    """Return the gradients of the library network under the names, and in the shapes, of the scratch network's."""
    found = {
        name: parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        for name, parameter in library.named_parameters()
    }
    for stack_name, stack in library.named_children():
        if not isinstance(stack, LibraryLayers):
            continue
        for index in range(stack.num_layers * stack.directions):
            W_ih, W_hh, b_ih, _ = stack.weights(*divmod(index, stack.directions))
            # both biases have the gradient of their sum
            for name, tensor in (("W_x", W_ih), ("W_h", W_hh), ("b", b_ih)):
                gradient = tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)
                found[f"{stack_name}.cells.{index}.{name}"] = stack.in_the_books_layout(gradient)
    return found
