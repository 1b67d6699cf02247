"""Writing with other decoding settings: from a recording whose network ships with the app."""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.errors import PrefixError
from rnnlab.inference import generation
from rnnlab.text import corpora
from rnnlab.view.data import networks
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import LANGUAGES, t
from tests.app.conftest import Client, words


def script() -> None:
    """A page with nothing but the section."""
    import streamlit as st

    from rnnlab.view.page import session
    from rnnlab.view.train import decoding

    st.session_state[session.LANGUAGE] = st.session_state.get("lang", "en")
    decoding.draw_recorded(st.session_state.get("name", "A3"))


def opened(lang: str, name: str = "A3") -> AppTest:
    app = AppTest.from_function(script, default_timeout=30)
    app.session_state["name"] = name
    app.session_state["lang"] = lang
    app.run()
    assert not app.exception
    return app


def button(app: AppTest) -> Any:
    return next(button for button in app.button if button.label in {t("decoding.write", lang) for lang in LANGUAGES})


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_recording_writes_again(client: Client, lang: str) -> None:
    app = opened(lang)
    assert app.selectbox[0].options == ["50", "100", "250"]
    app.text_input[0].set_value("不分开")
    app.number_input[0].set_value(30)
    app.selectbox[1].set_value("greedy")
    button(app).click().run()
    assert not app.exception
    written = generation.generate(networks.network("A3", 250), "不分开", 30)
    assert len(written) == 33
    shown = "".join(element.proto.body for element in app.get("html"))
    assert all(character in shown for character in written if character != " ")
    assert t("decoding.shipped", lang) in words(app)
    first = shown
    app.selectbox[0].set_value(50)
    button(app).click().run()
    assert "".join(element.proto.body for element in app.get("html")) != first


def test_a_prefix_is_prepared_as_the_text_of_the_recording(client: Client) -> None:
    app = opened("en", "B1")
    app.text_input[0].set_value("The Time")
    button(app).click().run()
    assert not app.exception
    assert not app.error
    assert "<strong>the</strong>" in re.sub("<span.*?</span>\u200b|time", "", app.get("html")[0].proto.body)


def test_a_passage_of_the_text_is_a_prefix(client: Client) -> None:
    app = opened("en")
    app.session_state[f"passage.decoding.{Identity.of_recording('A3').pin}"] = True
    app.run()
    start, length = app.number_input[:2]
    assert (start.max, length.max) == (10_000, 1_000)
    start.set_value(500).run()
    app.number_input[1].set_value(1_000).run()
    named(app, "passage.random").click().run()
    place = app.number_input[0].value
    assert 1 <= place <= 9_001
    train = corpora.prepare(corpora.load("lyrics-zh").text, "first_edition", 10_000).train
    chosen = train[place - 1 : place + 999].strip()
    named(app, "passage.use").click().run()
    assert app.text_input[0].value == chosen
    app.selectbox[1].set_value("greedy")
    button(app).click().run()
    assert not app.exception
    written = generation.generate(networks.network("A3", 250), chosen, 50)
    shown = app.get("html")[-1].proto.body
    characters = re.sub("<[^>]*>|[\u200b␣]", "", shown)
    assert characters.endswith(written[-50:].replace(" ", ""))
    assert len(characters) < 200
    assert len(shown) < 20_000


def named(app: AppTest, name: str) -> Any:
    return next(button for button in app.button if button.label == t(name, "en"))


def test_a_prefix_that_the_network_does_not_know_is_refused(client: Client) -> None:
    app = opened("en")
    app.text_input[0].set_value("Q")
    button(app).click().run()
    assert not app.exception
    assert "Q" in app.error[0].value
    question = {"kind": "generate", "prefix": "Q", "num_preds": 3, "decoding": "greedy", "temperature": 1.0, "top_k": 5}
    with pytest.raises(PrefixError):
        networks.answer("A3", 250, {**question, "seed": 0})
