"""Checkpoints: how they are saved with little memory, and what happens when they cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch

from rnnlab.config import TrainConfig
from rnnlab.engine.model import build_model
from rnnlab.engine.training import TrainingState
from rnnlab.errors import RunError
from rnnlab.runs import admission, checkpoints
from rnnlab.runs.store import PARTIAL, checkpoint_folder
from tests.runs.lab import LONG, TINY, curve, opened, pause, pid_of, until, until_event, until_state, warm

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits a process: Linux only")

LARGE = TINY.change(
    num_hiddens=1024, num_layers=2, cell="lstm", num_chars=600, batch_size=2, num_steps=2, optimizer="adam",
    num_epochs=10_000, pred_period=10_000, num_preds=0,
)  # fmt: skip
"""A run with a checkpoint of 150 MB and small activations."""


def state_of(config: TrainConfig) -> TrainingState:
    return TrainingState.begin(build_model(config, 27), config)


def test_what_was_saved_is_restored(tmp_path: Path) -> None:
    state = state_of(TINY.change(optimizer="adam"))
    path = checkpoints.save(tmp_path / "run", "first", state.tensors(), state.metadata())
    assert [file.name for file in path.parent.iterdir()] == ["first"]
    other = checkpoints.restore(build_model(TINY, 27), TINY.change(optimizer="adam"), path)
    for name, tensor in other.tensors().items():
        assert torch.equal(tensor, state.tensors()[name])
    for wrong in (TINY.change(num_hiddens=9), TINY.change(cell="gru")):
        with pytest.raises(RunError) as caught:
            checkpoints.restore(build_model(wrong, 27), wrong, path)
        assert caught.value.code == "checkpoint_unreadable"
    # the restored state does not depend on the file
    path.write_bytes(b"")
    assert torch.equal(other.tensors()["model.dense.weight"], state.tensors()["model.dense.weight"])


SAVING = """
import json, resource, sys
from pathlib import Path
import torch
from rnnlab.errors import RunError
from rnnlab.runs import checkpoints

tensors = {f"t{number}": torch.rand(1000, 5000) for number in range(10)}  # 200 MB
checkpoints.save(Path(sys.argv[1]), "small", {"t": torch.zeros(3)}, {})  # what is loaded once
for line in open("/proc/self/status"):
    if line.startswith("VmSize"):
        limit = int(line.split()[1]) * 1024 + 24 * 2**20
kind = getattr(resource, sys.argv[2])
resource.setrlimit(kind, (limit if len(sys.argv) < 4 else int(sys.argv[3]), -1))
try:
    checkpoints.save(Path(sys.argv[1]), "large", tensors, {"a": "b"})
    print(json.dumps("saved"))
except RunError as error:
    print(json.dumps([error.code, error.params]))
