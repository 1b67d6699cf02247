"""Share the open page: its address and a QR code."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.language.i18n import error_text, t
from rnnlab.view.page import address as page_address
from rnnlab.view.page import session

LONG = 110
"""Length in characters above which an address is shortened."""


def address(page: str, parameters: Mapping[str, str]) -> str:
    """Return the address of a page with `parameters`, as a short link if it is long.

    Raises:
        RNNLabError: the address is long and cannot be shortened.
    """
    full = f"{_base()}{'' if page == 'home' else page}?{urlencode(parameters)}"
    if len(full) <= LONG:
        return full
    return f"{_base()}?s={session.client().shorten({'page': page, **parameters})}"


def this_page() -> None:
    """Show the address of the open page with all parameters, and a QR code."""
    lang = session.language()
    last = (st.context.url or "").split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    page = last if last in page_address.PAGES else "home"
    try:
        here = address(page, page_address.everything())
    except RNNLabError as error:
        st.caption(error_text(error, lang))
        return
    st.caption(t("share.page.note", lang))
    st.code(here, language=None, wrap_lines=True)
    st.image(qr_code(here), width=168)


def qr_code(text: str) -> str:
    """Return `text` as a QR code in SVG: black on white in both themes, as cameras need it."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=4, border=3, dark="black", light="white", xmldecl=False
    )
    return out.getvalue().decode("utf-8")


def _base() -> str:
    """Return the address of the app, ending with a slash, without the name of the open page."""
    url = (st.context.url or "").split("?")[0].rstrip("/")
    last = url.rpartition("/")[2]
    return url.removesuffix(last) if last in page_address.PAGES else f"{url}/"
