"""Generated text as HTML: safe, with its blanks, quotes and sources."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.text import invisible
from rnnlab.text.quotes import share_of_blanks
from rnnlab.view.data.facts import FactBook, TextFacts
from rnnlab.view.data.highlight import MARGIN, SHOWN_PREFIX, highlighted, in_code, source_line, visible
from rnnlab.view.language.equations import cell_source
from rnnlab.view.language.i18n import t


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self.titles = "", [], []  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@given(st.text(max_size=60), st.text(max_size=20), st.integers(0, 60), st.integers(0, 60))
def test_nothing_in_a_text_becomes_markup_and_nothing_is_lost(text: str, source: str, start: int, stop: int) -> None:
    facts = TextFacts("", "", "")
    assert facts.vocab_size == 0
    start, stop = sorted((min(start, len(text)), min(stop, len(text))))

    class Quote:
        corpus_start = 0

    quote = Quote()
    quote.start, quote.stop = start, stop  # type: ignore[attr-defined]
    reader = read(highlighted(text, text[:2], [quote], [source + "<b>"], "en"))  # type: ignore[list-item]
    assert set(reader.tags) <= {"p", "strong", "span", "mark"}
    assert reader.text.replace("\u200b", "") == visible(text)
    assert len([title for title in reader.titles if not str(title).startswith("U+")]) == 1


def test_the_source_of_a_quote_is_its_line() -> None:
    original = "春天来了\n我们一起走过长长的路\n回家"
    train = original.replace("\n", " ")
    start = train.index("一起走过")
    assert source_line(original, train, start, start + 4) == "我们一起走过长长的路"
    assert source_line(original, train, 2, 8) == "春天来了 / 我们一起走过长长的路"
    assert "一起走过" in source_line("quite another text", train, start, start + 4)


def test_a_reading_counts_quotes_loops_and_blanks() -> None:
    facts = TextFacts("天上的星星不说话\n地上的人在等待", "天上的星星不说话 地上的人在等待", "")
    reading = facts.read("分开天上的星星不说话", "分开", "zh")
    assert reading.coverage == 1.0
    assert reading.quotes == (("天上的星星不说话", "天上的星星不说话"),)
    assert "<mark" in reading.html
    looped = facts.read("分开" + "好吧 " * 10, "分开", "zh")
    assert (looped.loop, looped.blanks, looped.coverage) == (3, 10, 0.0)


def test_in_a_text_of_letters_a_word_is_no_quote() -> None:
    verse = "the river runs below the hill and all the lights are still"
    facts = TextFacts(verse, verse, "")
    assert facts.read("time the river sings", "time", "en").quotes == ()
    assert facts.read("time the river runs below me", "time", "en").quotes[0][0] == "the river runs below "


def test_the_facts_of_a_text_are_worked_out_once() -> None:
    book = FactBook(lambda _: None, size=1)
    config = TrainConfig()
    assert book.of(config) is book.of(config.change(num_hiddens=7))
    first = book.of(config)
    assert 900 < first.vocab_size < 1200
    assert first.ladder[1] < first.ladder[0]
    book.of(config.change(num_chars=500))
    assert book.of(config) is not first  # only one is kept


def test_a_line_as_long_as_the_text_does_not_reach_the_page() -> None:
    """Every text that a corpus can put on a page has a bound, however its lines are."""
    passage = "春眠不觉晓我们分开了不分开"
    for original in (passage * 40_000, passage * 20_000 + "\n" + passage * 20_000):
        train = original.replace("\n", " ")
        facts = TextFacts(original, train, "")
        reading = facts.read("分开" + (passage * 4)[:50], "分开", "zh")
        assert reading.coverage > 0.9
        assert all(len(source) <= len(quote) + 2 * MARGIN + len("…… / ") for quote, source in reading.quotes)
        assert len(reading.html) < 3000
        for start, stop in ((0, 5), (300_000, 300_100), (len(train) - 9, len(train)), (260_000 - 3, 260_000 + 4)):
            source = source_line(original, train, start, stop)
            assert original[start:stop].replace("\n", " / ").strip() in source
            assert source.startswith("…") == (start > MARGIN and original[start - MARGIN - 1] != "\n")
        # the second edition's text agrees with no original
        assert len(source_line("x" * 90_000, train, 300, 310)) <= 10 + 2 * MARGIN


def test_a_passage_as_prefix_does_not_bury_what_was_written() -> None:
    """Of a long prefix the end is shown; what it copies from the text is the visitor's choice and no quote."""
    passage = "".join(map(chr, range(0x4E00, 0x4E00 + 1200)))
    facts = TextFacts(passage, passage, "")
    prefix = passage[100:1100]
    reading = facts.read(prefix + passage[1100:1110] + "一" * 5, prefix, "zh")
    shown = read(reading.html).text.replace("\u200b", "")
    assert shown == "…" + prefix[-SHOWN_PREFIX:] + passage[1100:1110] + "一" * 5
    assert t("lyrics.left_out", "zh", count=1000 - SHOWN_PREFIX) in read(reading.html).titles
    (quoted,) = [quote for quote, _ in reading.quotes]
    assert quoted == passage[1100 - SHOWN_PREFIX : 1110]
    assert (reading.coverage, reading.longest, reading.length) == (10 / 15, 10, 15)
    assert facts.read(prefix + "一" * 5, prefix, "zh").quotes == ()
    assert highlighted(prefix[:SHOWN_PREFIX] + "一", prefix[:SHOWN_PREFIX]).count("…") == 0


