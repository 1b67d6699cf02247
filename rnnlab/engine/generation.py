"""Text generation: warm up on the prefix, then decode greedily, with a temperature, or with top-k."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnlab.config import Decoding
from rnnlab.engine.model import LanguageModel
from rnnlab.engine.reader import Reader
from rnnlab.text.vocab import Vocab


@torch.no_grad()
def generate(
    model: LanguageModel,
    vocab: Vocab,
    prefix: str,
    num_preds: int,
    decoding: Decoding = "greedy",
    temperature: float = 1.0,
    top_k: int = 5,
    seed: int = 0,
) -> str:
    """Return `prefix` followed by `num_preds` generated characters.

    Characters are generated one at a time, and the state is carried on (1st edition 6.4.4). A bidirectional network is
    treated in the same way, as in the published run, although its backward direction then reads a single character and
    gets a state from the wrong end.

    Args:
        model: the network.
        vocab: its vocabulary.
        prefix: beginning of the text, at least one character; see `Vocab.spelled`.
        num_preds: number of characters to generate.
        decoding: "greedy" takes the most probable character; "temperature" samples from
            softmax(logits / temperature); "top_k" samples in the same way from the k most probable characters.
        temperature: for "temperature" and "top_k", above 0.
        top_k: k, for "top_k".
        seed: random seed of the sampling.

    Raises:
        PrefixError: the prefix has a character outside the vocabulary.
    """
    indices = vocab.encode_prefix(prefix)
    generator = torch.Generator().manual_seed(seed)
    reader = Reader(model)
    for position in range(len(indices) + num_preds - 1):
        logits = reader.read(indices[position])
        if position >= len(indices) - 1:
            indices.append(choose(logits, decoding, temperature, top_k, generator))
    return vocab.decode(indices)


def choose(logits: Tensor, decoding: Decoding, temperature: float, top_k: int, generator: torch.Generator) -> int:
    """Return the index of the next character, chosen from the logits (vocab_size,)."""
    if decoding == "greedy":
        return int(logits.argmax())
    scores = logits.double().cpu() / temperature
    if decoding == "top_k":
        scores, candidates = scores.topk(min(top_k, len(scores)))
    else:
        candidates = torch.arange(len(scores))
    drawn = torch.multinomial(scores.softmax(0), 1, generator=generator)
    return int(candidates[drawn])
