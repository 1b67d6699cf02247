"""The training text: its choice, the upload, and its statistics."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RNNLabError
from rnnlab.text import corpora
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.highlight import visible
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import corpus_title
from rnnlab.view.language.tips import tip
from rnnlab.view.page import session, upload

_OWN = "corpus.own"


def choose(key: str, held: str, use: Callable[[str], None]) -> None:
    """Draw the choice of the corpus with the widget `key`, and the upload of another text.

    Args:
        key: key of the widget.
        held: name of the corpus initially.
        use: called with the name of another corpus.
    """
    lang = session.language()
    held = st.session_state.get(key, held)
    choices = names(held)
    st.selectbox(
        t("field.corpus", lang),
        choices,
        choices.index(held),
        key=key,
        format_func=lambda name: title(name, lang),
        help=tip("corpus", lang),
    )
    with st.expander(t("corpus.bring", lang), icon=":material/upload_file:"):
        _bring(use)
    if held in corpora.DOWNLOADS:
        _download(held)


def names(held: str) -> list[str]:
    """Return the texts to choose from: built in, downloaded, the visitor's own, and the chosen text `held`."""
    choices = [*corpora.EMBEDDED, *corpora.DOWNLOADS, *_own()]
    return choices if held in choices else [*choices, held]  # set by the URL or by a run


def title(name: str, lang: str) -> str:
    """Return the title of a text."""
    return _own().get(name) or session.text_title(name) or corpus_title(name, lang)


def _own() -> dict[str, str]:
    # titles of the texts of this session, by name
    titles: dict[str, str] = st.session_state.setdefault(_OWN, {})
    return titles


def _bring(use: Callable[[str], None]) -> None:
    lang = session.language()
    st.caption(t("corpus.limits", lang))
    file = upload.place(t("corpus.upload", lang), key="corpus.file", refused=t("corpus.not_taken", lang))
    pasted = st.text_area(t("corpus.paste", lang), key="corpus.pasted", placeholder=t("corpus.paste_placeholder", lang))
    ready = bool(pasted) if file is None else _fits(file.size)
    if st.button(t("corpus.use", lang), key="corpus.use", type="primary", disabled=not ready):
        data = file.getvalue() if file is not None else str(pasted).encode("utf-8", "replace")
        title = file.name if file is not None else t("corpus.pasted_title", lang)
        try:
            name = keep(data, title)
        except RNNLabError as error:
            session.show_error(error)
        else:
            st.session_state[_OWN][name] = title
            use(name)
            st.rerun()


def _fits(size: int) -> bool:
    """Return whether a file has an allowed size, with a message at once if not."""
    try:
        corpora.check_size(size)
    except CorpusError as error:
        session.show_error(error)
        return False
    return True


def keep(data: bytes, title: str) -> str:
    """Store an uploaded text and return its name.

    Raises:
        CorpusError: the text is empty, binary, too large, or has only one distinct character.
        RunError: the text cannot be stored.
    """
    text = corpora.decode(data)
    corpora.check_variety(text)
    return session.client().add_text(text, title[:80])


def _download(name: str) -> None:
    lang = session.language()
    try:
        corpora.load(name, folders=session.client().environment.corpus_folders)
    except CorpusError:
        pass
    else:
        return
    st.info(f"{t(f'corpus.{name}.consent', lang)}\n\n{_origin(name, lang)}", icon=":material/download:")
    agreed = st.checkbox(t("corpus.agree", lang), key=f"corpus.agree.{name}")
    if st.button(t("corpus.download", lang), key="corpus.download", disabled=not agreed, width="stretch"):
        try:
            with st.spinner(t("corpus.downloading", lang)):
                corpora.download(name, session.client().environment.corpus_folder)
        except CorpusError as error:
            session.show_error(error)
        else:
            st.rerun()


def _origin(name: str, lang: str) -> str:
    """Return the text on the source and the licence of a registered corpus."""
    entry = corpora.info(name)
    return t("corpus.origin", lang, attribution=entry.attributions[lang], rights=entry.rights[lang])


def check(config: TrainConfig) -> TextFacts:
    """Return the facts of the training text.

    Raises:
        CorpusError: the text is missing, or too short for these settings.
    """
    facts = session.facts().of(config)
    corpora.check_trainable(facts.train, config)
    return facts


def describe(config: TrainConfig) -> TextFacts | None:
    """Draw the statistics of the training text and return its facts, or None without the text.

    The statistics are length, vocabulary, most frequent characters and the n-gram ladder.
    """
    lang = session.language()
    try:
        facts = check(config)
    except CorpusError as error:
        session.show_error(error)
        return None
    st.markdown(
        t(
            "corpus.portrait",
            lang,
            title=plain(session.text_title(config.corpus) or corpus_title(config.corpus, lang)),
            length=f"{len(facts.train):,}",
            held_out=f"{len(facts.held_out):,}",
            vocab=f"{facts.vocab_size:,}",
        )
    )
    if config.corpus in corpora.corpus_names():
        st.caption(_origin(config.corpus, lang))
    total = max(len(facts.train), 1)
    frequent = "  ".join(f"`{visible(character)}` {count / total:.1%}" for character, count in facts.frequent)
    st.markdown(t("corpus.frequent", lang, characters=frequent))
    st.table(
        {
            t("corpus.knows", lang): [t(f"ngram.{order}.knows", lang) for order in facts.ladder],
            t("chart.perplexity", lang): [number(value) for value in facts.ladder.values()],
        },
        border="horizontal",
    )
    st.caption(t("corpus.ladder_note", lang))
    return facts
