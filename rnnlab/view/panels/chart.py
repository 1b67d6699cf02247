"""A chart on a page: a constant specification, its tables, and what it says in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def show(spec: Mapping[str, Any], tables: Mapping[str, bytes], *, key: str, alt: str) -> None:
    """Draw a chart.

    Args:
        spec: as `rnnlab.view.charts` builds it; it must stay the same while only the data changes, or the browser
            draws the chart anew and loses zoom and tooltip.
        tables: Arrow bytes by the names that `spec` uses, as `rnnlab.view.frames.ipc` makes them.
        alt: what the chart shows and what came out, for those who cannot see it.
    """
    st.vega_lite_chart({**spec, "datasets": dict(tables)}, key=key, alt=alt)
