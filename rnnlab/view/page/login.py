"""The teacher's ways to sign in: with the server's key, or with an account, through Streamlit's `st.login`."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.language.i18n import plain, t
from rnnlab.view.page import session, share


def draw() -> None:
    """Draw the link to the field for the key, and a button for each account provider that the server is set up for.

    A visitor who has signed in with an account gets its address and a button for signing out instead. A teacher who
    has entered the key gets nothing.
    """
    lang, teaches = session.language(), session.visitor().role == "teacher"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not teaches:
            st.link_button(
                t("runs.teacher.sign_in", lang), share.teacher_link(), icon=":material/school:", type="tertiary"
            )
        if st.user.get("is_logged_in"):
            address = plain(str(st.user.get("email", "")))
            said = t("login.teacher" if teaches else "login.no_teacher", lang, address=address)
            st.caption(said, width="content")
            out = t("login.out", lang)
            st.button(out, key="login.out", icon=":material/logout:", type="tertiary", on_click=st.logout)
            return
        for provider in [] if teaches else _providers():
            label = t("login.with", lang, provider=plain(provider)) if provider else t("login.account", lang)
            key = f"login.{provider}"
            st.button(label, key=key, icon=":material/login:", type="tertiary", on_click=st.login, args=(provider,))


def _providers() -> list[str | None]:
    """Return the names of the account providers in the section ``[auth]`` of the secrets; None names the only one."""
    teachers = session.connection().environment.teachers
    if not teachers or not st.secrets.load_if_toml_exists() or "auth" not in st.secrets:
        return []
    section = st.secrets["auth"]
    if "client_id" in section:
        return [None]
    return [name for name, value in section.items() if hasattr(value, "items") and "client_id" in value]
