"""What the network writes: both prefixes at every prediction period, with a slider through the history."""

from __future__ import annotations

import streamlit as st

from rnnlab.view.facts import Reading, TextFacts
from rnnlab.view.highlight import highlighted, visible
from rnnlab.view.i18n import number, plain, t
from rnnlab.view.live import Scene


def chosen_epoch(scene: Scene) -> int | None:
    """Return the epoch whose texts the reader looks at: the newest one, unless the slider was moved."""
    written = scene.history.written()
    if not written:
        return None
    pinned = st.session_state.get(_pin(scene))
    return pinned if pinned in written else written[-1]


def draw(scene: Scene) -> None:
    """Show the texts of the chosen epoch and the slider."""
    lang, history = scene.lang, scene.history
    written = history.written()
    epoch = chosen_epoch(scene)
    if epoch is None:
        st.caption(t("lyrics.none", lang, period=scene.config.pred_period))
        return
    event = history.at(epoch)
    if len(written) > 1:
        key = _slider(scene, written)
        st.select_slider(
            t("lyrics.slider", lang),
            written,
            epoch,
            key=key,
            format_func=lambda one: str(one),
            on_change=_moved,
            args=(key, _pin(scene), written[-1]),
            help=t("lyrics.slider.help", lang),
        )
    caption = t("lyrics.after", lang, epoch=epoch)
    if event is not None:
        caption += t("lyrics.at_perplexity", lang, perplexity=number(event.perplexity, 5))
    st.caption(caption)
    for prefix, text in history.texts[epoch].items():
        with st.container(border=True):
            _text(scene, epoch, prefix, text)


def _text(scene: Scene, epoch: int, prefix: str, text: str) -> None:
    lang = scene.lang
    reading = scene.read(epoch, prefix)
    if reading is None:
        st.html(highlighted(text, prefix, lang=lang))
        return
    st.html(reading.html)
    facts = [t("lyrics.quoted", lang, share=f"{reading.coverage:.0%}")]
    if reading.blanks:
        facts.append(t("lyrics.blanks", lang, count=reading.blanks, length=reading.length))
    note = " · ".join(facts)
    if reading.loop:
        note = f":orange-badge[:material/loop: {t('lyrics.loop', lang, period=reading.loop)}] {note}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(note, width="content")
        if reading.quotes and scene.text is not None:
            sources(reading, scene.text, lang, key=f"lyrics.sources.{scene.id}.{prefix}")


def sources(reading: Reading, text: TextFacts, lang: str, key: str) -> None:
    """Offer the source of every quote, for readers who cannot hover."""
    with st.popover(t("lyrics.sources", lang), icon=":material/format_quote:", type="tertiary", key=key):
        st.caption(t("lyrics.sources.note", lang, length=text.quote_length))
        for quote, source in dict.fromkeys(reading.quotes):
            st.markdown(
                f"{plain(visible(quote))}  \n:small[:gray[{plain(t('lyrics.quoted_from', lang, source=source))}]]"
            )


def _pin(scene: Scene) -> str:
    return f"lyrics.pinned.{scene.id}"


def _slider(scene: Scene, written: list[int]) -> str:
    # while it follows the run, each new text brings a new slider. To move the old one by the session's state is not
    # safe: a refresh that was on its way would bring its old place back, as if a reader had moved it there
    pinned, anchor = st.session_state.get(_pin(scene)), f"lyrics.anchor.{scene.id}"
    if pinned not in written or anchor not in st.session_state:
        st.session_state[anchor] = written[-1]
    return f"lyrics.slider.{scene.id}.{st.session_state[anchor]}"


def _moved(slider: str, pin: str, newest: int) -> None:
    value = st.session_state.get(slider)
    st.session_state[pin] = None if value == newest else value
