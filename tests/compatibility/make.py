"""Make the compatibility fixtures with the code of this checkout: ``python -m tests.compatibility.make OUT``.

Writes into the new folder OUT:

- ``fixtures.tar.gz``: a stored home (``home/``) and exported files (``exports/``);
- ``expected.json``: what the code of this checkout reads from the runs;
- ``links.json``: the links of each page, with what each shows.

The networks are tiny and train on the project's own texts, so that everything takes a few seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnlab.config import TrainConfig
from rnnlab.events import Event
from rnnlab.runs import export, logbook, script
from rnnlab.runs.client import Client
from rnnlab.runs.store import Store
from tests.runs.lab import opened

BASE = TrainConfig.make(
    corpus="verse-en",
    num_chars=600,
    num_hiddens=8,
    num_steps=5,
    batch_size=8,
    learning_rate=100.0,
    num_epochs=6,
    pred_period=2,
    num_preds=12,
    prefixes=("the", "a"),
)
TEXT = (
    """The tide goes out, the tide comes in, the pebbles knock upon the shore.
The lamp is lit, the lamp is dim, the night is as it was before.
潮起潮落，石子轻轻敲着海岸。灯亮了又暗，夜色一如从前。
"""
    * 8
)
EVERY_SETTING = {
    "cell": "lstm",
    "implementation": "library",
    "num_layers": "2",
    "bidirectional": "true",
    "num_hiddens": "16",
    "activation": "relu",
    "initialization": "orthogonal",
    "residual": "true",
    "layer_norm": "true",
    "forget_bias": "1.5",
    "sampling": "random",
    "offset": "random",
    "num_steps": "20",
    "batch_size": "8",
    "optimizer": "adam",
    "learning_rate": "0.002",
    "clip_norm": "none",
    "carry_state": "true",
    "objective": "cloze",
    "num_epochs": "30",
    "pred_period": "7",
    "num_preds": "11",
    "prefixes": "the|sea",
    "decoding": "top_k",
    "temperature": "0.7",
    "top_k": "3",
    "corpus": "verse-en",
    "preprocessing": "second_edition",
    "num_chars": "900",
    "random_seed": "4",
    "device": "auto",
    "precision": "float64",
    "flush_denormal": "false",
}
"""All settings except `detach` (excluded by random sampling), each with another value than in recipe A2."""


def wait(client: Client, run_id: str, reached: Callable[[Event], bool], cursor: int = 0) -> int:
    """Follow a run until an event is `reached`; return its sequence number.

    Raises:
        RuntimeError: the run ended before the event.
    """
    while True:
        version = client.store.version(run_id)
        for seq, event in client.store.events_since(run_id, cursor):
            cursor = seq
            if reached(event):
                return cursor
        if not client.store.run(run_id).live:
            raise RuntimeError(f"run {run_id} ended too early: {client.store.events_since(run_id)[-3:]}")
        client.wait(run_id, version)


def of_kind(*kinds: str) -> Callable[[Event], bool]:
    """Return a condition for `wait`: an event of one of `kinds`."""
    return lambda event: event.kind in kinds


def train(client: Client, config: TrainConfig, **about: Any) -> str:
    """Train a network until it is finished, and return the id of the run."""
    run_id = client.create(config, **about)
    for _ in client.follow(run_id):
        pass
    return run_id


def train_paused(client: Client, config: TrainConfig, **about: Any) -> tuple[str, int]:
    """Start a run, pause it, and return its id and the number of its last event."""
    run_id = client.create(config, **about)
    client.pause(run_id)
    return run_id, wait(client, run_id, of_kind("run_paused"))


def make_runs(client: Client) -> dict[str, str]:
    """Make one run of each kind and return the ids by kind."""
    finished = train(client, BASE, based_on="A2", language="en", owner="somebody")
    client.rename(finished, "Verse to its end")
    client.star(finished, True)

    stopped, seq = train_paused(client, BASE.change(cell="gru", num_epochs=12), based_on="A4", language="en")
    while client.store.run(stopped).epoch < 4:
        client.step(stopped, "epoch")
        seq = wait(client, stopped, of_kind("run_paused"), seq)
    client.set(stopped, "learning_rate", 0.5)
    for _ in range(2):  # so that a checkpoint is inside an epoch
        client.step(stopped, "minibatch")
        seq = wait(client, stopped, of_kind("run_paused"), seq)
    client.stop(stopped)
    wait(client, stopped, of_kind("run_finished"), seq)

    on_any_device, seq = train_paused(client, BASE.change(device="auto", num_epochs=8))
    client.stop(on_any_device)
    wait(client, on_any_device, of_kind("run_finished"), seq)

    diverged = train(client, BASE.change(activation="relu", clip_norm=None, learning_rate=10_000.0), based_on="X2")

    failed, _ = train_paused(client, BASE.change(cell="lstm"))
    os.kill(client.status()["runs"][failed], signal.SIGKILL)
    wait(client, failed, of_kind("run_failed"))

    text_id = client.add_text(TEXT, "Tides and lamps.txt")
    uploaded = train(client, BASE.change(corpus=text_id, num_chars=500, prefixes=("灯", "the")), based_on="A2")

    exported = export.to_json(export.export_run(client.store, finished))
    imported = client.import_run(exported.replace("Verse to its end", "Verse from elsewhere"))

    deep = BASE.change(cell="lstm", implementation="library", num_layers=2, learning_rate=0.5)
    return {
        "finished": finished,
        "stopped": stopped,
        "on_any_device": on_any_device,
        "diverged": diverged,
        "failed": failed,
        "uploaded": uploaded,
        "imported": imported,
        "deep": train(client, deep, based_on="A7"),
        "both_ways": train(client, BASE.change(bidirectional=True, num_epochs=2)),
    }


def ask(client: Client, run_id: str) -> None:
    """Ask the checkpoints of a run; the answers are kept in the store."""
    client.generate(run_id, "the", 20, "temperature", 0.8, 5, 3, epoch=2)
    client.generate(run_id, "a", 8)
    client.diagnose(run_id, 4)
    client.dependence(run_id, "the sea", 4)
    client.fill_gap(run_id, "th", " ")
    client.gaps(run_id, 50)


def describe(store: Store, run_id: str) -> dict[str, Any]:
    """Return what the code reads of a run, as JSON."""
    record = store.run(run_id)
    names = ("id", "name", "based_on", "state", "epoch", "num_epochs", "perplexity", "error", "continuable", "starred",
             "owner", "language", "title")  # fmt: skip
    events = [event for _, event in store.events_since(run_id)]
    return {
        **{name: getattr(record, name) for name in names},
        "config": json.loads(record.config.to_json()),
        "losses": {event.epoch: event.loss for event in events if event.kind == "epoch_finished"},
        "texts": [[event.epoch, event.prefix, event.text] for event in events if event.kind == "text_generated"],
        "kinds": [event.kind for event in events],
        "checkpoints": [[epoch, minibatch, file.name] for epoch, minibatch, file in store.checkpoints(run_id)],
    }


def make_exports(store: Store, run_id: str, folder: Path, name: str) -> None:
    """Write a run to files in each format."""
    folder.mkdir(exist_ok=True)
    events = [event for _, event in store.events_since(run_id)]
    texts = {
        "json": export.to_json(export.export_run(store, run_id)),
        "csv": logbook.epoch_table(events),
        "log": logbook.book_log(events, store.run(run_id).config.pred_period),
        "py": script.script(store, run_id),
    }
    for suffix, text in texts.items():
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8", newline="\n")


def link(page: str, parameters: dict[str, str], values: list[Any] | None = None, shows: list[str] | None = None,
         **about: Any) -> dict[str, Any]:  # fmt: skip
    """Return one entry of ``links.json``.

    Args:
        page: the page that the link opens.
        parameters: its query string.
        values: the values of widgets on the page.
        shows: texts on the page.
        about: ``embedded``; ``short``: a short link; ``errors``: the number of error messages (default 0).
    """
    return {"page": page, "parameters": parameters, "values": values or [], "shows": shows or [], **about}


def make_links(store: Store, runs: dict[str, str], codes: dict[str, str]) -> list[dict[str, Any]]:
    """Return the links of each page, each with what it shows."""
    finished, stopped, deep = runs["finished"], runs["stopped"], runs["deep"]
    written = {(epoch, prefix): text for epoch, prefix, text in describe(store, finished)["texts"]}
    pins = f"recorded:A2,{finished},{deep}"
    text_id = store.run(runs["uploaded"]).config.corpus
    return [
        # home
        link("home", {"lang": "zh"}, ["zh"]),
        link("home", {"lang": "en", "projector": "1"}, ["en", True], ["font-size: 20px"]),
        link("home", {"lang": "en", "recording": "A9", "epoch": "80"}, ["A9", 80], ["A9"]),
        link("home", {"lang": "en", "recording": "A9", "epoch": "80"}, [80], ["lab"], embedded=True),
        # train
        link("train", {"lang": "en", "recipe": "A4", "epoch": "100"}, ["A4", 100]),
        link("train", {"lang": "en", "recipe": "A2", **EVERY_SETTING}, ["A2", "lstm", 16, 2]),
        link("train", {"lang": "en", "recipe": "A2", "detach": "false"}, ["A2"]),
        link("train", {"lang": "en", "recipe": "A2", "corpus": text_id, "prefixes": "灯|the"}, [], ["Tides and lamps"]),
        link("train", {"lang": "en", "run": finished, "epoch": "4"}, [4], [written[4, "the"][3:]]),
        link("train", {"lang": "en", "run": finished, "epoch": "2"}, [2], [written[2, "the"][3:]], embedded=True),
        link("train", {"lang": "zh", "run": stopped}, ["gru"], [stopped]),
        link("train", {"lang": "en", "run": runs["diverged"]}, [], [runs["diverged"]]),
        link("train", {"lang": "en", "run": runs["failed"]}, ["lstm"], [runs["failed"]], errors=1),
        link("train", {"lang": "en", "recipe": "A6"}, [], ["lab"], embedded=True),
        # compare
        link("compare", {"lang": "en", "pins": pins, "by": "characters", "smooth": "1"}, ["characters", True],
             ["Verse to its end", deep]),
        link("compare", {"lang": "en", "pins": pins}, [], ["Verse to its end"], embedded=True),
        link("compare", {"lang": "en", "view": "race", "pins": f"{finished},{stopped}", "recipe": "A4",
                         "num_epochs": "9", "num_hiddens": "8", "vary": "implementation", "implementations": "library",
                         "finish": "10", "by": "seconds"},
             ["race", "A4", 9, "implementation", ["library"], "10", "seconds"], ["Verse to its end"]),
        link("compare", {"lang": "en", "view": "race", "recipe": "A2", "num_epochs": "9", "cells": "gru,lstm"},
             [["gru", "lstm"]]),
        link("compare", {"lang": "en", "view": "race", "recipe": "A2", "num_epochs": "9", "vary": "num_layers",
                         "num_layerss": "1,6"}, ["num_layers", ["1", "6"]]),
        link("compare", {"lang": "en", "view": "race", "recipe": "A2", "num_epochs": "9", "vary": "own",
                         "own": "cell=gru; cell=lstm,num_layers=2"}, ["own", "cell=gru; cell=lstm,num_layers=2"]),
        link("compare", {"lang": "en", "view": "seeds", "recipe": "A4", "num_epochs": "7"}, ["seeds", "A4", 7]),
        link("compare", {"lang": "en", "view": "same", "num_epochs": "11"}, ["same", 11]),
        # diagnose
        link("diagnose", {"lang": "en", "topic": "layers", "recording": "A9", "beside": "recorded:A7", "epoch": "80"},
             ["layers", "recorded:A9", "recorded:A7"]),
        link("diagnose", {"lang": "en", "topic": "layers", "run": deep, "epoch": "2"}, ["layers", f"run:{deep}"]),
        link("diagnose", {"lang": "en", "topic": "directions", "recording": "A10"}, ["directions", "recorded:A10"]),
        link("diagnose", {"lang": "en", "topic": "clipping", "recording": "A8"}, ["clipping", "recorded:A8"]),
        link("diagnose", {"lang": "en", "topic": "overfitting", "run": finished}, ["overfitting", f"run:{finished}"]),
        # inspect
        link("inspect", {"lang": "en", "run": finished, "epoch": "2", "text": "the sea", "at": "3"},
             [finished, "the sea"]),
        link("inspect", {"lang": "en", "run": deep, "text": "the sea", "view": "states", "layer": "2", "unit": "5",
                         "rows": "unit", "gate": "forget_gate"}, [deep, "states", "2", 5, "unit", "forget_gate"]),
        link("inspect", {"lang": "en", "run": finished, "text": "the sea", "view": "dependence", "at": "4"},
             ["dependence"]),
        link("inspect", {"lang": "en", "run": runs["both_ways"], "text": "the sea", "view": "states",
                         "direction": "backward"}, ["states", "backward"]),
        # lessons
        link("lessons", {"lang": "en", "lesson": "shapes"}, [], ["6.5"]),
        link("lessons", {"lang": "zh", "lesson": "one-hot"}, [], ["6.4"]),
        link("lessons", {"lang": "en", "lesson": "X1", "tune": "num_steps"}, ["num_steps"], ["X1"]),
        link("lessons", {"lang": "en", "lesson": "X2", "run": runs["diverged"]}, [], ["X2"]),
        # runs
        link("runs", {"lang": "en", "show": "starred"}, ["starred"], [finished]),
        link("runs", {"lang": "en", "show": "ended", "find": "elsewhere"}, ["ended", "elsewhere"], [runs["imported"]]),
        # short links
        link("home", {"s": codes["compare"]}, ["race", "A4", 5], short=True),
        link("home", {"s": codes["train"].upper()}, ["A2", "lstm"], short=True),
    ]  # fmt: skip


def make(out: Path) -> None:
    """Make all fixtures in the folder `out`, which must not exist yet."""
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="rnnlab-fixtures-") as folder:
        home = Path(folder) / "home"
        with opened(home) as client:
            runs = make_runs(client)
            ask(client, runs["finished"])
            shortened = {
                "compare": {"page": "compare", "lang": "en", "view": "race", "recipe": "A4", "num_epochs": "5"},
                "train": {"page": "train", "lang": "zh", "recipe": "A2", **EVERY_SETTING},
            }
            codes = {name: client.shorten(parameters) for name, parameters in shortened.items()}
            store = client.store
            expected = {
                "runs": {name: describe(store, run_id) for name, run_id in runs.items()},
                "text": {"id": store.run(runs["uploaded"]).config.corpus, "title": "Tides and lamps.txt", "text": TEXT},
                "links": {codes[name]: parameters for name, parameters in shortened.items()},
                "answers": store.answers(runs["finished"]),
            }
            links = make_links(store, runs, codes)
            for name in ("finished", "stopped", "diverged", "uploaded"):
                make_exports(store, runs[name], Path(folder) / "exports", name)
        # the stopped runs are continued in a copy, because those in the archive must stay stopped
        copy = Path(folder) / "copy"
        copy.mkdir()
        shutil.copy(home / "runs.sqlite3", copy)
        shutil.copytree(home / "checkpoints", copy / "checkpoints")
        with opened(copy) as client:
            expected["continued"] = {}
            for name in ("stopped", "on_any_device"):
                client.continue_run(runs[name])
                for _ in client.follow(runs[name]):
                    pass
                expected["continued"][name] = describe(client.store, runs[name])
        with tarfile.open(out / "fixtures.tar.gz", "w:gz") as archive:
            for name in ("runs.sqlite3", "checkpoints"):  # not the log, the lock and the endpoint of a supervisor
                archive.add(home / name, f"home/{name}", filter=_nobody)
            archive.add(Path(folder) / "exports", "exports", filter=_nobody)
    for name, data in (("expected.json", expected), ("links.json", links)):
        (out / name).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the owner of archived files."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    make(Path(sys.argv[1]))
