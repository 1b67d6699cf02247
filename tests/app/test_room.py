"""The Room page as the server runs it, for the owner of the machine, who leads rooms."""

from __future__ import annotations

import pytest

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import LANGUAGES, t
from tests.app.conftest import TINY, Open, param, words
from tests.made import finish, until


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_room_is_opened_asked_and_answered(open_page: Open, client: Client, lang: str) -> None:
    app = open_page("room", lang)
    assert not app.exception
    key = next(widget.key for widget in app.number_input if ".epochs." in (widget.key or ""))
    app.number_input(key=key).set_value(2).run()
    app.button(key="room.open").click().run()
    assert not app.exception
    code = param(app, "room")
    room = client.store.room(code)
    assert (room.recipe, room.config.num_epochs, room.opened) == ("A2", 2, ("cell", "learning_rate"))
    app.button(key="room.ask.crossing").click().run()
    assert not app.exception
    assert t("room.guessing", lang, count=0, members=0) in words(app)
    client.end_room(code)
    app.run()
    assert not app.exception
    assert "room.ask.learns" not in [button.key for button in app.button]


def test_the_wall_shows_the_runs(open_page: Open, client: Client) -> None:
    code = client.open_room(TINY, recipe="A2", opened=("cell",))
    run = finish(client, client.create(TINY, based_on="A2", room=code))
    client.ask_room(code, "learns")
    client.resolve_room(code, run)
    for view in ("curves", "cards"):
        app = open_page("room", "en", room=code.lower(), wall=view)
        assert not app.exception
        assert param(app, "room") == code
        assert t("room.result.votes", "en", yes=0, no=0) in words(app)
    until(client, run, lambda record: not record.live)


def test_a_room_opens_with_what_was_entered_a_moment_before(open_page: Open, client: Client) -> None:
    app = open_page("room", "en")
    key = next(widget.key for widget in app.number_input if ".epochs." in (widget.key or ""))
    app.number_input(key=key).set_value(3)
    app.button(key="room.open").click().run()
    assert not app.exception
    assert client.store.room(param(app, "room")).config.num_epochs == 3


@pytest.mark.parametrize("code", ["ZZZZ", "<b>x</b>", "*"])
def test_a_code_that_is_none_is_said(open_page: Open, code: str) -> None:
    app = open_page("room", "zh", room=code)
    assert not app.exception
    assert len(app.error) == 1
    assert "room" not in app.query_params
