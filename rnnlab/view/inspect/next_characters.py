"""The next character after the chosen one: the network's prediction and the counts in the training text."""

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
    """Draw the prediction after the character at `at`."""
    lang = session.language()
    text, prediction = answer["text"], answer["next"][at]
    actual = text[at + 1] if at + 1 < len(text) else None
    top = [(str(character), float(probability)) for character, probability in prediction["top"]]
    st.header(t("inspect.next.title", lang, character=literal(text[at])), anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        rows = _rows(top, actual, prediction["surprise"], text[at], successors, lang)
        candidates = t("list.join", lang).join(
            f"{visible(character)} {probability_text(probability)}" for character, probability in top
        )
        chart.show(
            charts.candidates(lang, session.theme()),
            {"candidates": ipc(rows, CANDIDATES)},
            key="inspect.candidates",
            alt=t("inspect.candidates.alt", lang, candidates=candidates),
        )
        st.caption(t("inspect.candidates.legend", lang))
    with right:
        st.markdown(next_sentence(top, actual, prediction["surprise"], lang))
        st.markdown(entropy_sentence(prediction["entropy"], lang))
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
    """Return the columns of the chart: the most probable characters and the actual one, if it is not among them."""
    probability = dict(top)
    characters = list(probability)
    if actual is not None and surprise is not None and actual not in probability:
        characters.append(actual)
        probability[actual] = math.exp(-surprise)
    counts = successors.after(last) if successors is not None else None
    total = counts.total() if counts else 0
    shares = [counts[character] / total if counts and total else None for character in characters]
    return {
        # the number in front keeps the order; the arrow marks the actual character
        "rank": [
            f"{place}{'→ ' if character == actual else ''}{visible(character)}"
            for place, character in enumerate(characters)
        ],
        "probability": [probability[character] for character in characters],
        "share": shares,
        "shown": [probability_text(probability[character]) for character in characters],
        "counted": ["–" if share is None else probability_text(share) for share in shares],
    }
