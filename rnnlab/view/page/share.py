"""Share the open page: its address and a QR code.

The address is the one that other devices can open: a browser on the server's own machine calls it localhost.
"""

from __future__ import annotations

import io
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.view.language.i18n import error_text, plain, t
from rnnlab.view.page import address as page_address
from rnnlab.view.page import session, visitor

LONG = 110
"""Length in characters above which an address is shortened."""
SIZE = 240
"""Width of a QR code in pixels."""


def address(page: str, parameters: Mapping[str, str]) -> str:
    """Return the address of a page with `parameters`, as a short link if it is long.

    Raises:
        RNNLabError: the address is long and cannot be shortened.
    """
    base = reachable(_base(), st.get_option("server.address"))
    full = f"{base}{'' if page == 'home' else page}?{urlencode(parameters)}"
    if len(full) <= LONG:
        return full
    return f"{base}?s={session.client().shorten({'page': page, **parameters})}"


def this_page() -> None:
    """Show the address of the open page with all parameters, and a QR code."""
    lang = session.language()
    page = page_address.page_named(urlsplit(st.context.url or "").path) or "home"
    try:
        here = address(page, page_address.everything())
    except RNNLabError as error:
        st.caption(error_text(error, lang))
        return
    st.caption(t("share.page.note", lang))
    draw(here)


def to_another_device(run_id: str) -> None:
    """Draw the button for a private link to another device of the visitor; nothing in the profile *alone*."""
    lang, who = session.language(), session.visitor()
    cookie = st.context.cookies.get(visitor.COOKIE, "")
    if who.role == "alone" or not who.id:
        return
    key = f"share.device.{run_id}"
    if st.button(t("share.device", lang), key=key, icon=":material/devices:", help=t("share.device.help", lang)):
        st.session_state[key + ".code"] = visitor.handover.offer(cookie)
    if code := st.session_state.get(key + ".code"):
        st.caption(t("share.device.private", lang))
        draw(f"{reachable(_base(), st.get_option('server.address'))}lab/device/{code}?run={run_id}&lang={lang}")


def teacher_link() -> str:
    """Return the address of the page for signing in as a teacher."""
    return f"{_base()}lab/teacher?lang={session.language()}"


def draw(link: str) -> None:
    """Draw an address with its QR code; where only this computer can open it, say so instead of the code."""
    st.code(link, language=None, wrap_lines=True)
    if is_local(link):
        st.caption(f":material/computer: {t('share.only_here', session.language())}")
    else:
        st.image(qr_code(link), width=SIZE)


def draw_large(link: str) -> None:
    """Draw an address and its QR code as large as a screen allows, to be read from the back row."""
    lang = session.language()
    if is_local(link):
        st.warning(t("share.only_here", lang), icon=":material/computer:")
    with st.container(key="share.large", horizontal_alignment="center"):
        st.image(qr_code(link), width="stretch")
        st.markdown(f"## {plain(link.partition('://')[2])}")


def qr_code(text: str) -> str:
    """Return `text` as a QR code in SVG: black on white in both themes, as cameras need it."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=4, border=3, dark="black", light="white", xmldecl=False
    )
    return out.getvalue().decode("utf-8")


def is_local(link: str) -> bool:
    """Return whether an address names this computer, so that it leads nowhere on any other."""
    host = urlsplit(link).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def reachable(base: str, listens: str | None) -> str:
    """Return the address of the app as other devices in the network have to call it.

    Args:
        base: the address in the browser.
        listens: the address at which the server listens; None or "0.0.0.0" for all addresses of the computer.
    """
    if not is_local(base) or listens not in (None, "", "0.0.0.0", "::"):
        return base
    here = _address_in_network()
    parts = urlsplit(base)
    port = f":{parts.port}" if parts.port else ""
    return base if here is None else parts._replace(netloc=f"{here}{port}").geturl()


def _address_in_network() -> str | None:
    """Return the address of this computer in its network, or None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chosen:
        try:
            chosen.connect(("198.51.100.1", 9))  # an address for examples; only the route is chosen, nothing is sent
            here = ipaddress.ip_address(chosen.getsockname()[0])
        except OSError:
            return None
    return None if here.is_loopback or here.is_unspecified else str(here)


def _base() -> str:
    """Return the address of the app, ending with a slash, without the name of the open page."""
    url = (st.context.url or "").split("?")[0].rstrip("/")
    return url.rpartition("/")[0] + "/" if page_address.page_named(urlsplit(url).path) else f"{url}/"