"""


def saving(folder: Path, *limit: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", SAVING, str(folder), *limit], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@on_linux
def test_saving_needs_no_second_copy_in_memory(tmp_path: Path) -> None:
    assert saving(tmp_path, "RLIMIT_AS") == "saved"
    assert (tmp_path / "large").stat().st_size > 200_000_000


@on_linux
def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    assert saving(tmp_path, "RLIMIT_FSIZE", "1000000") == ["checkpoint_unwritable", {"reason": "File too large"}]
    assert [file.name for file in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "checkpoint_no_memory"),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
            "checkpoint_no_memory",
        ),
        (OSError(28, "No space left on device"), "disk_full"),
        (OSError(13, "Permission denied"), "checkpoint_unwritable"),
        (RuntimeError("something else"), "checkpoint_unwritable"),
    ],
)
def test_each_reason_has_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def refuse(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError) as caught:
        checkpoints.save(tmp_path, "name", {"t": torch.zeros(3)}, {})
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


@on_linux
def test_a_run_that_can_train_can_also_save(tmp_path: Path) -> None:
    """Its address space is limited to what a minibatch needs, which is less than another copy of the checkpoint."""
    import resource

    with opened(tmp_path) as client:
        warm(client)
        run_id = client.create(LARGE)
        pid = pid_of(client, run_id)
        pause(client, run_id)
        client.step(run_id, "minibatch")
        seq, _ = until_event(client, run_id, lambda event: event.kind == "minibatch_finished")
        seq, saved = until_event(client, run_id, lambda event: event.kind == "checkpoint_saved", seq)
        size = (checkpoint_folder(tmp_path, run_id) / saved.name).stat().st_size
        assert size > 100 * 2**20
        status = Path(f"/proc/{pid}/status").read_text()
        (used,) = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmSize")]
        resource.prlimit(pid, resource.RLIMIT_AS, (used + size * 3 // 4, -1))
        client.step(run_id, "minibatch")
        _, again = until_event(client, run_id, lambda event: event.kind in ("checkpoint_saved", "run_failed"), seq)
        assert again.kind == "checkpoint_saved"
        assert (again.epoch, again.minibatch) != (saved.epoch, saved.minibatch)
        assert client.store.run(run_id).state == "paused"


@on_linux
def test_a_run_that_cannot_save_fails_with_the_reason_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    import resource

    with opened(tmp_path) as client:
        run_id = client.create(LONG)
        pid = pid_of(client, run_id)
        until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, -1))
        client.pause(run_id)
        record = until_state(client, run_id, "failed")
        assert record.error is not None
        assert (record.error["code"], record.error["params"]) == ("checkpoint_unwritable", {"reason": "File too large"})
        assert record.continuable
        client.continue_run(run_id)
        epoch = client.store.run(run_id).epoch
        until(client, run_id, lambda record: record.epoch > epoch)


class Counted(Mapping[str, torch.Tensor]):
    """Tensors that are made when they are read, and how many of them were there at once, by the kind of name."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._tensors = tensors
        self._alive: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def __getitem__(self, name: str) -> torch.Tensor:
        kind = name.partition(".")[0]
        tensor = self._tensors[name].clone()
        self._alive[kind] += 1
        self.most[kind] = max(self.most[kind], self._alive[kind])
        weakref.finalize(tensor, self._alive.subtract, [kind])
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def test_what_adam_keeps_is_read_piece_by_piece() -> None:
    """It is twice the size of the network: read at once, restoring would need more memory than training."""
    config = TINY.change(optimizer="adam", num_layers=3)
    state = state_of(config)
    assert state.adam is not None
    for parameter in state.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    state.adam.step(0.1)
    stored = Counted(state.tensors())
    restored = TrainingState.restore(build_model(config, 27), config, stored, state.metadata())
    assert stored.most["adam"] <= 2
    assert all(torch.equal(tensor, state.tensors()[name]) for name, tensor in restored.tensors().items())


def test_what_a_killed_worker_left_half_written_is_removed(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        run_id = client.create(LONG)
        pid = pid_of(client, run_id)
        until_event(client, run_id, lambda event: event.kind == "checkpoint_saved")
        pause(client, run_id)
        folder = checkpoint_folder(tmp_path, run_id)
        halves = [folder / f"epoch-00009-000000.safetensors.{pid}{PARTIAL}", folder / ".tmpAbCdEf"]
        for half in halves:
            half.write_bytes(b"half")
        os.kill(pid, signal.SIGKILL)
        until_state(client, run_id, "failed")
        client.status()  # the supervisor has finished with the worker
        assert not any(half.exists() for half in halves)
        assert {path for _, _, path in client.store.checkpoints(run_id)} == set(folder.iterdir())


def test_admission_counts_the_copy_that_a_run_keeps(tmp_path: Path) -> None:
    base = TrainConfig.make(
        num_hiddens=1024, num_layers=2, cell="lstm", sampling="consecutive", batch_size=1, num_steps=2
    )

    def parameters(**changes: object) -> float:
        return admission.memory_mb(base.change(**changes), 1000)

    one = (parameters(optimizer="adam") - parameters(optimizer="sgd")) / 2
    assert parameters(optimizer="sgd", detach=False) - parameters(optimizer="sgd") == pytest.approx(one)
    assert parameters(optimizer="adam", detach=False) - parameters(optimizer="adam") == pytest.approx(3 * one)


def test_a_run_goes_on_within_an_epoch_only_if_the_gradient_is_cut_off(tmp_path: Path) -> None:
    config = TINY.change(detach=False)
    with opened(tmp_path) as client:
        run_id, whole = client.create(config), client.create(config)
        pause(client, run_id)
        client.step(run_id, "epoch")
        until(client, run_id, lambda record: record.epoch == 1 and record.state == "paused")
        client.step(run_id, "minibatch")
        client.stop(run_id)
        until_state(client, run_id, "stopped")
        assert client.store.checkpoints(run_id)[-1][:2] == (1, 0)
        client.continue_run(run_id)
        for one in (run_id, whole):
            assert until_state(client, one, "finished", "failed").state == "finished"
        assert curve(client, run_id) == curve(client, whole)
