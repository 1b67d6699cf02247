"""Fine-tuning on the Train page: from a run, from a recording with its network, and back to random weights."""

from __future__ import annotations

import pytest

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import LANGUAGES, plain, t
from tests.app.conftest import TINY, Open, words
from tests.made import finish


@pytest.fixture(scope="module")
def source(client: Client) -> str:
    return finish(client, client.create(TINY, based_on="A2"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_tuned_on_another_text(source: str, client: Client, open_page: Open, lang: str) -> None:
    app = open_page("train", lang, run=source)
    app.button(key="controls.tune").click().run()
    assert not app.exception
    assert app.query_params["start_from"] == f"{source}@6"
    assert "run" not in app.query_params
    chip = app.button(key="setup.origin")
    assert chip.label == t("setup.origin.chip", lang, name=plain(f"{source}@6"))
    app.query_params["num_chars"] = "4000"
    link = {name: app.query_params[name] for name in app.query_params}
    app = open_page("train", **link)
    # the text that is longer has characters that the network does not know
    parts = t("setup.origin.known", lang, known="¤", vocab="¤").split("¤")
    assert all(part in words(app) for part in parts)
    app.button(key="controls.start").click().run()
    assert not app.exception
    assert not app.error
    record = client.store.runs(limit=1)[0]
    assert (record.config.start_from, record.config.num_chars) == (f"{source}@6", 4000)
    finish(client, record.id)
    assert not client.store.run(record.id).error


def test_back_to_random_weights(source: str, open_page: Open) -> None:
    app = open_page("train", run=source)
    app.button(key="controls.tune").click().run()
    app.button(key="setup.origin").click().run()
    assert "start_from" not in app.query_params
    assert not [button for button in app.button if button.key == "setup.origin"]


def test_the_network_of_a_recording_is_tuned(open_page: Open) -> None:
    app = open_page("train", recipe="A3")
    app.button(key="controls.tune").click().run()
    assert app.query_params["start_from"] == "A3@250"
    assert app.query_params["recipe"] == "A3"
    assert "controls.tune" not in {button.key for button in open_page("train", recipe="A9").button}


def test_weights_that_do_not_fit_are_refused_with_the_setting(source: str, open_page: Open, client: Client) -> None:
    before = len(client.store.runs(limit=500))
    app = open_page("train", recipe="A2", start_from=f"{source}@6")
    app.button(key="controls.start").click().run()
    (error,) = app.error
    assert t("field.num_hiddens", "en") in error.value
    assert len(client.store.runs(limit=500)) == before
