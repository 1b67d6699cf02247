"""Recorded runs: the recorder and the shipped files."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from rnnlab.config import TrainConfig
from rnnlab.events import (
    Diagnosis,
    EpochFinished,
    MinibatchFinished,
    Probed,
    RunFinished,
    RunStarted,
    TextGenerated,
)
from rnnlab.inference import files
from rnnlab.inference.inspection import inspect
from rnnlab.inference.network import Network
from rnnlab.recipes import RECIPES
from rnnlab.recordings import networks
from rnnlab.recordings.__main__ import FOLDER, main, record
from rnnlab.recordings.extras import ANSWERS, GAPS, PARITY, extras
from rnnlab.runs.admission import checkpoint_epochs
from rnnlab.runs.checkpoints import save as save_checkpoint
from rnnlab.runs.client import Client
from rnnlab.runs.export import Recording, import_run
from rnnlab.stuck import STUCK_KL, STUCK_RATIO, STUCK_SENSITIVITY, is_stuck
from rnnlab.text import corpora
from rnnlab.text.corpora import load
from rnnlab.text.preparation import prepare
from rnnlab.text.vocab import Vocab
from tests.runs.lab import TINY

FILES = sorted(path for path in FOLDER.glob("*.json.gz") if path.name != ANSWERS)
EXTRAS = extras()
RECIPE_FILES = [path for path in FILES if path.name.removesuffix(".json.gz") not in EXTRAS]


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


def test_weights_are_kept_beside_a_recording(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(networks.KEPT, "A6", (4, 5))
    tiny = replace(RECIPES["A6"], config=TINY.change(num_epochs=5, pred_period=2, cell="lstm", learning_rate=10.0))
    record(client, tiny, tmp_path)
    folder = tmp_path / files.FOLDER.name
    assert {path.name for path in folder.iterdir()} == {files.file_name("A6", epoch) for epoch in (4, 5)}
    (run,) = [record.id for record in client.store.runs() if record.name == "A6" and record.config == tiny.config]
    losses = [event.loss for _, event in client.store.events_since(run) if isinstance(event, EpochFinished)]
    train = prepare(load(TINY.corpus).text, TINY.preprocessing, TINY.num_chars).train
    for epoch in (4, 5):
        path = folder / files.file_name("A6", epoch)
        assert files.read_label(path) == files.Label("A6", epoch, losses[epoch - 1], tiny.config)
        network = Network(tiny.config, Vocab(train), files.read_tensors(path))
        mine, theirs = inspect(network, train[:60]), client.inspect(run, train[:60], epoch=epoch)
        assert [here["surprise"] for here in mine["next"][:-1]] == pytest.approx(
            [here["surprise"] for here in theirs["next"][:-1]], abs=5e-3
        )
        # the same weights give the same file
        before = path.read_bytes()
        assert networks.keep(client, run, "A6", epoch, folder).read_bytes() == before
    with pytest.raises(RuntimeError, match="no checkpoint after epoch 3"):
        networks.keep(client, run, "A6", 3, folder)


def test_weights_that_half_precision_would_change_are_not_kept(client: Client, tmp_path: Path) -> None:
    """A network with tiny weights that matter: float16 ends at 6e-8."""
    tiny = TINY.change(num_epochs=2, pred_period=1)
    run = client.create(tiny)
    for _ in client.follow(run):
        pass
    (path,) = [path for epoch, minibatch, path in client.store.checkpoints(run) if (epoch, minibatch) == (2, 0)]
    with safe_open(path, framework="pt") as file:
        tensors, metadata = file.get_tensors(), file.metadata()
    tensors["model.dense.bias"] += 7000 + 3 * torch.arange(len(tensors["model.dense.bias"])) % 2
    # not written where it lies: the supervisor removes partial files from that folder when the worker has ended
    save_checkpoint(tmp_path / "changed", path.name, tensors, metadata).replace(path)
    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(RuntimeError, match="half precision"):
        networks.keep(client, run, "A2", 2, kept)
    assert not list(kept.iterdir())


def test_a_recipe_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["A99"]) == 2
    assert "A99" in capsys.readouterr().err


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_is_small_and_complete(path: Path) -> None:
    assert path.stat().st_size < 100_000
    recording = import_run(gzip.decompress(path.read_bytes()))
    assert recording.name == path.name.removesuffix(".json.gz")
    name = recording.name
    assert recording.config == (EXTRAS[name].config if name in EXTRAS else RECIPES[name].config)
    assert recording.based_on == (EXTRAS[name].based_on if name in EXTRAS else "")
    assert recording.events[-1].kind in ("run_finished", "run_diverged")
    assert json.loads(recording.config.to_json())["corpus"] in ("lyrics-zh", "verse-en")


def test_every_recipe_and_every_extra_has_a_recording() -> None:
    assert {path.name.removesuffix(".json.gz") for path in FILES} == {*RECIPES, *EXTRAS}
    assert not set(RECIPES) & set(EXTRAS)


def test_the_seed_of_an_extra_changes_its_curve_and_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    def curve(name: str) -> list[float | None]:
        events = import_run(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())).events
        return [event.perplexity for event in events if isinstance(event, EpochFinished)]

    assert len({tuple(curve(f"seed-A2-{seed}")) for seed in (1, 2, 3, 4)} | {tuple(curve("A2"))}) == 5
    assert curve("ladder-A6-A7-0") == pytest.approx(curve("A6")[:20], rel=1e-4)
    assert curve("ladder-A6-A7-5") == pytest.approx(curve("A7")[:20], rel=1e-4)


def test_the_recorded_answers_are_those_of_the_recipes() -> None:
    answers = json.loads(gzip.decompress((FOLDER / ANSWERS).read_bytes()))
    assert (answers["format"], answers["version"]) == ("rnnlab-answers", 1)
    for name in GAPS:
        entry = answers["gaps"][name]
        assert TrainConfig.from_json(json.dumps(entry["config"])) == RECIPES[name].config
        assert all(0 < entry["gaps"][part]["accuracy"] < 1 for part in ("train", "held_out"))
        text = corpora.load(RECIPES[name].config.corpus).text.replace("\n", " ")
        for sentence in entry["sentences"]:
            whole = sentence["before"] + sentence["answer"] + sentence["after"]
            assert text.index(whole) >= RECIPES[name].config.num_chars, "it was not trained on"
            assert sum(probability for _, probability in sentence["top"]) <= 1 + 1e-6
    assert answers["gaps"]["A10-cloze"]["gaps"]["train"] != answers["gaps"]["A10-one-way"]["gaps"]["train"]
    assert set(answers["parity"]) == set(PARITY)


def test_what_each_minibatch_costs_is_recorded_only_where_it_differs(client: Client, tmp_path: Path) -> None:
    for detach in (True, False):
        tiny = replace(RECIPES["X4"], config=TINY.change(num_epochs=25, detach=detach))
        recording = import_run(gzip.decompress(record(client, tiny, tmp_path).read_bytes()))
        epochs = {event.epoch for event in recording.events if isinstance(event, MinibatchFinished)}
        assert epochs == (set() if detach else set(range(6, 26)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_holds_its_texts_right_after_their_epochs(path: Path) -> None:
    recording = import_run(gzip.decompress(path.read_bytes()))
    config, last = recording.config, max(event.epoch for event in recording.events if isinstance(event, TextGenerated))
    ended = max((event.epoch for event in recording.events if isinstance(event, EpochFinished)), default=0)
    periods = range(config.pred_period, ended + 1, config.pred_period)
    due = sorted({0, 1, 2, 5, 10, 20, *periods, config.num_epochs, *stopped_early(recording)[1:]} & {*range(ended + 1)})
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


def stopped_early(recording: Recording) -> list[int]:
    """Return the best epoch and the last one of a run that stopped early; nothing of any other."""
    end = recording.events[-1]
    early = isinstance(end, RunFinished) and end.best_epoch is not None
    return [end.best_epoch, end.epoch] if early else []


def probed(name: str) -> dict[int, Diagnosis]:
    recording = import_run(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return {event.epoch: event.diagnosis for event in recording.events if isinstance(event, Probed)}


@pytest.mark.parametrize("path", RECIPE_FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_shipped_recording_holds_its_diagnoses(path: Path) -> None:
    recording = import_run(gzip.decompress(path.read_bytes()))
    config = recording.config
    every = checkpoint_epochs(config)
    early = stopped_early(recording)
    kept = {*range(every, max(early, default=config.num_epochs) + 1, every), *(early or [config.num_epochs])} - {0}
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


@pytest.mark.parametrize("path", RECIPE_FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
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
