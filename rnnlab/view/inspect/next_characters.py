"""The next character at the chosen place: what the network expects, and what the training text holds."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import streamlit as st

from rnnlab.view.data.highlight import literal, visible
from rnnlab.view.inspect import charts
from rnnlab.view.inspect.measures import Successors
from rnnlab.view.inspect.sentences import agreement, entropy_sentence, next_sentence
from rnnlab.view.language.i18n import t
from rnnlab.view.language.numbers import probability_text
from rnnlab.view.page import chart, session
from rnnlab.view.page.arrow import ipc

_F, _S = pa.float64(), pa.string()
CANDIDATES = {"rank": _S, "probability": _F, "share": _F, "shown": _S, "counted": _S}


def draw(answer: dict[str, Any], at: int, successors: Successors | None) -> None:
    """Show what comes after the character at `at`."""
    lang = session.language()
    text, found = answer["text"], answer["next"][at]
    actual = text[at + 1] if at + 1 < len(text) else None
    top = [(str(character), float(probability)) for character, probability in found["top"]]
    st.subheader(t("inspect.next.title", lang, character=literal(text[at])), anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        rows = _rows(top, actual, found["surprise"], text[at], successors, lang)
        said = t("list.join", lang).join(
            f"{visible(character)} {probability_text(probability)}" for character, probability in top
        )
        chart.show(
            charts.candidates(lang, session.theme()),
            {"candidates": ipc(rows, CANDIDATES)},
            key="inspect.candidates",
            alt=t("inspect.candidates.alt", lang, candidates=said),
        )
        st.caption(t("inspect.candidates.legend", lang))
    with right:
        st.markdown(next_sentence(top, actual, found["surprise"], lang))
        st.markdown(entropy_sentence(found["entropy"], lang))
        if successors is None:
            st.caption(t("inspect.counts.absent", lang))
        else:
            st.markdown(agreement(text[: at + 1], top, successors, lang))


def _rows(
    top: list[tuple[str, float]],
    actual: str | None,
    surprise: float | None,
    last: str,
    successors: Successors | None,
    lang: str,
) -> dict[str, list[Any]]:
    """Return the columns of the chart: the first five, and what really comes next where it is not among them."""
    probability = dict(top)
    characters = list(probability)
    if actual is not None and surprise is not None and actual not in probability:
        characters.append(actual)
        probability[actual] = math.exp(-surprise)
    counts = successors.after(last) if successors is not None else None
    total = counts.total() if counts else 0
    shares = [counts[one] / total if counts and total else None for one in characters]
    return {
        # a number in front keeps the order; the arrow marks what the text has
        "rank": [f"{place}{'→ ' if one == actual else ''}{visible(one)}" for place, one in enumerate(characters)],
        "probability": [probability[one] for one in characters],
        "share": shares,
        "shown": [probability_text(probability[one]) for one in characters],
        "counted": ["–" if share is None else probability_text(share) for share in shares],
    }
