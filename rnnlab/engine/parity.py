"""Comparison of the scratch and library implementations on one minibatch with the same weights.

Both are computed as written: the library with the framework's own layers, scratch with the equations of `rnnlab.cells`,
step by step through autograd. The fast sequences that training uses by default are not involved; the tests compare them
with both. For RNN and LSTM, both implementations are the same function and agree up to rounding. The GRU of the book is
a different function from the library's, which resets after the product; there the result shows how much they differ.
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
        config: configuration of both; its implementation and computation are ignored.
        vocab_size: number of distinct characters.
        indices: the text, (length,), long enough for one minibatch.
        device: device of both.

    Returns:
        ``loss_scratch``, ``loss_library`` (nats); ``logits_difference``, ``gradient_difference``: the largest absolute
        differences; ``parameters``: ``{"name", "gradient_difference"}`` for each parameter of the scratch network;
        ``comparable``: whether both are the same function, so that they differ only by rounding.

    Raises:
        CorpusError: ``corpus_too_short``: the text is too short for one minibatch.
    """
    check_counts(len(indices), max(vocab_size, 2), config.change(sampling="consecutive"), "")
    config, description = config.change(computation="as_written"), CELLS[config.cell]
    library = build_model(config.change(implementation="library"), vocab_size, device)
    scratch = build_model(config.change(implementation="scratch"), vocab_size, device)
    for name, stack in library.named_children():
        if isinstance(stack, LibraryLayers):
            scratch_stack = scratch.get_submodule(name)
            assert isinstance(scratch_stack, ScratchLayers)
            _copy_weights(stack, scratch_stack)
    with torch.no_grad():
        scratch.dense.load_state_dict(library.dense.state_dict())
    text = torch.as_tensor(indices, dtype=torch.long, device=device)
    X, Y = next(consecutive_minibatches(text, config.batch_size, config.num_steps))
    logits_library, loss_library = _forward_backward(library, X, Y)
    logits_scratch, loss_scratch = _forward_backward(scratch, X, Y)
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
        "gradient_difference": max(float(entry["gradient_difference"]) for entry in parameters),
        "parameters": parameters,
        "comparable": description.library is None or description.library.equation is None,
    }


def _forward_backward(model: LanguageModel, X: Tensor, Y: Tensor) -> tuple[Tensor, float]:
    """Return the logits and the loss; the gradients are stored in the parameters."""
    with torch.enable_grad():
        logits, _ = model(X, model.begin_state(len(X)), Y)
        loss = nn.functional.cross_entropy(logits, Y.t().flatten())
        loss.backward()  # type: ignore[no-untyped-call]
    return logits.detach(), loss.item()


@torch.no_grad()
def _copy_weights(library: LibraryLayers, scratch: ScratchLayers) -> None:
    for index, cell in enumerate(scratch.cells):
        unit = library.unit(*divmod(index, library.directions))
        b = unit.b if unit.b_h is None else unit.b + unit.b_h
        for name, tensor in (("W_x", unit.W_x), ("W_h", unit.W_h), ("b", b)):
            cell.get_parameter(name).copy_(tensor)
    if library.norms is not None and scratch.norms is not None:
        scratch.norms.load_state_dict(library.norms.state_dict())


def _library_gradients(library: LanguageModel) -> dict[str, Tensor]:
    """Return the gradients of the library network with the names and shapes of the scratch network."""
    gradients = {
        name: parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        for name, parameter in library.named_parameters()
    }
    for stack_name, stack in library.named_children():
        if not isinstance(stack, LibraryLayers):
            continue
        for index in range(stack.num_layers * stack.directions):
            W_ih, W_hh, b_ih, _ = stack.weights(*divmod(index, stack.directions))
            # each of the two biases has the gradient of their sum
            for name, tensor in (("W_x", W_ih), ("W_h", W_hh), ("b", b_ih)):
                gradient = tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)
                gradients[f"{stack_name}.cells.{index}.{name}"] = stack.to_book_layout(gradient)
    return gradients
