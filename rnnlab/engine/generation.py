"""What the network writes: warm up on the prefix, then greedy, temperature or top-k."""

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
    """Return `prefix` and `num_preds` characters that the network writes after it.

    One character at a time, the state carried on (1st edition 6.4.4). A bidirectional network is treated likewise, as
    the published run does: its backward direction then sees one character and a state that comes from the wrong end.

    Args:
        decoding: "greedy" takes the most probable character; "temperature" draws from softmax(logits / temperature);
            "top_k" does so among the k most probable.
        seed: of the drawing; the same seed gives the same text.

    Raises:
        PrefixError: the prefix has a character outside the vocabulary.
    """
    indices = vocab.encode(prefix)
    generator = torch.Generator().manual_seed(seed)
    reader = Reader(model)
    for position in range(len(indices) + num_preds - 1):
        logits = reader.read(indices[position])
        if position >= len(indices) - 1:
            indices.append(choose(logits, decoding, temperature, top_k, generator))
    return vocab.decode(indices)


def choose(logits: Tensor, decoding: Decoding, temperature: float, top_k: int, generator: torch.Generator) -> int:
    """Choose the next character from its logits (vocab_size,)."""
    if decoding == "greedy":
        return int(logits.argmax())
    scores = logits.double().cpu() / temperature
    if decoding == "top_k":
        scores, candidates = scores.topk(min(top_k, len(scores)))
    else:
        candidates = torch.arange(len(scores))
    drawn = torch.multinomial(scores.softmax(0), 1, generator=generator)
    return int(candidates[drawn])
