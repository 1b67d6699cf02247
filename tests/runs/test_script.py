"""The program that repeats a run: executed elsewhere, it prints the results of the run, bit for bit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rnnlab.config import TrainConfig
from rnnlab.errors import CorpusError
from rnnlab.runs.client import Client
from rnnlab.runs.script import script, start_file_name
from rnnlab.runs.store_writer import StoreWriter
from tests.installed import clean_python
from tests.made import PATIENT, finish
from tests.runs.lab import LONG, TINY, events, pause, step, until, until_state

__all__ = ["clean_python"]


def execute(python: Path, source: str, folder: Path, beside: Path | None = None, name: str = "") -> list[str]:
    """Run a program, alone in a folder or with one file beside it, without this environment; return its lines."""
    path = folder / "empty" / "run.py"
    path.parent.mkdir()
    if beside is not None:
        shutil.copy(beside, path.parent / name)
    path.write_text(source, encoding="utf-8")
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [python, path.name],
        cwd=path.parent,
        env=passed_on | {"RNNLAB_HOME": str(folder / "nowhere"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {file.name for file in path.parent.iterdir()} == {"run.py", *filter(None, [name])}
    return done.stdout.splitlines()


def test_the_clean_environment_does_not_see_these_files(clean_python: Path) -> None:
    asked = [clean_python, "-c", "import rnnlab; print(rnnlab.__file__)"]
    found = subprocess.run(asked, cwd=clean_python.parent, capture_output=True, encoding="utf-8", check=True).stdout
    assert Path(found.strip()).is_relative_to(clean_python.parents[1])


def same(client: Client, run_id: str, lines: list[str]) -> None:
    """Compare the printed results and texts with those of the run."""
    epochs = {event.epoch: event.perplexity for event in events(client, run_id, "epoch_finished")}
    printed = [re.fullmatch(r"epoch (\d+), perplexity (\S+), time \S+ sec", line) for line in lines]
    assert {int(one[1]): float(one[2]) for one in printed if one} == epochs
    texts = {(event.epoch, event.prefix): event.text for event in events(client, run_id, "text_generated")}
    assert [line[3:] for line in lines if line.startswith(" - ")] == [texts[key] for key in sorted(texts)]


def test_a_run_is_repeated(client: Client, clean_python: Path, tmp_path: Path) -> None:
    run_id = client.create(TINY.change(cell="lstm", sampling="random", optimizer="adam", learning_rate=0.01), name="A6")
    until_state(client, run_id, "finished")
    client.rename(run_id, 'my """first\\" {run}')
    source = script(client.store, run_id)
    assert len(source.splitlines()) < 75
    same(client, run_id, execute(clean_python, source, tmp_path))


def test_a_run_on_an_uploaded_text_with_changed_settings(client: Client, clean_python: Path, tmp_path: Path) -> None:
    corpus = client.add_text("'她\"说：\\n' 分开 \U0001f642 {不}分开\n" * 60, "own")
    run_id = client.create(
        LONG.change(corpus=corpus, preprocessing="first_edition", prefixes=("分开",), pred_period=1, num_chars=900)
    )
    until(client, run_id, lambda record: record.epoch >= 1)
    pause(client, run_id)
    client.set(run_id, "learning_rate", 0.5)
    step(client, run_id, "epoch")
    client.set(run_id, "clip_norm", None)
    step(client, run_id, "period")
    client.stop(run_id)
    until_state(client, run_id, "stopped")
    assert len(events(client, run_id, "setting_changed")) == 2
    source = script(client.store, run_id)
    same(client, run_id, execute(clean_python, source, tmp_path))
    # without the changes, the results would differ
    without = re.sub(r"changes = \[.*?\]", "changes = []", source, flags=re.DOTALL)
    (tmp_path / "without").mkdir()
    with pytest.raises(AssertionError):
        same(client, run_id, execute(clean_python, without, tmp_path / "without"))


def test_a_run_that_started_from_trained_weights_and_stopped_early(
    client: Client, clean_python: Path, tmp_path: Path
) -> None:
    source = finish(client, client.create(PATIENT.change(num_epochs=2)))
    corpus = client.add_text("the quick brown fox jumps over the lazy dog and the cat sat on the mat.\n" * 40, "own")
    run_id = client.create(PATIENT.change(start_from=f"{source}@2", corpus=corpus, random_seed=3))
    finish(client, run_id)
    assert client.store.run(run_id).epoch < PATIENT.num_epochs
    (_, _, weights), *_ = client.store.checkpoints(run_id)
    program, name = script(client.store, run_id), start_file_name(run_id)
    same(client, run_id, execute(clean_python, program, tmp_path, weights, name))


def test_a_run_that_was_trained_further_after_it_stopped_early(
    client: Client, clean_python: Path, tmp_path: Path
) -> None:
    run_id = finish(client, client.create(PATIENT.change(schedule="cosine")))
    first = client.store.run(run_id).epoch
    for more in (5, 4):
        client.continue_run(run_id, more)
        finish(client, run_id)
    assert client.store.run(run_id).epoch > first
    same(client, run_id, execute(clean_python, script(client.store, run_id), tmp_path))


def test_a_missing_text_is_reported(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "runs.sqlite3")
    with writer.atomic():
        writer.create("r1", TrainConfig.make(corpus="text-0123456789abcdef"))
    with pytest.raises(CorpusError) as caught:
        script(writer, "r1")
    assert caught.value.code == "corpus_text_gone"
    writer.close()
