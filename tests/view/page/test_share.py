"""The address that is shared: one that the other device can open, or the sentence that there is none."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.view.language.i18n import LANGUAGES, t
from rnnlab.view.page import share

LOCAL = ["http://localhost:8501/", "http://127.0.0.1:8501/lab/", "http://127.1.2.3/", "http://[::1]:8501/"]
ELSEWHERE = ["http://203.0.113.5:8501/", "https://lab.example/", "http://[2001:db8::1]/", "http://localhost.example/"]


def test_only_the_addresses_of_this_computer_itself_are_local() -> None:
    assert [share.is_local(link) for link in (*LOCAL, "http://lab.localhost/")] == [True] * 5
    assert not any(share.is_local(link) for link in ELSEWHERE)


@pytest.mark.parametrize("listens", [None, "", "0.0.0.0", "127.0.0.1", "203.0.113.5"])
def test_an_address_that_others_can_open_stays(listens: str | None) -> None:
    for link in ELSEWHERE:
        assert share.reachable(link, listens) == link


def test_a_server_that_listens_on_this_computer_alone_has_no_other_address() -> None:
    for link in LOCAL:
        for listens in ("127.0.0.1", "localhost", "::1"):
            assert share.reachable(link, listens) == link


def test_a_server_that_listens_everywhere_has_the_address_of_the_computer_in_its_network() -> None:
    for link in LOCAL:
        for listens in (None, "0.0.0.0"):
            shared = share.reachable(link, listens)
            assert (urlsplit(shared).path, urlsplit(shared).port) == (urlsplit(link).path, urlsplit(link).port)
            host = urlsplit(shared).hostname
            assert host
            if share.is_local(shared):
                continue  # a computer without a network
            with socket.socket() as server:
                server.bind(("", 0))
                server.listen(1)
                # what listens everywhere is found at the address
                with socket.create_connection((host, server.getsockname()[1]), timeout=5):
                    pass


def drawn() -> None:
    import streamlit as st

    from rnnlab.view.page import session, share

    st.session_state[session.LANGUAGE] = st.session_state["language"]
    share.draw(st.session_state["link"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_code_for_phones_is_drawn_only_if_a_phone_can_open_it(lang: str) -> None:
    app = AppTest.from_function(drawn)
    app.session_state["language"] = lang
    for link in (*LOCAL, *ELSEWHERE):
        app.session_state["link"] = link
        app.run()
        assert not app.exception
        assert [element.value for element in app.code] == [link]
        said = [element.value for element in app.caption]
        assert len(app.get("image")) == (link in ELSEWHERE)
        assert (t("share.only_here", lang) in " ".join(said)) == (link in LOCAL)
