"""Recorded runs: the recorder and the shipped files."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from rnnlab.events import Diagnosis, EpochFinished, Probed, RunStarted, TextGenerated
from rnnlab.recipes import RECIPES
from rnnlab.recordings.__main__ import FOLDER, main, record
from rnnlab.runs.admission import checkpoint_epochs
from rnnlab.runs.client import Client
from rnnlab.runs.export import import_run
from rnnlab.stuck import STUCK_KL, STUCK_RATIO, STUCK_SENSITIVITY, is_stuck
from tests.runs.lab import TINY

FILES = sorted(FOLDER.glob("*.json.gz"))


def test_a_recording_holds_a_diagnosis_of_every_prediction_period(client: Client, tmp_path: Path) -> None:
    tiny = replace(RECIPES["A2"], config=TINY.change(num_epochs=5, pred_period=2))
    path = record(client, tiny, tmp_path)
    assert path == tmp_path / "A2.json.gz"
    recording = import_run(gzip.decompress(path.read_bytes()))
    assert [event.epoch for event in recording.events if isinstance(event, TextGenerated)] == [0, 1, 2, 4, 5]
    probes = [event for event in recording.events if isinstance(event, Probed)]
    assert [event.epoch for event in probes] == [2, 4, 5]
    assert [event.kind for event in recording.events[-4:]] == ["probed", "probed", "probed", "run_finished"]
    # each diagnosis equals the answer of that checkpoint
    (run,) = [record.id for record in client.store.runs() if record.name == "A2" and record.config == tiny.config]
    assert client.diagnose(run, 4) == (4, probes[1].diagnosis)
    assert probes[0].diagnosis != probes[1].diagnosis


def test_a_recipe_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["A99"]) == 2
    assert "A99" in capsys.readouterr().err


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_is_small_and_complete(path: Path) -> None:
    assert path.stat().st_size < 100_000
    recording = import_run(gzip.decompress(path.read_bytes()))
    assert recording.name == path.name.removesuffix(".json.gz")
    assert recording.name in RECIPES
    assert recording.events[-1].kind in ("run_finished", "run_diverged")
    assert json.loads(recording.config.to_json())["corpus"] in ("lyrics-zh", "verse-en")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_holds_its_texts_right_after_their_epochs(path: Path) -> None:
    recording = import_run(gzip.decompress(path.read_bytes()))
    config, last = recording.config, max(event.epoch for event in recording.events if isinstance(event, TextGenerated))
    ended = max((event.epoch for event in recording.events if isinstance(event, EpochFinished)), default=0)
    periods = range(config.pred_period, ended + 1, config.pred_period)
    due = sorted({0, 1, 2, 5, 10, 20, *periods, config.num_epochs} & {*range(ended + 1)})
    found: dict[int, list[str]] = {}
    reached = None
    for event in recording.events:
        if isinstance(event, RunStarted | EpochFinished):
            reached = event.epoch
        elif isinstance(event, TextGenerated):
            assert event.epoch == reached
            found.setdefault(event.epoch, []).append(event.prefix)
            assert event.text.startswith(event.prefix)
            assert len(event.text) == len(event.prefix) + config.num_preds
    assert found == {epoch: list(config.prefixes) for epoch in due}
    assert last == due[-1]


def test_every_recipe_has_a_recording() -> None:
    assert {path.name.removesuffix(".json.gz") for path in FILES} == set(RECIPES)


def probed(name: str) -> dict[int, Diagnosis]:
    recording = import_run(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return {event.epoch: event.diagnosis for event in recording.events if isinstance(event, Probed)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_holds_its_diagnoses(path: Path) -> None:
    recording = import_run(gzip.decompress(path.read_bytes()))
    config = recording.config
    every = checkpoint_epochs(config)
    kept = {*range(every, config.num_epochs + 1, every), config.num_epochs} - {0}
    diverged = any(event.kind == "run_diverged" for event in recording.events)
    assert set(probed(recording.name)) == (set() if diverged else kept)


@pytest.mark.parametrize("name", ["A9", "A9-repaired"])
def test_six_layers_are_stuck_at_every_period(name: str) -> None:
    assert [diagnosis.stuck for diagnosis in probed(name).values()] == [True] * 4


@pytest.mark.parametrize("name", ["A6", "A8", "A8-repaired", "A9-residual"])
def test_a_network_that_learns_is_never_stuck(name: str) -> None:
    found = probed(name)
    assert [diagnosis.stuck for diagnosis in found.values()] == [False] * 4
    first = found[40]
    assert first.perplexity is not None
    assert first.perplexity < 0.9 * first.unigram_perplexity


@pytest.mark.parametrize("name", ["X1-lr-1", "X1-lr-10"])
def test_a_slow_run_near_the_frequencies_is_not_stuck_while_its_output_moves(name: str) -> None:
    found = probed(name)
    near = [
        diagnosis
        for diagnosis in found.values()
        if diagnosis.kl_to_unigram < STUCK_KL and abs(_ratio(diagnosis) - 1) <= STUCK_RATIO
    ]
    assert len(near) >= 3
    assert min(diagnosis.sensitivity for diagnosis in near) > STUCK_SENSITIVITY
    assert not any(diagnosis.stuck for diagnosis in found.values())


def _ratio(diagnosis: Diagnosis) -> float:
    assert diagnosis.perplexity is not None
    return diagnosis.perplexity / diagnosis.unigram_perplexity


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_every_verdict_follows_from_its_numbers(path: Path) -> None:
    for diagnosis in probed(path.name.removesuffix(".json.gz")).values():
        assert diagnosis.stuck == is_stuck(
            diagnosis.perplexity, diagnosis.unigram_perplexity, diagnosis.kl_to_unigram, diagnosis.sensitivity
        )


def test_a_bidirectional_network_reads_the_answer() -> None:
    ratios = {
        name: [diagnosis.leak_ratio or 0 for diagnosis in probed(name).values()]
        for name in ("A10", "A10-one-way", "A6")
    }
    assert min(ratios["A10"]) > 2
    assert max(ratios["A10-one-way"] + ratios["A6"]) < 1.05