def test_a_long_line_is_cut_at_a_margin_and_a_short_one_is_whole() -> None:
    original = "一" * 50 + "二三四五六" + "七" * 10 + "\n八"
    assert source_line(original, original.replace("\n", " "), 50, 55) == "…" + "一" * MARGIN + "二三四五六" + "七" * 10
    assert source_line(original[20:], original[20:].replace("\n", " "), 30, 35) == original[20:].partition("\n")[0]


UNSEEN = " \u3000\u00a0\u200b\u200d\ufeff\t\n\u2009\u2028\ufe0f\u00ad\x85\u3164"


def test_each_character_that_cannot_be_seen_has_a_sign_of_its_own() -> None:
    signs = [visible(character) for character in UNSEEN]
    assert len(set(signs)) == len(UNSEEN)
    for sign in signs:
        assert all(unicodedata.category(character)[0] not in "CZM" for character in sign)
    assert visible(" a") == "␣a"
    assert visible("分开，a1é👍☕") == "分开，a1é👍☕"


@given(st.text(max_size=60))
def test_as_many_signs_are_drawn_as_are_counted(text: str) -> None:
    facts = TextFacts("", "", "")
    reading = facts.read("分开" + text, "分开", "en")
    assert reading.html.count("opacity") == reading.blanks == invisible.count(text)
    assert share_of_blanks(text) == (reading.blanks / len(text) if text else 0)
    alone = [character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")]
    assert reading.blanks >= len(alone)


def test_every_cell_has_equations_and_code() -> None:
    for cell, description in CELLS.items():
        code = cell_source(cell)
        assert code.startswith(f"def {cell}(X: Array, state: State")
        assert '"""' not in code
        compile("from __future__ import annotations\n" + code, cell, "exec")
        assert all(line.count("{") == line.count("}") for line in description.latex)
    assert "sigmoid" in cell_source("lstm")


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a", "`a`"),
        ("`", "`` ` ``"),
        ("*", "`*`"),
        ("a``b", "```a``b```"),
        ("` ", "`` `␣ ``"),
        (":material/x:", ":color[\\:]material/x\\:"),
    ],
)
def test_code_is_drawn_as_it_stands(text: str, markdown: str) -> None:
    assert in_code(text) == markdown
