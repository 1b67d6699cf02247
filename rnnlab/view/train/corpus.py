"""The text: choosing it, bringing one's own, and what is known of it before any training."""

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
    """Draw the choice of the corpus, its widget named `key`, and the way to one's own text.

    Args:
        key: of the widget.
        held: the name of the corpus at first.
        use: sets the corpus to another one.
    """
    lang = session.language()
    own: dict[str, str] = st.session_state.setdefault(_OWN, {})
    names = [*corpora.EMBEDDED, *corpora.DOWNLOADS, *own]
    held = st.session_state.get(key, held)
    if held not in names:  # from the URL or from a run
        names.append(held)
    st.selectbox(
        t("field.corpus", lang),
        names,
        names.index(held),
        key=key,
        format_func=lambda one: own.get(one) or session.text_title(one) or corpus_title(one, lang),
        help=tip("corpus", lang),
    )
    with st.expander(t("corpus.bring", lang), icon=":material/upload_file:"):
        _bring(use)
    if held in corpora.DOWNLOADS:
        _download(held)


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
            session.complain(error)
        else:
            st.session_state[_OWN][name] = title
            use(name)
            st.rerun()


def _fits(size: int) -> bool:
    """Say at once, before anybody presses a button, where a file is too large or empty."""
    try:
        corpora.check_size(size)
    except CorpusError as error:
        session.complain(error)
        return False
    return True


def keep(data: bytes, title: str) -> str:
    """Keep a text that a person brought and return its name.

    Raises:
        CorpusError: empty, binary, too large, or a single distinct character.
        RunError: it cannot be kept.
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
            session.complain(error)
        else:
            st.rerun()


def _origin(name: str, lang: str) -> str:
    """Say where a registered text comes from and who may use it."""
    entry = corpora.info(name)
    return t("corpus.origin", lang, attribution=entry.attributions[lang], rights=entry.rights[lang])


def portrait(config: TrainConfig) -> TextFacts | None:
    """Show what is known of the training text: length, vocabulary, most frequent characters, the n-gram ladder."""
    lang = session.language()
    try:
        facts = session.facts().of(config)
        corpora.check_trainable(facts.train, config)
    except CorpusError as error:
        session.complain(error)
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
    frequent = "  ".join(f"`{visible(one)}` {count / total:.1%}" for one, count in facts.frequent)
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
