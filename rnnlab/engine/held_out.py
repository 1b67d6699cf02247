"""The perplexity on held-out text during training: a sample of the text after the first `num_chars` characters.

It falls while the network learns regularities that hold for other text too, and rises when the network memorises its
training text. Every measurement uses the same small sample, rows of `HELD_OUT_STEPS` characters from the whole held-out
text, each read from the zero state, and takes less than 3 % of an epoch (``benchmarks/whole_machine.py``). A diagnosis
reads the whole held-out text.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnnlab.config import TrainConfig
from rnnlab.engine.model import LanguageModel
from rnnlab.events import perplexity_of
from rnnlab.text.preparation import HELD_OUT_SHARE, HELD_OUT_STEPS, sample_rows
from rnnlab.text.vocab import Vocab


class HeldOut:
    """Measures the perplexity on a sample of held-out text.

    Args:
        passages: passages of the held-out text, see `rnnlab.text.preparation.for_sample`.
        vocab: vocabulary of the training text.
        config: configuration of the run.
        device: device of the model.
        size: length of the sample in characters, by default a `HELD_OUT_SHARE` of the training text.
    """

    def __init__(
        self, passages: str, vocab: Vocab, config: TrainConfig, device: torch.device, size: int | None = None
    ) -> None:
        self._period, self._last = config.held_out_period, config.num_epochs
        self._sample: tuple[Tensor, Tensor] | None = None
        # a network that reads the text in both directions has seen the character that it predicts
        if not config.held_out_period or config.sees_the_answer:
            return
        wanted = config.num_chars * HELD_OUT_SHARE if size is None else size
        rows = sample_rows(passages, vocab.token_to_idx)[: max(1, round(wanted / HELD_OUT_STEPS))]
        if rows:
            indices = torch.tensor([vocab.encode(row) for row in rows], dtype=torch.long, device=device)
            self._sample = indices[:, :-1], indices[:, 1:]

    def due(self, epoch: int) -> bool:
        """Return whether the perplexity is measured after an epoch: each `held_out_period` epochs, and the last."""
        return self._sample is not None and (epoch % self._period == 0 or epoch == self._last)

    @torch.no_grad()
    def perplexity(self, model: LanguageModel, epoch: int) -> float | None:
        """Return the perplexity after an epoch; None if it is not measured then, or infinite."""
        if self._sample is None or not self.due(epoch):
            return None
        X, Y = self._sample
        loss, _ = model.loss(X, Y, model.begin_state(len(X)))
        return perplexity_of(loss.item()) if bool(loss.isfinite()) else None
