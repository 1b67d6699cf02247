"""What is known of a training text before any training, worked out once per text and shared by all viewers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rnnlab.config import TrainConfig
from rnnlab.text import corpora, ngrams, quotes, targets
from rnnlab.view.data.highlight import highlighted, source_line
from rnnlab.view.data.history import Ladder
from rnnlab.view.data.shelf import Shelf

LETTERS_QUOTED = 15
"""The shortest run of letters that counts as a quote: some three words."""


@dataclass(frozen=True)
class Reading:
    """A generated text as its reader sees it."""

    html: str
    coverage: float  # share of the generated characters that stand in quotes
    loop: int | None  # period of the loop at its end
    blanks: int
    length: int  # generated characters
    quotes: tuple[tuple[str, str], ...]  # what is quoted, with the line that it stands in
    longest: int  # generated characters of the longest quote


class TextFacts:
    """A training text: its length, vocabulary, n-gram ladder, and an index for finding quotes.

    Args:
        original: the whole corpus as it is.
        train: what the network is trained on.
        held_out: the rest.
    """

    def __init__(self, original: str, train: str, held_out: str) -> None:
        self.original, self.train, self.held_out = original, train, held_out
        self._unigrams: dict[tuple[str, int, int, bool], float] = {}

    @cached_property
    def vocab_size(self) -> int:
        """How many different characters the training text has."""
        return len(set(self.train))

    @cached_property
    def ladder(self) -> Ladder:
        """Training perplexity by n-gram order."""
        return ngrams.ladder(self.train)

    def unigram(self, config: TrainConfig, *, walked: bool = False) -> float:
        """Return the perplexity of knowing how often each character occurs among those that a run predicts.

        No prediction that ignores its input is better over these characters; over the whole text, as on the ladder, it
        is another number.

        Args:
            config: how the run goes through the text.
            walked: take the characters that a diagnosis predicts, of a long text only a part; else a whole epoch's.
        """
        key = (config.sampling, config.batch_size, config.num_steps, walked)
        if key not in self._unigrams:
            of = targets.walked_targets if walked else targets.epoch_targets
            self._unigrams[key] = ngrams.ladder(of(self.train, config) or self.train, 1)[1]
        return self._unigrams[key]

    @cached_property
    def frequent(self) -> list[tuple[str, int]]:
        """The most frequent characters with their counts."""
        return ngrams.most_frequent(self.train, 12)

    @cached_property
    def index(self) -> quotes.QuoteIndex:
        """What finds the quotes of a text."""
        return quotes.QuoteIndex(self.train, self.quote_length)

    @cached_property
    def quote_length(self) -> int:
        """How many characters in a row count as copied: in a text of letters five of them are only a word."""
        letters = sum(one.isalpha() and one < "⺀" for one in self.train)
        return LETTERS_QUOTED if 2 * letters > len(self.train) else quotes.MIN_LENGTH

    def read(self, text: str, prefix: str, lang: str) -> Reading:
        """Mark the quotes in a generated `text` that begins with `prefix`, and count loops and blanks."""
        spans = self.index.quoted_spans(text)
        sources = [source_line(self.original, self.train, span.corpus_start,
                               span.corpus_start + span.stop - span.start) for span in spans]  # fmt: skip
        generated = text[len(prefix) :]
        lengths = [max(0, span.stop - max(span.start, len(prefix))) for span in spans]
        return Reading(
            html=highlighted(text, prefix, spans, sources, lang),
            coverage=sum(lengths) / len(generated) if generated else 0.0,
            loop=quotes.loop_period(generated),
            blanks=generated.count(" "),
            length=len(generated),
            quotes=tuple((text[span.start : span.stop], source) for span, source in zip(spans, sources, strict=True)),
            # of a quote that begins in the prefix, the network wrote fewer characters than make one
            longest=max(self.index.longest(generated), *lengths, 0),
        )


class FactBook:
    """Keeps the facts of the texts that were asked for last.

    Args:
        texts: returns an uploaded text by its id, or None.
        folders: where the files of downloaded corpora may lie, by default as for `corpora.load`.
        size: how many texts to keep.
    """

    def __init__(
        self, texts: Callable[[str], str | None], folders: Sequence[Path] | None = None, size: int = 24
    ) -> None:
        self._texts, self._folders = texts, folders
        self._kept = Shelf(size)

    def of(self, config: TrainConfig) -> TextFacts:
        """Return the facts of the text that a run with `config` trains on, prepared once for all viewers.

        Raises:
            CorpusError: the text is not on this machine or cannot be read.
        """
        return self._kept.get((config.corpus, config.preprocessing, config.num_chars), lambda: self._prepare(config))

    def _prepare(self, config: TrainConfig) -> TextFacts:
        corpus = corpora.load(config.corpus, folders=self._folders, texts=self._texts)
        prepared = corpora.prepare(corpus.text, config.preprocessing, config.num_chars)
        return TextFacts(corpus.text, prepared.train, prepared.held_out)
