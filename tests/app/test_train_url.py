"""The epoch of the slider is part of the address of a run on the Train page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, to_json
from rnnlab.view.language.i18n import LANGUAGES, t
from tests.app.conftest import Open, param, paused_after, section, setting, words
from tests.app.test_home import arrive
from tests.app.test_pages import chart
from tests.made import finish
from tests.runs import lab


def slider(app: AppTest) -> object:
    return next(widget for widget in app.select_slider if str(widget.key).startswith("lyrics.slider"))


def marked(app: AppTest) -> list[object]:
    return [row["epoch"] for row in chart(app)[1]["now"]]


@pytest.fixture
def written_twice(client: Client) -> Iterator[str]:
    """A run paused after its fourth epoch, with texts after epochs 0, 1, 2 and 4."""
    with paused_after(client, 4) as run_id:
        yield run_id


def test_a_link_puts_the_slider_and_the_marker_at_its_epoch(open_page: Open, finished: str) -> None:
    app = open_page("train", "zh", run=finished, epoch="4")
    assert not app.exception
    assert not app.error
    assert slider(app).value == 4
    assert marked(app) == [4]
    assert t("lyrics.after", "zh", epoch=4) in words(app)
    assert param(app, "epoch") == "4"
    app.run()
    assert (slider(app).value, param(app, "epoch")) == (4, "4")


def test_the_slider_writes_its_epoch_and_the_newest_text_needs_none(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished)
    assert "epoch" not in app.query_params
    slider(app).set_value(2).run()
    assert param(app, "epoch") == "2"
    assert marked(app) == [2]
    slider(app).set_value(6).run()
    assert "epoch" not in app.query_params
    assert marked(app) == [6]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("bad", ["3", "900", "-2", "two", "", "9" * 5000, "![x](//evil.example)"])
def test_a_bad_epoch_is_said_and_left_out(open_page: Open, finished: str, lang: str, bad: str) -> None:
    app = open_page("train", lang, run=finished, epoch=bad)
    assert not app.exception
    (said,) = [element.value for element in app.error]
    assert "0, 1, 2, 4, 5, 6" in said
    assert "![x]" not in said
    assert len(said) < 200
    assert marked(app) == [6]
    assert "epoch" not in app.query_params
    slider(app).set_value(4).run()
    assert not app.error
    assert param(app, "epoch") == "4"


def test_of_a_run_that_has_not_written_it_is_said(open_page: Open, client: Client, finished: str) -> None:
    data = export_run(client.store, finished)  # runs of older versions wrote nothing before their first period
    data["events"] = [event for event in data["events"] if event["kind"] != "text_generated"]
    run_id = client.import_run(to_json(data))
    for lang in LANGUAGES:
        app = open_page("train", lang, run=run_id, epoch="1")
        assert not app.exception
        assert t("error.epoch_nothing_yet", lang, epoch="1") in [element.value for element in app.error]
        assert "epoch" not in app.query_params


def test_only_on_arrival_does_the_url_speak(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished, epoch="4")
    slider(app).set_value(2).run()
    app.query_params["epoch"] = "4"  # sent by a refresh that was already on its way
    app.run()
    assert not app.exception
    assert (slider(app).value, marked(app), param(app, "epoch")) == (2, [2], "2")
    del app.query_params["epoch"]
    app.run()
    assert (slider(app).value, param(app, "epoch")) == (2, "2")


def test_a_text_looked_back_at_stays_while_the_run_goes_on(open_page: Open, client: Client, written_twice: str) -> None:
    app = open_page("train", "en", run=written_twice, epoch="2")
    assert marked(app) == [2]
    other = open_page("train", "en", run=written_twice, epoch="4")  # the newest epoch, and the slider stays there
    for _ in range(2):
        lab.step(client, written_twice)
    app.run()
    other.run()
    assert not app.exception
    assert 6 in client_epochs(app)
    assert (slider(app).value, marked(app), param(app, "epoch")) == (2, [2], "2")
    assert (marked(other), param(other, "epoch")) == ([4], "4")


def client_epochs(app: AppTest) -> list[object]:
    return [row["epoch"] for row in chart(app)[1]["curve"]]


def test_leaving_the_run_takes_its_epoch_out_of_the_url(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished, epoch="4")
    app.button(key="controls.close").click().run()
    assert not app.exception
    assert "run" not in app.query_params
    assert "epoch" not in app.query_params
    assert not app.error


def test_the_recording_that_stands_in_does_not_take_over_its_epoch(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished, epoch="4")
    setting(app, "recipe").set_value("A6").run()
    assert param(app, "epoch") == "4"  # the run is still shown
    app.button(key="controls.close").click().run()
    assert not app.exception
    assert "epoch" not in app.query_params
    assert next(widget for widget in app.slider if str(widget.key).startswith("player.slider")).disabled  # it plays


def test_another_run_starts_at_its_newest_text(open_page: Open, client: Client, finished: str) -> None:
    app = open_page("train", "en", run=finished, epoch="4")
    app.button(key="controls.again").click().run()
    assert not app.exception
    assert param(app, "run") != finished
    assert "epoch" not in app.query_params
    finish(client, param(app, "run"))


def test_the_epoch_of_an_unknown_run_moves_nothing_else(open_page: Open) -> None:
    app = open_page("train", "en", run="nowhere1", epoch="80")
    assert not app.exception
    assert [element.value for element in app.error if "nowhere1" in element.value]
    assert "run" not in app.query_params
    assert "epoch" not in app.query_params  # the recording shown instead plays from its beginning


def test_a_recorded_run_keeps_the_epoch_of_its_link(open_page: Open) -> None:
    app = open_page("train", "en", recipe="A6", epoch="80")
    assert not app.exception
    assert len(client_epochs(app)) == 80
    assert param(app, "epoch") == "80"
    app.run()
    assert param(app, "epoch") == "80"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sharing_gives_a_link_with_the_epoch(open_page: Open, finished: str, lang: str) -> None:
    app = open_page("train", lang, run=finished)
    app.session_state[f"share.{finished}"] = True
    app.run()
    assert not [element.value for element in app.code if "epoch=" in element.value]
    slider(app).set_value(4).run()
    (link,) = [element.value for element in app.code if "epoch=" in element.value]
    assert f"run={finished}&epoch=4&lang={lang}" in link
    assert t("lyrics.share", lang, epoch=4) in words(app)


def test_embedded_it_stands_at_the_epoch_of_its_link(home: object, finished: str) -> None:
    app = arrive("zh", embedded=True, run=finished, epoch="4")
    assert not app.exception
    assert (slider(app).value, marked(app)) == (4, [4])
    slider(app).set_value(2).run()
    assert (marked(app), param(app, "epoch")) == ([2], "2")
    app = arrive("zh", embedded=True, run=finished, epoch="3")
    assert "0, 1, 2, 4, 5, 6" in app.error[0].value
    assert marked(app) == [6]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_before_a_run_it_is_said_when_the_network_will_write(open_page: Open, lang: str) -> None:
    app = open_page("train", lang, recipe="A2", num_epochs="7")
    assert t("lyrics.none", lang) in words(app)


def test_the_text_of_the_untrained_network_can_be_looked_back_at(open_page: Open, finished: str) -> None:
    app = open_page("train", "en", run=finished, epoch="0")
    assert not app.exception
    assert not app.error
    assert (slider(app).value, param(app, "epoch")) == (0, "0")
    assert t("lyrics.untrained", "en") in words(app)
    assert marked(app) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_recording_that_stands_says_how_far_the_curve_came(open_page: Open, lang: str) -> None:
    app = open_page("train", lang, recipe="A7", epoch="80")
    section(app, "gradients")
    rows = chart(app)[1]["targets"]
    figures = {"first": 1, "epoch": 80, "start": rows[0]["shown"], "end": rows[-1]["shown"]}
    said, norms = t("curve.fell", lang, **figures), t("gradient.norms", lang, epoch=80, norms="").split("：")[0][:12]
    assert said in words(app)
    assert said in app.get("vega_lite_chart")[0].proto.alt
    assert norms in words(app)
    assert norms in app.get("vega_lite_chart")[1].proto.alt
    app.button(key="player.play.A7").click().run()
    assert said not in words(app)
    assert norms not in words(app)
    # nor in the alternative text, as a change would make the browser rebuild the chart
    assert app.get("vega_lite_chart")[0].proto.alt == t("chart.curve_alt", lang)


def test_of_a_changed_setup_the_recipes_sentences_are_not_claimed(open_page: Open, client: Client, paused: str) -> None:
    lang = "zh"

    def notes(app: AppTest) -> list[str]:
        return [
            element.value for element in app.info if t("explain.departs", lang, id="", changes="")[:5] in element.value
        ]

    assert not notes(open_page("train", "zh", recipe="A9"))
    (said,) = notes(open_page("train", "zh", recipe="A9", residual="true"))
    assert "A9" in said
    assert t("field.residual", "zh") in said
    client.set(paused, "learning_rate", 25.0)
    lab.step(client, paused)
    (said,) = notes(open_page("train", "zh", run=paused))
    assert t("field.num_hiddens", "zh") in said
    assert t("chart.change_lr", "zh", value="25") in said
