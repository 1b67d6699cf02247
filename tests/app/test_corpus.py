"""Texts on the page: uploads, downloads and their consent, and the licences."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import pytest
import requests
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.runs.export import MAX_BYTES as MAX_RUN_BYTES
from rnnlab.runs.limits import CHECKPOINT_MB
from rnnlab.text import corpora
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.page import session, upload
from tests.app.conftest import Open, param, section, setting

ROOT = Path(__file__).parents[2]


def put(app: AppTest, name: str, data: bytes) -> AppTest:
    """Upload a file in place of the corpus."""
    return app.file_uploader(key="corpus.file").set_value((name, data, "application/octet-stream")).run()


# uploaded texts


def test_a_file_that_is_too_large_is_said_at_once(open_page: Open) -> None:
    app = put(open_page("train", "en", recipe="A2"), "large.txt", b"ab" * (5 << 18))
    assert not app.exception
    assert [error.value for error in app.error] == [
        t("error.corpus_too_large", "en", megabytes=2.5, allowed=corpora.MAX_BYTES // 2**20)
    ]
    assert app.button(key="corpus.use").disabled
    # then a valid file
    app = put(app, "good.txt", ("春天来了，我们一起走。\n" * 300).encode("gb18030"))
    assert not app.error
    app.button(key="corpus.use").click().run()
    assert not app.exception
    assert setting(app, "corpus").value == corpora.text_id("春天来了，我们一起走。\n" * 300)


@pytest.mark.parametrize(
    ("name", "data", "key"),
    [
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "error.corpus_binary"),
        ("one.txt", b"a" * 3000 + b"\n", "error.corpus_one_character"),
    ],
)
def test_a_file_of_the_wrong_kind_is_said(open_page: Open, name: str, data: bytes, key: str) -> None:
    app = put(open_page("train", "zh", recipe="A2"), name, data)
    app.button(key="corpus.use").click().run()
    assert not app.exception
    (said,) = [error.value for error in app.error]
    begin, _, rest = t(key, "zh").partition("{")
    assert said.startswith(begin)
    assert said.endswith(rest.partition("}")[2])
    assert setting(app, "corpus").value == "lyrics-zh"


def test_every_file_reaches_whoever_says_what_is_wrong_with_it(open_page: Open) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    # the server counts the multipart envelope too
    assert config["server"]["maxUploadSize"] > CHECKPOINT_MB > upload.MAX_MB >= MAX_RUN_BYTES / 2**20
    for page, allowed in (("train", upload.MAX_MB), ("runs", CHECKPOINT_MB)):
        (place,) = open_page(page, "zh").file_uploader
        assert place.allowed_type == [], "Streamlit would refuse other types in English"
        assert place.proto.max_upload_size_mb == allowed


def paste(app: AppTest, text: str) -> AppTest:
    """Use a pasted text."""
    app.text_area(key="corpus.pasted").set_value(text).run()
    app.button(key="corpus.use").click().run()
    assert not app.exception
    return app


def test_the_text_pasted_last_is_the_one_that_is_trained(open_page: Open, client: Client) -> None:
    """Texts whose titles are the same are different entries of the menu, also if one of them comes back."""
    first, second = ("春天来了，我们一起走。\n" + line * 300 for line in ("分开不分开\n", "分开了，不分开\n"))
    app = open_page("train", "zh", recipe="A2", num_epochs="1", num_hiddens="8")
    for text in (first, second, first):
        paste(app, text)
        assert setting(app, "corpus").value == param(app, "corpus") == corpora.text_id(text)
        assert len(set(setting(app, "corpus").options)) == len(setting(app, "corpus").options)
    titles = [title for title in setting(app, "corpus").options if title.startswith("春天来了，我们一起走。")]
    assert len(titles) == 2
    app.button(key="controls.start").click().run()
    assert not app.exception
    run = client.store.run(param(app, "run"))
    assert run.config.corpus == setting(app, "corpus").value == corpora.text_id(first)
    assert "corpus" not in app.query_params


def test_files_of_the_same_name_are_told_apart(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A2")
    for number in range(3):
        put(app, "poem.txt", (f"verse {number}, over and over\n" * 200).encode()).button(key="corpus.use").click().run()
        assert not app.exception
        assert setting(app, "corpus").value == corpora.text_id(f"verse {number}, over and over\n" * 200)
    assert len([title for title in setting(app, "corpus").options if title.startswith("poem.txt (")]) == 3


BROUGHT = ("分开，不分开，又分开\n" * 300).encode()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "data", "note"),
    [
        ("cut.txt", BROUGHT[:-3], "corpus_cut"),
        ("cut.txt.gz", gzip.compress(BROUGHT[1:], mtime=0), "corpus_cut_start"),
        ("日本語.txt", ("分かれ、分かれない。また分かれる\n" * 200).encode("shift-jis"), "corpus_western"),
    ],
)
def test_what_had_to_be_done_to_read_a_file_is_said_once(
    open_page: Open, lang: str, name: str, data: bytes, note: str
) -> None:
    app = put(open_page("train", lang, recipe="A2"), name, data)
    app.button(key="corpus.use").click().run()
    assert not app.error
    said = t(f"note.{note}", lang, encoding="Shift-JIS")
    assert said in [element.value for element in app.info]
    app.run()
    assert said not in [element.value for element in app.info]


def suited() -> None:
    import streamlit as st

    from rnnlab.recipes import RECIPES
    from rnnlab.view.train import corpus

    for name in ("lyrics-zh", "verse-en", "text-0000000000000000"):
        st.text("|".join(corpus.suit_prefixes(RECIPES["A2"].config.change(corpus=name)).prefixes))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_upload_names_what_it_takes_besides_plain_text(lang: str) -> None:
    assert all(kind in t("corpus.upload", lang) for kind in (".zip", ".gz"))


def test_another_text_gets_prefixes_that_fit_it(client: Client) -> None:
    app = AppTest.from_function(suited).run()
    assert not app.exception
    assert [element.value for element in app.text] == ["分开|不分开", "time traveller|traveller", "分开|不分开"]
    (note,) = app.session_state["corpus.notes"]
    for lang in LANGUAGES:
        assert "time traveller" in t(f"note.{note.code}", lang, **note.params)


# the book's corpora


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses requested on a machine without a network."""
    addresses: list[str] = []

    def get(url: str, **_: object) -> None:
        addresses.append(url)
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", get)
    return addresses


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", corpora.DOWNLOADS)
def test_nothing_is_fetched_before_a_visitor_agrees(
    open_page: Open, client: Client, asked: list[str], name: str, lang: str
) -> None:
    app = open_page("train", lang, recipe="A2", corpus=name)
    assert not app.exception
    entry = corpora.info(name)
    consent = next(element.value for element in app.info if t(f"corpus.{name}.consent", lang) in element.value)
    assert entry.attributions[lang] in consent
    assert entry.rights[lang] in consent

    assert app.button(key="corpus.download").disabled
    app.checkbox(key=f"corpus.agree.{name}").check().run()
    assert not app.button(key="corpus.download").disabled
    assert asked == [], "agreeing is not yet asking for it"
    app.button(key="corpus.download").click().run()
    assert not app.exception
    assert asked == list(entry.urls)
    failed = t("error.corpus_download_connection", lang).partition("{file}")[2].partition("{")[0]
    sentence = next(element.value for element in app.error if failed in element.value)
    for word in (entry.file, str(client.home / "corpora"), "RNNLAB_DATA", *entry.urls):
        assert word in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", [*corpora.EMBEDDED, "book-time-machine"])
def test_whose_text_it_is_stands_where_it_is_described(
    open_page: Open, client: Client, asked: list[str], name: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = corpora.info(name)
    file = client.home / "corpora" / (entry.file or "")
    prefix = "分开" if entry.language == "zh" else "time"
    if name in corpora.DOWNLOADS:  # already downloaded
        monkeypatch.setattr(corpora, "_read_verified", lambda *_: "the time machine by h g wells " * 100)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    session.facts.release()
    try:
        app = open_page("train", lang, recipe="A2", corpus=name, prefixes=prefix)
        section(app, "text")
    finally:
        session.facts.release()
        if name in corpora.DOWNLOADS:
            file.unlink()
    assert not app.exception
    assert not app.error
    assert not app.get("checkbox"), "no consent is asked for"
    wanted = t("corpus.origin", lang, attribution=entry.attributions[lang], rights=entry.rights[lang])
    assert wanted in [element.value for element in app.caption]
    assert asked == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_time_machine_is_not_free_everywhere(lang: str) -> None:
    sentence = t("corpus.book-time-machine.consent", lang)
    assert "public domain" not in sentence
    assert "公有领域" not in sentence
