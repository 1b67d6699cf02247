"""The registry, texts of one's own, and files put in place by hand."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError
from rnnlab.text import corpora
from rnnlab.text.corpora import DOWNLOADS, EMBEDDED, corpus_names, find, from_path, from_text, info, load


@pytest.fixture(autouse=True)
def _no_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("reference") is None:
        monkeypatch.delenv("RNNLAB_DATA", raising=False)


def test_importing_it_is_light() -> None:
    heavy = ["pooch", "requests", "numpy", "pandas", "torch", "streamlit", "charset_normalizer"]
    code = f"import sys, rnnlab.text.corpora; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_registered_corpus_is_described_in_both_languages() -> None:
    assert corpus_names() == EMBEDDED + DOWNLOADS == ("lyrics-zh", "verse-en", "book-lyrics", "book-time-machine")
    for name in corpus_names():
        entry = info(name)
        assert TrainConfig.make(corpus=name).corpus == name
        for words in (entry.titles, entry.attributions, entry.rights):
            assert set(words) == {"zh", "en"}
            assert all(words.values())
        assert (entry.source == "download") == bool(entry.urls) == bool(entry.sha256)
        assert all(url.startswith("https://") for url in entry.urls)


@pytest.mark.parametrize(("name", "language"), [("lyrics-zh", "zh"), ("verse-en", "en")])
def test_embedded_corpora_need_nothing(name: str, language: str) -> None:
    corpus = load(name)
    assert (corpus.name, corpus.language, corpus.source) == (name, language, "embedded")
    assert corpus.title == info(name).titles[language]
    assert corpora.language_of(corpus.text) == language
    assert corpora.is_available(name)


@pytest.mark.parametrize("name", ["", "lyrics", "../lyrics-zh", "text-", "text-0123456789abcdeg", "book-lyrics.zip"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    for ask in (load, info, corpora.is_available):
        with pytest.raises(CorpusError, match="lyrics-zh, verse-en, book-lyrics, book-time-machine") as caught:
            ask(name)  # type: ignore[operator]
        assert caught.value.code == "corpus_unknown"


def test_an_uploaded_text_is_found_by_its_content() -> None:
    corpus = from_text("雨停了\r\n我们走吧\n", "雨.txt")
    assert corpus.text == "雨停了\n我们走吧\n"
    assert corpus.name == "text-" + hashlib.sha256(corpus.text.encode()).hexdigest()[:16]
    assert TrainConfig.make(corpus=corpus.name).corpus == corpus.name
    assert (corpus.language, corpus.source, corpus.title) == ("zh", "upload", "雨.txt")
    again = load(corpus.name, texts={corpus.name: corpus.text}.get)
    assert (again.text, again.language, again.source) == (corpus.text, "zh", "upload")


def test_an_uploaded_text_may_be_gone() -> None:
    for texts in (None, {}.get):
        with pytest.raises(CorpusError, match="Upload it again") as caught:
            load("text-0123456789abcdef", texts=texts)
        assert caught.value.code == "corpus_text_gone"


@pytest.mark.parametrize(
    ("text", "language"),
    [("雨停了 la la", "zh"), ("rain 雨", "en"), ("12 + 34", "en"), ("We said 你好 and left", "en"), ("時間", "zh")],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert corpora.language_of(text) == language


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes("今天下雨，我们没有带伞。".encode("gb18030"))
    corpus = from_path(path)
    assert (corpus.text, corpus.title) == ("今天下雨，我们没有带伞。", "song.txt")
    assert find(str(path)) == corpus
    assert find("verse-en") == load("verse-en")
    for neither in (str(tmp_path / "other.txt"), "", "a\0b", "x" * 5000, "~nobody-of-that-name/x"):
        with pytest.raises(CorpusError, match=r"no corpus or file|cannot be read"):
            find(neither)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.txt", tmp_path / "a" / "b\0.txt"):
        with pytest.raises(CorpusError, match="cannot be read") as caught:
            from_path(path)
        assert caught.value.code == "corpus_file_unreadable"


def test_a_text_of_one_character_is_refused_however_it_comes(tmp_path: Path) -> None:
    """The line end of the file is a second character only to the network."""
    path = tmp_path / "long.txt"
    path.write_text("a" * 3000 + "\n")
    for bring in (lambda: from_path(path), lambda: find(str(path)), lambda: from_text(path.read_text())):
        with pytest.raises(CorpusError, match="only repeats 'a'") as caught:
            bring()
        assert caught.value.code == "corpus_one_character"


def test_a_file_larger_than_the_memory_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CorpusError, match="at most 2 MB") as caught:
        from_path(path)
    assert caught.value.code == "corpus_too_large"
    assert caught.value.params["megabytes"] == 2**20  # its true size


@pytest.mark.parametrize("name", DOWNLOADS)
def test_without_the_file_it_says_where_to_put_it(name: str, tmp_path: Path, home: Path) -> None:
    assert not corpora.is_available(name)
    with pytest.raises(CorpusError, match="RNNLAB_DATA") as caught:
        load(name)
    assert caught.value.code == "corpus_not_downloaded"
    assert caught.value.params["folder"] == str(home / "corpora")
    assert info(name).file in str(caught.value)
    with pytest.raises(CorpusError) as caught:
        load(name, folders=[tmp_path, tmp_path / "elsewhere"])
    assert caught.value.params["folder"] == str(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", DOWNLOADS)
def test_another_file_of_that_name_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / info(name).file).write_bytes(b"not what the book uses")
    for folders in ([tmp_path], None):
        if folders is None:
            monkeypatch.setenv("RNNLAB_DATA", str(tmp_path))
        with pytest.raises(CorpusError, match=info(name).sha256) as caught:
            load(name, folders=folders)
        assert caught.value.code == "corpus_wrong_file"


def test_the_folders_are_searched_in_order(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("nothing", "first", "second")]
    for folder in folders[1:]:
        folder.mkdir()
        (folder / "timemachine.txt").write_bytes(b"another text")
    with pytest.raises(CorpusError) as caught:
        load("book-time-machine", folders=folders)
    assert caught.value.params["path"] == str(tmp_path / "first" / "timemachine.txt")


@pytest.mark.reference
@pytest.mark.parametrize(("name", "length"), [("book-lyrics", 63_282), ("book-time-machine", 178_979)])
def test_the_books_corpora_are_read_from_the_users_folder(name: str, length: int, home: Path) -> None:
    corpus = load(name)
    assert len(corpus.text) == length
    assert (corpus.source, corpus.language) == ("download", info(name).language)
    assert corpora.is_available(name)
