"""Transfer: a new network takes over the weights of a trained one, also for a text with other characters.

Source: *Dive into Deep Learning*, 1st edition 9.2 (fine-tuning: copy the source model, and train the copy further).
"""

from __future__ import annotations

from itertools import chain

import torch

from rnnlab.engine.model import LanguageModel
from rnnlab.text.vocab import Vocab


@torch.no_grad()
def adopt(model: LanguageModel, vocab: Vocab, source: LanguageModel, source_vocab: Vocab) -> int:
    """Copy the weights of `source` to `model`; return the number of characters that both vocabularies have.

    Parameters with a row or column for each character take over those of the characters that both have; the other
    characters keep the initial values of `model`.

    Args:
        model: a new network; its weights are overwritten.
        vocab: its vocabulary.
        source: a trained network of the same cell, implementation, depth, direction and size.
        source_vocab: the vocabulary of the source.

    Raises:
        ValueError: the networks have different layers.
    """
    known = [token for token in vocab.idx_to_token if token in source_vocab.token_to_idx]
    device = model.dense.weight.device
    to, taken = (torch.tensor(v.encode("".join(known)), dtype=torch.long, device=device) for v in (vocab, source_vocab))
    axes = {id(parameter): axis for parameter, axis in model.by_character()}
    mine, theirs = (chain.from_iterable(network.layer_parameters()) for network in (model, source))
    for parameter, other in list(zip(mine, theirs, strict=True)):  # before anything is copied, both have as many
        axis, values = axes.get(id(parameter)), other.to(parameter)
        if axis is None:
            parameter.copy_(values)
        else:
            parameter.index_copy_(axis, to, values.index_select(axis, taken))
    return len(known)
