"""Growth of the cost of text analysis with the length of the text: n-gram ladder, index of quotes, a query.

    python benchmarks/text_growth.py

The texts, of 10,000, 100,000 and 1,000,000 characters, are random pieces of the embedded lyrics. Each time is the best
of three; "x" is the ratio to the row above, which is 10 for a linear cost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from rnnlab.text.corpora import decode, load, prepare
from rnnlab.text.ngrams import ladder
from rnnlab.text.quotes import QuoteIndex, coverage
from rnnlab.text.vocab import Vocab

LENGTHS = (10_000, 100_000, 1_000_000)
QUERY_LENGTH = 1_000


def patchwork(source: str, length: int, longest: int, seed: int) -> str:
    """Return a text of `length` characters from random pieces of `source`, each of up to `longest` characters."""
    draw = random.Random(seed)
    pieces: list[str] = []
    size = 0
    while size < length:
        start = draw.randrange(len(source))
        pieces.append(source[start : start + draw.randint(1, longest)])
        size += len(pieces[-1])
    return "".join(pieces)[:length]


def best_of(times: int, work: Callable[[], object]) -> float:
    """Return the shortest time of several runs of `work`, in seconds."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main() -> None:
    """Print the table."""
    source = prepare(load("lyrics-zh").text, "first_edition", 2_000_000).train
    query = patchwork(source, QUERY_LENGTH, 40, seed=1)
    table = Table(title=f"best of 3, milliseconds; a query has {QUERY_LENGTH:,} characters")
    for heading in ("characters", "decode GB18030", "vocabulary", "ladder to 6", "index", "query", "quoted"):
        table.add_column(heading, justify="right")
    before: list[float] = []
    for length in LENGTHS:
        text = patchwork(source, length, 40, seed=0)
        index = QuoteIndex(text)
        data = text.encode("gb18030")
        works: tuple[Callable[[], object], ...] = (
            lambda data=data: decode(data),
            lambda text=text: Vocab(text).encode(text),
            lambda text=text: ladder(text),
            lambda text=text: QuoteIndex(text),
            lambda index=index: index.quoted_spans(query),
        )
        times = [best_of(3, work) for work in works]
        cells = [
            f"{1e3 * now:,.1f}" + (f" (x {now / then:.1f})" if before else "")
            for now, then in zip(times, before or times, strict=True)
        ]
        quoted = coverage(index.quoted_spans(query), len(query))
        table.add_row(f"{length:,}", *cells, f"{quoted:.0%}")
        before = times
    Console().print(table)


if __name__ == "__main__":
    main()
