"""Home: recorded runs to choose and play, the tour, and the embedded page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.language.settings import recipe_label
from tests.app.conftest import ENTRY, Open, param, widget, words
from tests.app.test_pages import chart

SPEED, PLAY, END = "player.speed", "player.play", "player.end"


def slider(app: AppTest) -> Any:
    return next(widget for widget in app.slider if str(widget.key).startswith("player.slider"))


def epochs(app: AppTest) -> list[object]:
    return [row["epoch"] for row in chart(app)[1]["curve"]]


def arrive(lang: str, embedded: bool = False, **parameters: str) -> AppTest:
    """Open Home by a link."""
    app = AppTest.from_file(ENTRY, default_timeout=30)
    app.context = {"locale": "en-US", "is_embedded": embedded}  # type: ignore[assignment]
    app.query_params["lang"] = lang
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an experiment without a recording."""
    kept = tuple(name for name in recorded.names() if name != "A4")
    monkeypatch.setattr(recorded, "names", lambda: kept)
    return "A4"


def test_a_link_names_the_recorded_run_and_its_epoch(home: Path) -> None:
    app = arrive("zh", recording="A9", epoch="80")
    assert not app.exception
    assert t("recorded.badge", "zh", title=recipe_label(RECIPES["A9"], "zh")) in words(app)
    assert len(epochs(app)) == 80
    assert slider(app).value == 80
    assert not slider(app).disabled
    assert (param(app, "recording"), param(app, "epoch")) == ("A9", "80")


def test_beside_a_text_stands_how_much_of_it_is_copied_and_how_long_the_longest_copy_is(home: Path) -> None:
    lang = "en"
    app = arrive(lang, recording="A8", epoch="160")
    sentence = f"{t('lyrics.quoted', lang, share='100%')} · {t('lyrics.longest', lang, count=50)}"
    assert sentence in words(app)


def test_it_plays_pauses_and_goes_to_the_end(home: Path) -> None:
    app = arrive("en", recording="A9")
    assert slider(app).disabled  # it plays
    assert "epoch" not in app.query_params
    app.button(key=f"{PLAY}.A9").click().run()
    assert not app.exception
    assert not slider(app).disabled
    stands = int(param(app, "epoch"))
    assert len(epochs(app)) == stands
    app.run()
    assert len(epochs(app)) == stands
    app.button(key=f"{END}.A9").click().run()
    assert param(app, "epoch") == "160"
    assert len(epochs(app)) == 160
    app.button(key=f"{PLAY}.A9").click().run()  # at the end: play again from the beginning
    assert slider(app).disabled
    assert len(epochs(app)) < 160
    app.segmented_control(key=f"{SPEED}.A9").set_value(16).run()
    assert not app.exception
    assert slider(app).disabled


def test_the_slider_moves_curve_texts_and_url_together(home: Path) -> None:
    app = arrive("zh", recording="A6", epoch="160")
    slider(app).set_value(95).run()
    assert not app.exception
    assert len(epochs(app)) == 95
    assert param(app, "epoch") == "95"
    assert t("lyrics.after", "zh", epoch=80) in words(app)
    assert slider(app).value == 95


def test_a_bad_link_is_said_and_something_still_plays(home: Path) -> None:
    for lang in LANGUAGES:
        app = arrive(lang, recording="Z9")
        assert not app.exception
        assert "Z9" in app.error[0].value
        assert slider(app).disabled  # it plays
        app = arrive(lang, recording="A6", epoch="900")
        assert not app.exception
        assert "900" in app.error[0].value
        assert "160" in app.error[0].value


def test_what_has_not_been_recorded_is_shown_as_such(home: Path, unrecorded: str) -> None:
    app = arrive("en", recording=unrecorded)
    assert not app.exception
    assert t("gallery.not_recorded", "en", id=unrecorded) in [element.value for element in app.info]
    assert not app.get("vega_lite_chart")
    assert t("gallery.none", "en") in words(app)
    label = recipe_label(RECIPES[unrecorded], "en")
    box = widget(app, "selectbox", "gallery.recording")
    assert t("gallery.option_none", "en", title=label) in box.options
    assert len(box.options) == len(RECIPES)


