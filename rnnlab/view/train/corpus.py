"""The training text: its choice, the upload, and its statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError, RNNLabError
from rnnlab.text import corpora, prefixes
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.highlight import in_code, visible
from rnnlab.view.language.i18n import plain, t
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import corpus_title
from rnnlab.view.language.tips import tip
from rnnlab.view.page import session, upload

_OWN = "corpus.own"
"""Session key of the titles of the texts that this visitor has brought."""
_NOTES = "corpus.notes"
"""Session key of what is to be said once about the text that was brought last."""
FIRST_LINE = 24
"""Longest beginning of the first line in the title of a pasted text, in characters."""


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
        format_func=titles(choices, lang).__getitem__,
        help=tip("corpus", lang),
        on_change=lambda: use(str(st.session_state[key])),
    )
    for note in st.session_state.pop(_NOTES, ()):
        st.info(t(f"note.{note.code}", lang, **note.params), icon=":material/info:")
    with st.expander(t("corpus.bring", lang), icon=":material/upload_file:"):
        _bring(use)
    if held in corpora.DOWNLOADS:
        _download(held)


def names(held: str) -> list[str]:
    """Return the texts to choose from: built in, downloaded, the visitor's own, and the chosen text `held`."""
    choices = [*corpora.EMBEDDED, *corpora.DOWNLOADS, *_own()]
    return choices if held in choices else [*choices, held]  # set by the URL or by a run


def titles(choices: Sequence[str], lang: str) -> dict[str, str]:
    """Return the title of each corpus in a menu, which are all different: the browser sends back the title."""
    found = {name: _own().get(name) or session.text_title(name) or corpus_title(name, lang) for name in choices}
    shared = {title for title, count in Counter(found.values()).items() if count > 1}
    return {
        name: f"{title} ({name.removeprefix('text-')[:6]})" if title in shared and name.startswith("text-") else title
        for name, title in found.items()
    }


def _own() -> dict[str, str]:
    # titles of the texts of this session, by name
    if _OWN not in st.session_state:  # those of an earlier visit too
        visitor = session.visitor().id
        st.session_state[_OWN] = dict(session.store().texts_of(visitor)) if visitor else {}
    own: dict[str, str] = st.session_state[_OWN]
    return own


def _bring(use: Callable[[str], None]) -> None:
    lang = session.language()
    st.caption(t("corpus.limits", lang))
    file = upload.place(t("corpus.upload", lang), key="corpus.file", refused=t("corpus.not_taken", lang))
    pasted = st.text_area(t("corpus.paste", lang), key="corpus.pasted", placeholder=t("corpus.paste_placeholder", lang))
    ready = bool(pasted) if file is None else _fits(file.size)
    shared = False
    if not session.visitor().may_all:
        shared = st.toggle(t("corpus.shared", lang), key="corpus.shared", help=t("corpus.shared.help", lang))
    if st.button(t("corpus.use", lang), key="corpus.use", type="primary", disabled=not ready):
        data = file.getvalue() if file is not None else str(pasted).encode("utf-8", "replace")
        try:
            brought = corpora.from_bytes(data, file.name if file is not None else _pasted_title(str(pasted)))
            name = _store(brought, shared)
        except RNNLabError as error:
            session.show_error(error)
        else:
            st.session_state[_OWN][name] = brought.title
            st.session_state[_NOTES] = brought.notes
            use(name)
            st.rerun()


def _pasted_title(text: str) -> str:
    """Return the title of a pasted text: its first line, and the time, as its author may paste other versions."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    start = first if len(first) <= FIRST_LINE else first[: FIRST_LINE - 1] + "…"
    return f"{visible(start)} · {session.local_time():%H:%M:%S}"


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
        CorpusError: as `corpora.from_bytes`.
        RunError: the text cannot be stored.
    """
    return _store(corpora.from_bytes(data, title))


def _store(brought: corpora.Corpus, shared: bool = False) -> str:
    return session.client().add_text(brought.text, brought.title[:80], shared)


def suit_prefixes(config: TrainConfig) -> TrainConfig:
    """Return `config` with prefixes that its text has the characters of; if they are others, the page says so once."""
    try:
        train = session.facts_of(config).train
    except CorpusError:
        return config
    chosen = prefixes.suited(config.prefixes, train) if train else config.prefixes
    if chosen != config.prefixes:
        before, after = (" | ".join(map(prefixes.brief, texts)) for texts in (config.prefixes, chosen))
        note = corpora.Note(
            "prefixes_suited", f"The text lacks characters of {before}; it is continued from {after} instead.",
            {"before": plain(before), "after": plain(after)},
        )  # fmt: skip
        st.session_state[_NOTES] = (*st.session_state.get(_NOTES, ()), note)
    return config.change(prefixes=chosen)


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


def _gone(lang: str) -> None:
    """Say what can still be done without an uploaded text; that it is gone, a page without a run says elsewhere."""
    if st.session_state.get(session.SHOWN):
        st.info(t("corpus.gone.run", lang), icon=":material/info:")
    else:
        st.caption(t("corpus.gone.setup", lang))


def describe(config: TrainConfig) -> TextFacts | None:
    """Draw the statistics of the training text and return its facts, or None without the text.

    The statistics are length, vocabulary, most frequent characters and the n-gram ladder.
    """
    lang = session.language()
    try:
        facts = session.trainable_facts(config)
    except CorpusError as error:
        if error.code == "corpus_text_gone":
            _gone(lang)
        else:
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
    frequent = "  ".join(f"{in_code(character)} {count / total:.1%}" for character, count in facts.frequent)
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
