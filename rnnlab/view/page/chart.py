"""A chart on a page: a constant specification, its tables, its description, and its export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.page import folded, pictures, plot, session, style
from rnnlab.view.page.style import enlarged


def notes(sentences: Sequence[str], key: str) -> None:
    """Draw the sentences below a chart, and how to zoom it, which the style of the page hides where there is no mouse.

    Args:
        sentences: sentences about the chart; empty strings are left out.
        key: first part of the keys of both elements.
    """
    with st.container(key=f"{key}.caption", horizontal=True, gap="small"):
        if said := together(session.language(), *sentences):
            st.caption(said, width="content")
        with st.container(key=f"{key}.hint", width="content"):
            st.caption(t("chart.zoom", session.language()), width="content")


def show(
    spec: Mapping[str, Any],
    tables: Mapping[str, bytes],
    *,
    key: str,
    alt: str,
    finding: str = "",
    figures: Mapping[str, Any] | None = None,
    board: Mapping[str, Sequence[str]] | None = None,
    note: tuple[str, str] | None = None,
    events: plot.Events | None = None,
    tall: bool = False,
) -> None:
    """Draw a chart, with a menu to download it.

    The chart component draws it where the server has its routes, otherwise Streamlit's own chart.

    Args:
        spec: a specification from a `charts` module; it must stay the same while only the data changes, or the browser
            rebuilds the chart and loses zoom and tooltip.
        tables: Arrow bytes by the table names in `spec`, see `rnnlab.view.page.arrow.ipc`.
        key: key of the widget.
        alt: description of the chart and its result for screen readers; a changed text makes the browser rebuild the
            chart.
        finding: the result, if `alt` leaves it out because the page shows it beside the chart; exported files
            include it.
        figures: texts above the chart, which only the component draws; see `plot.draw`.
        board: a table above the chart: texts by column, which are not Markdown.
        note: the name and the text of a sentence below the chart.
        events: where the component gets the events of live runs.
        tall: whether the component draws the chart as high as the screen allows.
    """
    with st.container(gap=None, key=f"chart.{key}"):
        factor = style.LARGER if session.projector() or session.stage() else 1.0
        drawn = enlarged(spec, factor) if factor > 1 else spec
        if plot.served():
            described = f"{alt} {finding}" if finding and finding not in alt else alt
            plot.draw(
                drawn, tables, key=key, alt=described, theme=session.theme(), factor=factor, figures=figures,
                board=board, note=note, events=events, tall=tall,
            )  # fmt: skip
        else:
            if board is not None:
                st.table({plain(name): [plain(text) for text in column] for name, column in board.items()})
            st.vega_lite_chart({**drawn, "datasets": dict(tables)}, key=key, alt=alt)
            if note is not None:
                st.caption(plain(note[1]))
        with st.container(horizontal_alignment="right", key=f"chart.menu.{key}"):
            _export(spec, tables, key, alt if finding in alt else f"{alt} {finding}")


def _export(spec: Mapping[str, Any], tables: Mapping[str, bytes], key: str, alt: str) -> None:
    # closed, the menu is only a button; open, each file is made on request
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
    """Draw the menu of a chart's files, each made on request.

    Args:
        key: prefix of the widgets' keys.
        formats: MIME type and function that makes the file, by suffix.
    """
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
    """Draw a download button whose file is made on request, without running the page again."""
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