def test_picking_another_run_plays_it_and_names_it_in_the_url(open_page: Open) -> None:
    app = open_page("home", "en")
    assert "recording" not in app.query_params
    widget(app, "selectbox", "gallery.recording").set_value("A10").run()
    assert not app.exception
    assert param(app, "recording") == "A10"
    assert t("recorded.badge", "en", title=recipe_label(RECIPES["A10"], "en")) in words(app)


def test_a_recorded_run_starts_no_worker(client: Client) -> None:
    before = [record.id for record in client.store.runs()]
    app = arrive("en", recording="A6")
    app.button(key=f"{END}.A6").click().run()
    assert not app.exception
    assert [record.id for record in client.store.runs()] == before


def test_embedded_there_is_the_run_and_nothing_else(home: Path, finished: str) -> None:
    for asked in ({"recording": "A6", "epoch": "160"}, {"recipe": "A6", "epoch": "160"}, {"run": finished}):
        app = arrive("zh", embedded=True, **asked)
        assert not app.exception
        assert epochs(app)
        assert not app.title
        assert not app.get("page_link")
        assert "frame.switch" not in [button.key for button in app.segmented_control]
        assert not [button for button in app.button if str(button.key).startswith("controls.")]
        app.switch_page("pages/train.py").run()
        assert not app.exception
        assert epochs(app)
        assert not app.title
        assert not app.sidebar.selectbox


def test_embedded_a_wrong_name_is_said(home: Path) -> None:
    assert "nowhere1" in arrive("en", embedded=True, run="nowhere1").error[0].value
    assert "Z9" in arrive("zh", embedded=True, recipe="Z9").error[0].value


def test_the_tour_goes_through_its_steps_and_can_be_left(open_page: Open) -> None:
    lang = "en"
    app = open_page("train", "en")
    app.button(key="tour.offer").click().run()
    texts = []
    for step in range(1, 6):
        assert not app.exception
        assert t("tour.step", lang, step=step, steps=5) in words(app)
        texts.append(words(app))
        app.button(key="tour.next").click().run()
    assert len(set(texts)) == 5
    assert "tour.next" not in [button.key for button in app.button]
    app.button(key="tour.offer").click().run()  # it can be taken again
    app.button(key="tour.next").click().run()
    app.button(key="tour.back").click().run()
    assert t("tour.step", "en", step=1, steps=5) in words(app)
    app.button(key="tour.skip").click().run()
    assert t("tour.choose.text", "en") not in words(app)


def test_home_leads_to_the_tour(open_page: Open) -> None:
    app = open_page("home", "en")
    next(button for button in app.button if button.label == t("tour.offer", "en")).click().run()
    assert not app.exception
    assert app.title[0].value == t("train.title", "en")
    assert t("tour.step", "en", step=1, steps=5) in words(app)


def test_larger_type_is_kept_from_page_to_page_and_in_the_url(open_page: Open) -> None:
    app = open_page("home", "en")
    assert "projector" not in app.query_params
    app.toggle(key="frame.large_switch").set_value(True).run()
    assert param(app, "projector") == "1"
    app.switch_page("pages/runs.py").run()
    assert param(app, "projector") == "1"
    assert app.toggle(key="frame.large_switch").value


def test_another_language_plays_the_same_run(home: Path) -> None:
    app = arrive("zh")
    assert t("recorded.badge", "zh", title=recipe_label(RECIPES["A6"], "zh")) in words(app)
    assert "recording" not in app.query_params
    app.segmented_control(key="frame.switch").set_value("en").run()
    assert t("recorded.badge", "en", title=recipe_label(RECIPES["A6"], "en")) in words(app)
    # the address is a link to what the page shows, and the usual run of English is another
    assert param(app, "recording") == "A6"
