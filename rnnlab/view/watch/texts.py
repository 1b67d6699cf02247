"""The generated texts of all prefixes, with a slider over the epochs after which they were written."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.errors import RunError
from rnnlab.runs.store import RunRecord
from rnnlab.text.prefixes import tail
from rnnlab.view.data.facts import Reading, TextFacts
from rnnlab.view.data.highlight import highlighted, literal, visible
from rnnlab.view.data.history import History
from rnnlab.view.data.thinning import thin
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.page import address, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.watch.address import ADDRESS
from rnnlab.view.watch.scenes import Scene

_ASKED = "lyrics.asked"
"""Session key of the run and the epoch in the URL, until that run is drawn."""
_FORM = Edition("lyrics.slider")
_NEWEST = -1
"""The option at the right end of the slider of a run that goes on: the newest text, whatever its epoch."""
_OWNER = "lyrics.owner"
"""Session key of the run whose epoch is in the URL; the epoch of a recording belongs to the player."""
MAX_STRIP = 16
"""Maximum number of lines of the strip, about."""
_STRIP_LENGTH, _STRIP_PREFIX = 60, 20
_MAX_LISTED = 6
"""Maximum number of epochs that a message lists."""


def arrive() -> None:
    """Read the epoch of the run in the URL when the page begins; call it before the run is looked up.

    If the run does not exist, it is removed from the URL, and its epoch with it.
    """
    address.once("texts", _read_url)


def _read_url() -> None:
    st.session_state.pop(_OWNER, None)
    run_id = ADDRESS.get("run")
    if run_id and ADDRESS.given("epoch"):
        _FORM.renew()
        st.session_state[_ASKED] = run_id, ADDRESS.get("epoch")
        st.session_state[_OWNER] = run_id


def leave(shown: RunRecord | None) -> None:
    """Remove the epoch from the URL if it belongs to another run than `shown`."""
    owner = st.session_state.get(_OWNER)
    if owner is not None and (shown is None or shown.id != owner):
        del st.session_state[_OWNER]
        ADDRESS.write(epoch=None)


def pinned(run_id: str) -> int | None:
    """Return the epoch at which the reader put the slider of a run; None if it follows the newest text."""
    epoch = st.session_state.get(_pin(run_id))
    return epoch if isinstance(epoch, int) else None


def chosen_epoch(scene: Scene) -> int | None:
    """Return the epoch whose texts are shown: the newest one, unless the reader moved the slider."""
    _answer(scene)
    written = scene.history.written()
    if not written:
        return None
    epoch = pinned(scene.id)
    return epoch if epoch in written else written[-1]


def draw(scene: Scene) -> None:
    """Draw the texts of the chosen epoch and the slider; an epoch that the reader chose is part of the URL."""
    lang, history = scene.lang, scene.history
    _write_url(scene)
    _problems(scene.id).show(stay=True)
    written = history.written()
    epoch = chosen_epoch(scene)
    if epoch is None:
        begins = "lyrics.none.trained" if scene.config.start_from else "lyrics.none"
        st.caption(t("lyrics.nothing" if scene.ended else begins, lang))
        return
    event = history.at(epoch)
    # a container, so that the browser keeps the texts when the slider appears; that of a live run is there from its
    # first text, so that they do not move
    place = st.container()
    if len(written) > 1 or not (scene.ended or scene.state == "recorded"):
        _slider(place, scene, written)
    caption = t("lyrics.after" if epoch else "lyrics.untrained", lang, epoch=epoch)
    if event is not None:
        caption += t("lyrics.at_perplexity", lang, perplexity=number(event.perplexity, 5))
    st.caption(caption)
    for place_of, (prefix, text) in enumerate(history.texts[epoch].items()):
        with st.container(border=True):
            _text(scene, epoch, prefix, text, place_of)


def _text(scene: Scene, epoch: int, prefix: str, text: str, place: int) -> None:
    lang = scene.lang
    reading = scene.read(epoch, prefix)
    if reading is None:
        st.html(highlighted(text, prefix, lang=lang))
        return
    st.html(reading.html)
    facts = [copied(reading, lang)]
    if reading.blanks:
        facts.append(t("lyrics.blanks", lang, count=reading.blanks, length=reading.length))
    note = " · ".join(facts)
    if reading.loop:
        note = f":orange-badge[:material/loop: {t('lyrics.loop', lang, period=reading.loop)}] {note}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(note, width="content")
        if reading.quotes and scene.text is not None:
            sources(reading, scene.text, lang, key=f"lyrics.sources.{scene.id}.{place}")


def strip(history: History, lang: str, key: str, epoch: int | None = None) -> None:
    """Draw what a network wrote in the course of its training: the text from the first prefix, a line for each epoch.

    Args:
        history: the run so far.
        lang: the language.
        key: distinguishes several strips on a page.
        epoch: the epoch whose line is emphasised, because its texts are shown in full.
    """
    written = history.written()
    if not written:
        return
    lines = []
    for at in thinned(written):
        prefix, written_text = next(iter(history.texts[at].items()))
        text = html.escape(visible(tail(written_text, prefix, _STRIP_PREFIX)[:_STRIP_LENGTH]))
        number_of = f"<strong>{at}</strong>" if at == epoch else str(at)
        lines.append(f'<p translate="no" style="margin:0">{number_of} {text}</p>')
    with st.container(key=f"strip.{key}"):
        st.caption(t("lyrics.strip", lang))
        st.html("".join(lines))


def thinned(written: Sequence[int]) -> list[int]:
    """Return at most `MAX_STRIP` of the epochs with texts: all early ones, then evenly spaced ones, and the last."""
    return [written[index] for index in thin(len(written), MAX_STRIP, range(min(len(written), 6)))]


def copied(reading: Reading, lang: str) -> str:
    """Return the sentence on the share of a text that is quoted, and on the longest quote."""
    sentence = t("lyrics.quoted", lang, share=f"{reading.coverage:.0%}")
    return f"{sentence} · {t('lyrics.longest', lang, count=reading.longest)}" if reading.longest else sentence


def sources(reading: Reading, text: TextFacts, lang: str, key: str) -> None:
    """Draw the sources of all quotes, for readers who cannot hover."""
    with st.popover(t("lyrics.sources", lang), icon=":material/format_quote:", type="tertiary", key=key):
        st.caption(t("lyrics.sources.note", lang, length=text.quote_length))
        for quote, source in dict.fromkeys(reading.quotes):
            st.markdown(f"{literal(quote)}  \n:small[:gray[{plain(t('lyrics.quoted_from', lang, source=source))}]]")


def _answer(scene: Scene) -> None:
    """Move the slider to the epoch in the URL, once; report an epoch without texts."""
    run_id, requested = st.session_state.get(_ASKED, (None, ""))
    if run_id != scene.id:
        return
    del st.session_state[_ASKED]
    _problems(scene.id).clear()
    written = {str(epoch): epoch for epoch in scene.history.written()}
    epoch = written.get(requested.strip())
    st.session_state[_pin(scene.id)] = epoch
    if epoch is None:
        _problems(scene.id).add(_refusal(requested.strip()[:20], list(written)))


def _refusal(requested: str, written: list[str]) -> RunError:
    if not written:
        return RunError(
            "epoch_nothing_yet", f"The run has written nothing yet, at {requested!r} neither.", epoch=requested
        )
    named = written if len(written) <= _MAX_LISTED else [*written[: _MAX_LISTED - 2], "…", written[-1]]
    allowed = ", ".join(named)
    return RunError(
        "epoch_unwritten", f"The run wrote nothing after epoch {requested!r}; it did after {allowed}.", epoch=requested,
        allowed=allowed,
    )  # fmt: skip


def _write_url(scene: Scene) -> None:
    if scene.state == "recorded":
        return
    epoch = pinned(scene.id)
    if epoch not in scene.history.texts:
        epoch = None
    if epoch is None:
        st.session_state.pop(_OWNER, None)
    else:
        st.session_state[_OWNER] = scene.id
    ADDRESS.write(epoch=None if epoch is None else str(epoch))


def _pin(run_id: str) -> str:
    return f"lyrics.pinned.{run_id}"


def _problems(run_id: str) -> Problems:
    return Problems(f"lyrics.{run_id}")


def _slider(place: DeltaGenerator, scene: Scene, written: list[int]) -> None:
    """Draw the slider over the epochs with texts.

    While the run is live, the last option is "newest", which always shows the newest text. The widget keeps its key
    when texts are added, because a new widget would end a drag that is under way.
    """
    lang = scene.lang
    epochs = written if scene.ended else [*written, _NEWEST]
    key = session.key(_FORM.key(f"{scene.id}.{'all' if scene.ended else 'so_far'}"))
    position = pinned(scene.id)
    place.select_slider(
        t("lyrics.slider", lang),
        epochs,
        position if position in epochs else epochs[-1],
        key=key,
        format_func=lambda epoch: t("lyrics.newest", lang) if epoch == _NEWEST else str(epoch),
        on_change=_moved,
        args=(key, scene.id, epochs[-1]),
        help=t("lyrics.slider.help", lang),
    )


def _moved(slider: str, run_id: str, newest: int) -> None:
    value = st.session_state.get(slider)
    st.session_state[_pin(run_id)] = None if value == newest else value
    _problems(run_id).clear()
