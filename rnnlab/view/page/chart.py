"""A chart on a page: a constant specification, its tables, what it says in words, and all that as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import folded, pictures, session, style
from rnnlab.view.page.style import enlarged


def show(spec: Mapping[str, Any], tables: Mapping[str, bytes], *, key: str, alt: str, found: str = "") -> None:
    """Draw a chart, and below it offer it as files.

    Args:
        spec: as the `charts` modules build it; it must stay the same while only the data changes, or the browser
            draws the chart anew and loses zoom and tooltip.
        tables: Arrow bytes by the names that `spec` uses, as `rnnlab.view.page.arrow.ipc` makes them.
        alt: what the chart shows and what came out, for those who cannot see it; another text has the browser draw the
            chart anew.
        found: what came out, where `alt` leaves it out: then it stands beside the chart, and the files say it.
    """
    with st.container(horizontal_alignment="right", gap=None):
        drawn = enlarged(spec, style.LARGER) if session.projector() else spec
        st.vega_lite_chart({**drawn, "datasets": dict(tables)}, key=key, alt=alt)
        _export(spec, tables, key, alt if found in alt else f"{alt} {found}")


def _export(spec: Mapping[str, Any], tables: Mapping[str, bytes], key: str, alt: str) -> None:
    # closed, it is a button and nothing else; open, its files are made when one of them is asked for
    formats: dict[str, tuple[str, Callable[[], bytes]]] = {
        "png": ("image/png", lambda: pictures.png(spec, tables, alt)),
        "svg": ("image/svg+xml", lambda: pictures.svg(spec, tables, alt)),
        "csv": ("text/csv", lambda: pictures.as_csv(tables)),
        "json": ("application/json", lambda: pictures.as_json(tables, alt)),
    }
    folded.popover(
        "chart.export",
        partial(files, key, formats),
        key=f"chart.export.{key}",
        icon=":material/download:",
        help=t("chart.export.help", session.language()),
    )


def files(key: str, formats: Mapping[str, tuple[str, Callable[[], bytes]]]) -> None:
    """Offer a chart as files, each made when it is asked for: suffix -> (MIME type, how it is made)."""
    lang = session.language()
    no_font = lang == "zh" and "png" in formats and not pictures.draws_chinese()
    for suffix, (mime, make) in formats.items():
        download(
            t(f"chart.export.{suffix}", lang),
            make,
            f"rnnlab-{key}.{suffix}",
            mime,
            key=f"chart.export.{key}.{suffix}",
            disabled=suffix == "png" and no_font,
        )
    if no_font:
        st.caption(t("error.picture_no_font", lang))


def download(
    label: str, make: Callable[[], bytes], file_name: str, mime: str, *, key: str, disabled: bool = False
) -> None:
    """Draw a button that offers a file, made when somebody asks for it; the page does not run again."""
    st.download_button(
        label,
        data=make,
        file_name=file_name,
        mime=mime,
        key=key,
        on_click="ignore",
        width="stretch",
        disabled=disabled,
    )
