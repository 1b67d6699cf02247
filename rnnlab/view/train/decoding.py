"""Generate text from a trained network with other decoding settings, without retraining."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import get_args

import streamlit as st

from rnnlab.config import MAX_PREFIX, TrainConfig
from rnnlab.errors import CorpusError, RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import networks
from rnnlab.view.data.highlight import highlighted
from rnnlab.view.data.identity import Identity
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import value_text
from rnnlab.view.language.tips import tip
from rnnlab.view.page import answers, session
from rnnlab.view.page.forms import Edition
from rnnlab.view.train import passage
from rnnlab.view.watch import texts


def draw(record: RunRecord) -> None:
    """Draw the choice of a checkpoint of a run, a prefix and decoding settings, and the generated text."""
    # complete epochs; None is the newest checkpoint, which may be inside an epoch after a stop
    checkpoints = session.store().checkpoints(record.id)
    epochs: list[int | None] = sorted({epoch for epoch, minibatch, _ in checkpoints if minibatch == 0})  # type: ignore[assignment]
    if checkpoints and checkpoints[-1][1] != 0:
        epochs.append(None)
    if epochs:
        _draw(Identity.of_run(record.id), record.config, epochs, session.store().best_epoch(record.id))
    else:
        st.caption(t("decoding.none", session.language()))


def draw_recorded(name: str) -> None:
    """Draw the same for the recording of a recipe whose network ships with the app, one of `networks.names`."""
    _draw(Identity.of_recording(name), RECIPES[name].config, networks.epochs(name))
    st.caption(t("decoding.shipped", session.language()))


def _draw(identity: Identity, config: TrainConfig, epochs: Sequence[int | None], best: int | None = None) -> None:
    lang, where = session.language(), f"decoding.{identity.pin}"
    passage.choose(config, where, partial(_use_passage, where))
    with st.form(where, border=False):
        left, middle, right = st.columns(3)
        epoch = left.selectbox(
            t("decoding.epoch", lang),
            epochs,
            epochs.index(best) if best in epochs else len(epochs) - 1,
            format_func=lambda epoch: _label(epoch, best, lang),
        )
        prefix = middle.text_input(
            t("decoding.prefix", lang),
            st.session_state.get(f"{where}.passage", config.prefixes[0]),
            max_chars=MAX_PREFIX,
            key=Edition(where).key("prefix"),
        )
        length = right.number_input(
            t("field.num_preds", lang), 1, 500, max(config.num_preds, 1), step=10, help=tip("num_preds", lang)
        )
        how = left.selectbox(
            t("field.decoding", lang),
            list(get_args(TrainConfig.model_fields["decoding"].annotation)),
            index=1,
            format_func=lambda name: value_text("decoding", name, lang),
            help=tip("decoding", lang),
        )
        temperature = middle.slider(t("field.temperature", lang), 0.1, 2.0, 0.8, 0.1, help=tip("temperature", lang))
        top_k = right.slider(t("field.top_k", lang), 1, 50, 5, help=tip("top_k", lang))
        seed = left.number_input(t("decoding.seed", lang), 0, 2**31 - 1, 0)
        submitted = st.form_submit_button(t("decoding.write", lang), type="primary", icon=":material/edit:")
    if not submitted:
        st.caption(t("decoding.note", lang))
        return
    try:
        with st.spinner(t("decoding.writing", lang)):
            text = answers.generate(
                identity, prefix, int(length), how, float(temperature), int(top_k), int(seed), epoch
            )
    except RNNLabError as error:
        session.show_error(error)
        return
    written = text[: len(text) - int(length)]  # the prefix as the training text spells it
    try:
        facts = session.facts_of(config)
        reading = facts.read(text, written, lang)
    except CorpusError:
        st.html(highlighted(text, written, lang=lang))
        return
    st.html(reading.html)
    st.caption(texts.copied(reading, lang))
    if reading.quotes:
        texts.sources(reading, facts, lang, key=f"{where}.sources")


def _use_passage(where: str, text: str) -> None:
    st.session_state[f"{where}.passage"] = text
    Edition(where).renew()


def _label(epoch: int | None, best: int | None, lang: str) -> str:
    if epoch is None:
        return t("decoding.newest", lang)
    return t("decoding.best", lang, epoch=epoch) if epoch == best else str(epoch)
