"""What is known of a training text before training; computed once per text and shared by all viewers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rnnlab.config import TrainConfig
from rnnlab.text import corpora, invisible, ngrams, quotes, targets
from rnnlab.view.data.highlight import SHOWN_PREFIX, highlighted, source_line
from rnnlab.view.data.history import Ladder
from rnnlab.view.data.shelf import Shelf

LETTERS_QUOTED = 15
"""Length of the shortest sequence of letters that counts as a quote: about three words."""


@dataclass(frozen=True)
class Reading:
    """A generated text with its quotes, loop and blanks.

    Attributes:
        html: the text as HTML, with its quotes marked.
        coverage: share of the generated characters that are part of a quote.
        loop: period of the loop at the end of the text, or None.
        blanks: number of invisible characters among the generated ones, each of which is drawn as a sign.
        length: number of generated characters.
        quotes: each quote with what surrounds it in the training text.
        longest: number of generated characters in the longest quote.
    """

    html: str
    coverage: float
    loop: int | None
    blanks: int
    length: int
    quotes: tuple[tuple[str, str], ...]
    longest: int


class TextFacts:
    """A training text: its length, vocabulary, n-gram ladder, and an index for finding quotes.

    Args:
        original: the whole corpus, unprocessed.
        train: the text that the network is trained on.
        held_out: the rest of the prepared text.
    """

    def __init__(self, original: str, train: str, held_out: str) -> None:
        self.original, self.train, self.held_out = original, train, held_out
        self._unigrams: dict[tuple[str, int, int, bool], float] = {}

    @cached_property
    def vocab_size(self) -> int:
        """Number of different characters in the training text."""
        return len(self.characters)

    @cached_property
    def characters(self) -> frozenset[str]:
        """The different characters of the training text."""
        return frozenset(self.train)

    @cached_property
    def ladder(self) -> Ladder:
        """Training perplexity by n-gram order."""
        return ngrams.ladder(self.train)

    def unigram(self, config: TrainConfig, *, walked: bool = False) -> float:
        """Return the unigram perplexity over the characters that a run predicts.

        No prediction that ignores its input has a lower perplexity over these characters. The unigram perplexity of the
        ladder is another number, as it counts the whole text.

        Args:
            config: the run's configuration, which determines the characters.
            walked: use the characters that a diagnosis predicts, part of a long text; otherwise those of a whole epoch.
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
        """Index of the training text, to find quotes."""
        return quotes.QuoteIndex(self.train, self.quote_length)

    @cached_property
    def quote_length(self) -> int:
        """Minimum length of a quote: five Chinese characters are a phrase, but five letters only a word."""
        letters = sum(character.isalpha() and character < "⺀" for character in self.train)
        return LETTERS_QUOTED if 2 * letters > len(self.train) else quotes.MIN_LENGTH

    def read(self, text: str, prefix: str, lang: str) -> Reading:
        """Find the quotes, the loop and the blanks in a generated `text` that begins with `prefix`.

        Of a long prefix, which may be a passage of the text itself, the quotes count that reach beyond it.
        """
        first = max(0, len(prefix) - SHOWN_PREFIX)
        spans = [
            span._replace(start=max(span.start, first), corpus_start=span.corpus_start + max(0, first - span.start))
            for span in self.index.quoted_spans(text)
            if not first or span.stop > len(prefix)
        ]
        sources = [source_line(self.original, self.train, span.corpus_start,
                               span.corpus_start + span.stop - span.start) for span in spans]  # fmt: skip
        generated = text[len(prefix) :]
        lengths = [max(0, span.stop - max(span.start, len(prefix))) for span in spans]
        return Reading(
            html=highlighted(text, prefix, spans, sources, lang),
            coverage=sum(lengths) / len(generated) if generated else 0.0,
            loop=quotes.loop_period(generated),
            blanks=invisible.count(generated),
            length=len(generated),
            quotes=tuple((text[span.start : span.stop], source) for span, source in zip(spans, sources, strict=True)),
            # a quote that begins in the prefix can have too few generated characters to be found in `generated`
            longest=max(self.index.longest(generated), *lengths, 0),
        )


class FactBook:
    """A cache of the facts of the texts requested last.

    Args:
        texts: returns an uploaded text by its id, or None.
        folders: where downloaded corpora are searched, by default as in `corpora.load`.
        size: number of texts to keep.
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
