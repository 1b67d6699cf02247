"""Share and export a run: its links with a QR code, and its files, each made on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.events import Event
from rnnlab.runs import export, logbook, portable, script
from rnnlab.runs.store import RunRecord, Store
from rnnlab.text import corpora
from rnnlab.view.language.i18n import error_text, t
from rnnlab.view.language.numbers import number
from rnnlab.view.page import chart, folded, names, pictures, session, share
from rnnlab.view.page.share import address
from rnnlab.view.watch import charts, scenes, texts


def links(record: RunRecord) -> None:
    """Draw the links of a run: to watch it, with a QR code; at the epoch of the slider; and to open its setup."""
    lang = session.language()
    watch = address("train", {"run": record.id, "lang": lang})
    st.caption(t("share.watch", lang))
    share.draw(watch)
    if session.may_steer(record):
        share.to_another_device(record.id)
    epoch = texts.pinned(record.id)
    if epoch is not None:
        st.caption(t("lyrics.share", lang, epoch=epoch))
        at_epoch = address("train", {"run": record.id, "epoch": str(epoch), "lang": lang})
        st.code(at_epoch, language=None, wrap_lines=True)
    st.caption(t("share.setup", lang))
    recipe = names.recipe_of(record)
    changes = record.config.changes_from(recipe.config)
    try:
        st.code(address("train", {"recipe": recipe.id, **changes, "lang": lang}), language=None, wrap_lines=True)
    except RNNLabError as error:
        st.caption(error_text(error, lang))


def exports(record: RunRecord, quiet: bool = False) -> None:
    """Draw the popover with the files of a run; its contents are made when it is opened."""
    folded.popover(
        "controls.export",
        partial(_files, record),
        key=f"export.{record.id}",
        icon=":material/download:",
        quiet=quiet,
    )


def _files(record: RunRecord) -> None:
    lang, store = session.language(), session.store()
    checkpoints = store.checkpoints(record.id)
    corpus = record.config.corpus
    has_text = corpus in corpora.corpus_names() or store.text_title(corpus) is not None
    no_font = lang == "zh" and not pictures.draws_chinese()
    missing = {
        "checkpoint": "" if checkpoints else t("export.no_checkpoint", lang),
        "start": "" if checkpoints and checkpoints[0][:2] == (0, 0) else t("export.no_checkpoint", lang),
        "script": "" if has_text else t("export.no_text", lang),
        "png": t("error.picture_no_font", lang) if no_font else "",
        "svg": "",
    }
    if not session.may_read(corpus):  # the weights of a network may have learnt it by heart
        missing |= dict.fromkeys(("script", "checkpoint", "start"), t("error.text_not_yours", lang))
    if not record.epoch:
        missing |= dict.fromkeys(("png", "svg"), t("runs.no_epoch", lang))
    makers: dict[str, Callable[[], bytes]] = {
        **{name: _later(make, store, record.id) for name, (_, _, make) in _TEXTS.items()},
        "checkpoint": lambda: portable.exported(store, record.id, session.client().environment.corpus_folders),
        **({"start": lambda: script.starting_weights(store, record.id)} if record.config.start_from else {}),
        **_curve(record),
    }
    for name, make in makers.items():
        suffix, mime = _FORMATS[name]
        chart.download(
            t(f"export.{name}", lang),
            make,
            script.start_file_name(record.id) if name == "start" else f"{names.file_stem(record)}.{suffix}",
            mime,
            key=f"export.{name}.{record.id}",
            disabled=bool(missing.get(name)),
        )
    for reason in dict.fromkeys(filter(None, missing.values())):
        st.caption(reason)


def _curve(record: RunRecord) -> dict[str, Callable[[], bytes]]:
    """Return the functions that make the run's curve as a picture, by suffix."""
    lang = session.language()
    scene = scenes.feed(record.id).scene(record, lang, "light")
    spec = charts.perplexity_curve(lang, "light")
    last = scene.history.last
    shows = t("chart.curve_alt", lang)
    if last is not None:
        shows += " " + t("chart.curve_now", lang, epoch=last.epoch, perplexity=number(last.perplexity, 5))

    def draw(picture: Callable[[Mapping[str, Any], Mapping[str, bytes], str], bytes]) -> Callable[[], bytes]:
        return lambda: picture(spec, scene.curve_tables(None), shows)

    return {"png": draw(pictures.png), "svg": draw(pictures.svg)}


def _events(store: Store, run_id: str) -> list[Event]:
    return [event for _, event in store.events_since(run_id)]


def _log(store: Store, run_id: str) -> str:
    return logbook.book_log(_events(store, run_id), store.run(run_id).config.pred_period)


def _json(store: Store, run_id: str) -> str:
    return export.to_json(export.export_run(store, run_id, session.client().environment.corpus_folders))


_TEXTS: dict[str, tuple[str, str, Callable[[Store, str], str]]] = {
    "json": ("json", "application/json", _json),
    "csv": ("csv", "text/csv", lambda store, run: logbook.epoch_table(_events(store, run))),
    "log": ("txt", "text/plain", _log),
    "script": ("py", "text/x-python", script.script),
}
_FORMATS = {
    **{name: (suffix, mime) for name, (suffix, mime, _) in _TEXTS.items()},
    "checkpoint": ("safetensors", "application/octet-stream"),
    "start": ("safetensors", "application/octet-stream"),
    "png": ("png", "image/png"),
    "svg": ("svg", "image/svg+xml"),
}


def _later(make: Callable[[Store, str], str], store: Store, run_id: str) -> Callable[[], bytes]:
    return lambda: make(store, run_id).encode("utf-8")
