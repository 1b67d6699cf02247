"""Checkpoints that travel from one home to another, and files that only look like them; in real processes."""

from __future__ import annotations

import io
import json
import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError, RunError
from rnnlab.runs import incoming, portable
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run
from rnnlab.runs.schema import DATABASE, connect_reader
from rnnlab.runs.script import starting_weights
from rnnlab.runs.store import checkpoint_folder
from tests.made import finish, joined, split
from tests.runs.lab import TINY, curve, events, opened, visitor, warm

SAID = "the cat sat on the mat, and the dog sat on the cat; then all of them sat on the mat again. " * 12
CONFIG = TINY.change(optimizer="adam", learning_rate=0.01, clip_norm=None, num_epochs=4, prefixes=("the",))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Another home, where nothing of the first is."""
    with opened(tmp_path_factory.mktemp("elsewhere")) as client:
        yield warm(client)


@pytest.fixture(scope="module")
def own(shared: Client) -> str:
    """A run on an uploaded text."""
    text = shared.add_text(SAID, "said.txt")
    return finish(shared, shared.create(CONFIG.change(corpus=text)))


@pytest.fixture(scope="module")
def file(shared: Client, own: str) -> bytes:
    """Its exported checkpoint."""
    return exported(shared, own)


def exported(client: Client, run_id: str) -> bytes:
    return portable.exported(client.store, run_id, client.environment.corpus_folders)


def changed(file: bytes, tensors: Callable[[dict[str, Any]], object] | None = None, **metadata: object) -> bytes:
    """Return a valid safetensors file with changed tensors and metadata; None removes an entry."""
    header, _ = split(file)
    arrays = dict(load(file))
    if tensors is not None:
        tensors(arrays)
    entries = {**header["__metadata__"], **metadata}
    return save(arrays, {name: str(value) for name, value in entries.items() if value is not None})


def code_of(data: bytes) -> str:
    with pytest.raises(RunError) as caught:
        portable.read(io.BytesIO(data))
    return caught.value.code


def test_the_file_is_the_checkpoint_with_its_run_and_characters(shared: Client, own: str, file: bytes) -> None:
    path = shared.store.checkpoints(own)[-1][2]
    original, found = split(path.read_bytes()), split(file)
    assert found[1] == original[1]
    assert int.from_bytes(file[:8], "little") % 8 == 0
    metadata = found[0].pop("__metadata__")
    state = original[0].pop("__metadata__")
    assert found[0] == original[0]
    assert {name: metadata[name] for name in state} == state
    assert set(json.loads(metadata["vocab"])) == set(SAID[: CONFIG.num_chars])
    assert json.loads(metadata["run"]) == export_run(shared.store, own)
    taken = portable.read(io.BytesIO(file))
    assert (taken.epoch, taken.minibatch) == (4, 0)


def test_a_run_starts_from_it_where_its_text_is_not(shared: Client, own: str, file: bytes, elsewhere: Client) -> None:
    run_id = elsewhere.import_run(file)
    record = elsewhere.store.run(run_id)
    assert (record.state, record.epoch, record.config) == ("finished", 4, shared.store.run(own).config)
    assert curve(elsewhere, run_id) == curve(shared, own)
    assert [text.text for text in events(elsewhere, run_id, "text_generated")] == [
        text.text for text in events(shared, own, "text_generated")
    ]
    ((epoch, minibatch, path),) = elsewhere.store.checkpoints(run_id)
    assert (epoch, minibatch, path.read_bytes()) == (4, 0, file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not list((elsewhere.home / incoming.FOLDER).iterdir())

    tuned = CONFIG.change(start_from=f"{run_id}@4", num_epochs=1)
    other = finish(elsewhere, elsewhere.create(tuned))
    assert elsewhere.store.run(other).state == "finished"
    theirs, mine = load(file), load(starting_weights(elsewhere.store, other))
    random_ = finish(elsewhere, elsewhere.create(tuned.change(start_from="")))
    fresh = load(starting_weights_of(elsewhere, random_))
    known = vocabulary(file)
    vocab = json.loads(split(exported(elsewhere, other))[0]["__metadata__"]["vocab"])
    assert set(vocab) - set(known), "some characters are new"
    weight = "model.recurrent.cells.0.W_x"
    for row, character in enumerate(vocab):
        expected = theirs[weight][known.index(character)] if character in known else fresh[weight][row]
        assert (mine[weight][row] == expected).all()
        expected = theirs["model.dense.bias"][known.index(character)] if character in known else 0
        assert mine["model.dense.bias"][row] == expected
    assert (mine["model.recurrent.cells.0.W_h"] == theirs["model.recurrent.cells.0.W_h"]).all()


def starting_weights_of(client: Client, run_id: str) -> bytes:
    """Return the checkpoint of a run before its first minibatch."""
    return next(path for *at, path in client.store.checkpoints(run_id) if at == [0, 0]).read_bytes()


def vocabulary(file: bytes) -> str:
    return str(json.loads(split(file)[0]["__metadata__"]["vocab"]))


def test_what_needs_the_text_says_that_it_is_not_here(file: bytes, elsewhere: Client) -> None:
    run_id = elsewhere.import_run(file)
    before = elsewhere.store.run(run_id)
    for act in (
        lambda: elsewhere.generate(run_id, "the", 4),
        lambda: elsewhere.inspect(run_id, "the"),
        lambda: elsewhere.continue_run(run_id, 1),
    ):
        with pytest.raises(RNNLabError) as caught:
            act()
        assert caught.value.code == "corpus_text_gone"
    assert elsewhere.store.run(run_id) == before
    again = exported(elsewhere, run_id)
    assert (vocabulary(again), split(again)[1]) == (vocabulary(file), split(file)[1])
    assert curve(elsewhere, elsewhere.import_run(again)) == curve(elsewhere, run_id)


def test_where_the_text_is_the_network_answers_and_trains_on_bit_for_bit(shared: Client, elsewhere: Client) -> None:
    config = CONFIG.change(dropout=0.2, sampling="consecutive", num_layers=2)
    whole = finish(shared, shared.create(config.change(num_epochs=7)))
    half = finish(shared, shared.create(config))
    run_id = elsewhere.import_run(exported(shared, half))
    assert elsewhere.generate(run_id, "the", 9) == shared.generate(half, "the", 9)
    assert elsewhere.inspect(run_id, "the") == shared.inspect(half, "the")
    assert elsewhere.diagnose(run_id) == shared.diagnose(half)
    elsewhere.continue_run(run_id, 3)
    finish(elsewhere, run_id)
    assert elsewhere.store.run(run_id).epoch == 7
    assert curve(elsewhere, run_id) == curve(shared, whole)
    ends = [client.store.checkpoints(run)[-1][2] for client, run in ((shared, whole), (elsewhere, run_id))]
    weights, theirs = (load(path.read_bytes()) for path in ends)
    assert all((weights[name] == theirs[name]).all() for name in weights)
    # the imported weights stay, as an epoch of the run
    assert (4, 0) in [checkpoint[:2] for checkpoint in elsewhere.store.checkpoints(run_id)]


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm", "num_layers": 2, "bidirectional": True, "objective": "cloze", "sampling": "consecutive"},
        {"cell": "gru", "implementation": "library", "num_layers": 2, "residual": True, "layer_norm": True},
        {"cell": "rnn", "implementation": "library", "precision": "float64", "optimizer": "sgd", "learning_rate": 0.5},
        {"detach": False, "sampling": "consecutive", "optimizer": "sgd", "early_stopping": 3},
    ],
)
def test_every_kind_of_network_travels(settings: dict[str, object], shared: Client, elsewhere: Client) -> None:
    run_id = finish(shared, shared.create(CONFIG.change(num_epochs=2, **settings)))
    imported = elsewhere.import_run(exported(shared, run_id))
    assert elsewhere.store.checkpoints(imported)[-1][:2] == (2, 0)
    assert elsewhere.generate(imported, "the", 5) == shared.generate(run_id, "the", 5)


def test_a_text_with_other_characters_is_not_mixed_with_it(file: bytes, shared: Client, own: str) -> None:
    characters = vocabulary(file)
    run_id = shared.import_run(changed(file, vocab=json.dumps(characters[::-1])))
    for act in (lambda: shared.generate(run_id, "the", 4), lambda: shared.continue_run(run_id, 1)):
        with pytest.raises(RunError) as caught:
            act()
        assert caught.value.code == "checkpoint_text"
    assert shared.generate(shared.import_run(file), "the", 4) == shared.generate(own, "the", 4)


def test_an_imported_run_is_its_importers_and_opens_no_text_of_another(elsewhere: Client) -> None:
    ann, bob = visitor(elsewhere, "ann"), visitor(elsewhere, "bob")
    text = ann.add_text(SAID + "Ann wrote this.", "ann.txt")
    hers = finish(elsewhere, ann.create(CONFIG.change(corpus=text)))
    taken = bob.import_run(exported(elsewhere, hers))  # she gave him the file
    assert elsewhere.store.run(taken).owner == "bob"
    for act in (lambda: bob.continue_run(taken, 1), lambda: bob.generate(taken, "the", 3)):
        with pytest.raises(RNNLabError) as caught:
            act()
        assert caught.value.code == "text_not_yours"
    mine = CONFIG.change(start_from=f"{taken}@4", num_epochs=1)
    assert elsewhere.store.run(finish(elsewhere, bob.create(mine))).state == "finished"
    with pytest.raises(RNNLabError) as caught:
        visitor(elsewhere, "mallory").create(mine)
    assert caught.value.code == "start_not_yours"
    with pytest.raises(RNNLabError) as caught:
        visitor(elsewhere, "").import_run(exported(elsewhere, hers))
    assert caught.value.code == "visitor_unknown"
    assert not list((elsewhere.home / incoming.FOLDER).iterdir())


def test_a_file_of_an_older_version_is_refused_with_what_is_allowed(shared: Client, own: str) -> None:
    plain = shared.store.checkpoints(own)[-1][2].read_bytes()
    with pytest.raises(RunError) as caught:
        shared.import_run(plain)
    assert caught.value.code == "checkpoint_without_run"
    assert "this version has exported" in str(caught.value)


def _reshaped(name: str, shape: tuple[int, ...]) -> Callable[[dict[str, Any]], object]:
    return lambda arrays: arrays.update({name: np.zeros(shape, np.float32)})


def _overlapping(file: bytes) -> bytes:
    header, tensors = split(file)
    first, second, *_ = (name for name in header if header[name].get("shape") == [8, 8])
    header[second]["data_offsets"] = header[first]["data_offsets"]
    return joined(header, tensors)


def _outside(file: bytes) -> bytes:
    header, tensors = split(file)
    last = max((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"])
    return joined(header, tensors[: header[last]["data_offsets"][0]])


def _with_tensor(file: bytes, **entry: object) -> bytes:
    header, tensors = split(file)
    header["model.dense.bias"] |= entry
    return joined(header, tensors)


def _with_run(file: bytes, **change: object) -> bytes:
    run = json.loads(split(file)[0]["__metadata__"]["run"])
    return changed(file, run=json.dumps({**run, **change}))


HOSTILE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "nothing but a length": ("checkpoint_damaged", lambda file: file[:8]),
    "cut off in its JSON": ("checkpoint_damaged", lambda file: file[:300]),
    "cut off in its tensors": ("checkpoint_damaged", lambda file: file[:-1]),
    "more than its tensors": ("checkpoint_damaged", lambda file: file + b"\0"),
    "a length beyond the file": ("checkpoint_damaged", lambda file: joined(*split(file), length=len(file))),
    "a length of everything": ("checkpoint_damaged", lambda file: joined(*split(file), length=2**64 - 1)),
    "a length too short": ("checkpoint_damaged", lambda file: joined(*split(file), length=100)),
    "no JSON at all": ("checkpoint_damaged", lambda file: joined(b"{" + os.urandom(200), b"")),
    "a list": ("checkpoint_damaged", lambda _: joined(b"[]", b"")),
    "deep JSON": ("json_too_deep", lambda _: joined(b'{"a":' * 100_000, b"")),
    "deep JSON of its run": ("json_too_deep", lambda file: changed(file, run='{"a":' * 100_000)),
    "many tensors": (
        "checkpoint_damaged",
        lambda _: joined(b"{" + b",".join(b'"%d":0' % number for number in range(100_000)) + b"}", b""),
    ),
    "an endless shape": (
        "checkpoint_damaged",
        lambda file: _with_tensor(file, shape=[1] * 100_000),
    ),
    "a name that moves the cursor": (
        "checkpoint_unlike",
        lambda file: changed(file, _reshaped("\x1b[2J", (8,))),
    ),
    "half a character": ("checkpoint_damaged", lambda _: joined(b'{"__metadata__":{"run":"\\ud800"}}', b"")),
    "JSON that is too long": ("checkpoint_damaged", lambda _: joined(b" " * (portable.MAX_HEADER + 1), b"")),
    "an empty object": ("checkpoint_without_run", lambda _: joined(b"{}", b"")),
    "another program's": ("checkpoint_without_run", lambda _: save({"weight": np.zeros(3, np.float32)})),
    "overlapping tensors": ("checkpoint_damaged", _overlapping),
    "tensors outside the file": ("checkpoint_damaged", _outside),
    "a hole": ("checkpoint_damaged", lambda file: _with_tensor(file, data_offsets=[8, 12])),
    "negative places": ("checkpoint_damaged", lambda file: _with_tensor(file, data_offsets=[-4, 0])),
    "a place that is true": ("checkpoint_damaged", lambda file: _with_tensor(file, data_offsets=[True, 4])),
    "an enormous shape": ("checkpoint_damaged", lambda file: _with_tensor(file, shape=[2**31] * 4)),
    "too many dimensions": ("checkpoint_damaged", lambda file: _with_tensor(file, shape=[1] * 5)),
    "another type of numbers": ("checkpoint_damaged", lambda file: _with_tensor(file, dtype="F16")),
    "bytes for floats": ("checkpoint_damaged", lambda file: _with_tensor(file, dtype="U8")),
    "a surplus key": ("checkpoint_damaged", lambda file: _with_tensor(file, more=1)),
    "a wrong shape": ("checkpoint_unlike", lambda f: changed(f, _reshaped("model.recurrent.cells.0.W_h", (8, 9)))),
    "no weights": ("checkpoint_unlike", lambda f: changed(f, lambda arrays: arrays.clear())),
    "a weight less": (
        "checkpoint_unlike",
        lambda f: changed(f, lambda arrays: arrays.pop("model.recurrent.cells.0.b")),
    ),
    "a weight more": ("checkpoint_unlike", lambda f: changed(f, _reshaped("model.recurrent.cells.1.b", (8,)))),
    "something else": ("checkpoint_unlike", lambda f: changed(f, _reshaped("else", (8,)))),
    "half an optimiser": ("checkpoint_unlike", lambda f: changed(f, lambda arrays: arrays.pop("adam.0.exp_avg"))),
    "a large generator": (
        "checkpoint_unlike",
        lambda f: changed(f, lambda a: a.update(epoch_began_with=np.zeros(9000, np.uint8))),
    ),
    "double precision": (
        "checkpoint_unlike",
        lambda f: changed(f, lambda a: a.update({"model.dense.bias": a["model.dense.bias"].astype(np.float64)})),
    ),
    "other settings": (
        "checkpoint_unlike",
        lambda f: _with_run(f, config=json.loads(CONFIG.change(num_hiddens=9).to_json())),
    ),
    "a large network": (
        "checkpoint_unlike",
        lambda f: _with_run(f, config=json.loads(CONFIG.change(num_hiddens=1024, num_layers=8).to_json())),
    ),
    "no characters": ("checkpoint_vocab", lambda file: changed(file, vocab='""')),
    "a character less": ("checkpoint_vocab", lambda file: changed(file, vocab=json.dumps(vocabulary(file)[:-1]))),
    "a character twice": (
        "checkpoint_vocab",
        lambda file: changed(file, vocab=json.dumps(vocabulary(file)[:-1] + vocabulary(file)[0])),
    ),
    "half a character as text": ("checkpoint_damaged", lambda file: changed(file, vocab='"\\ud800"')),
    "characters as a list": ("checkpoint_damaged", lambda file: changed(file, vocab='["a"]')),
    "an epoch to come": ("checkpoint_damaged", lambda file: changed(file, epoch="5")),
    "an epoch before": ("checkpoint_damaged", lambda file: changed(file, epoch="-1")),
    "an epoch in words": ("checkpoint_damaged", lambda file: changed(file, epoch='"../../4"')),
    "no position": ("checkpoint_damaged", lambda file: changed(file, epoch=None)),
    "more to say": ("checkpoint_damaged", lambda file: changed(file, more="1")),
    "no run": ("import_format", lambda file: changed(file, run="{}")),
    "no JSON of a run": ("import_not_json", lambda file: changed(file, run="pickle")),
    "a title that is too long": ("import_invalid", lambda file: _with_run(file, title="x" * 81)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_changes_nothing(what: str, file: bytes, elsewhere: Client) -> None:
    code, spoil = HOSTILE[what]
    data = spoil(file)
    assert code_of(data) == code
    before = everything(elsewhere.home)
    with pytest.raises(RunError) as caught:
        hand_over(elsewhere, data)
    assert caught.value.code == code
    assert everything(elsewhere.home) == before


def hand_over(client: Client, data: bytes) -> str:
    """Import a file as a checkpoint, whatever it begins with."""
    from rnnlab.runs.protocol import ImportCheckpoint

    with incoming.handed_over(client.home, data) as name:
        try:
            return str(client._call(ImportCheckpoint, file=name))
        finally:
            assert not (client.home / incoming.FOLDER / name).exists()


def everything(home: Path) -> tuple[int, set[str]]:
    """Return the number of rows in the store, and the names of all files of checkpoints."""
    with closing(connect_reader(home / DATABASE)) as reader:
        tables = ("runs", "checkpoints", "events", "imports")
        rows = sum(reader.execute(f"select count(*) from {table}").fetchone()[0] for table in tables)
    folders = (home / "checkpoints", home / incoming.FOLDER)
    return rows, {str(path) for folder in folders for path in folder.rglob("*")}


def test_damaged_bytes_are_refused_or_harmless(file: bytes) -> None:
    chance = random.Random(0)
    header = int.from_bytes(file[:8], "little") + 8
    refused = 0
    for _ in range(400):
        garbled = bytearray(file)
        for _ in range(chance.randint(1, 4)):
            garbled[chance.randrange(header)] = chance.choice(b'0e"{}[],:-\\x\0\xff')
        try:
            portable.read(io.BytesIO(bytes(garbled)))
        except RunError:
            refused += 1
    assert refused > 200


def test_a_long_list_is_refused_before_it_is_parsed(file: bytes) -> None:
    for what in ("many tensors", "an endless shape"):
        with pytest.raises(RunError) as caught:
            portable.read(io.BytesIO(HOSTILE[what][1](file)))
        assert caught.value.params["reason"] == "too many tensors"


def test_too_large_a_file_is_refused_before_it_is_written(elsewhere: Client, file: bytes) -> None:
    data = file + bytes(portable.MAX_BYTES)
    before = everything(elsewhere.home)
    for act in (lambda: elsewhere.import_run(data), lambda: hand_over(elsewhere, data)):
        with pytest.raises(RunError) as caught:
            act()
        assert caught.value.code == "checkpoint_too_large"
    assert everything(elsewhere.home) == before


def test_only_a_file_that_was_handed_over_is_taken(elsewhere: Client, tmp_path: Path, file: bytes) -> None:
    from rnnlab.runs.protocol import ImportCheckpoint

    other = tmp_path / "other"  # all names are those of files that may be lost if the check is
    other.write_bytes(file)
    inside = os.path.relpath(other, elsewhere.home / incoming.FOLDER)
    (elsewhere.home / incoming.FOLDER).mkdir(exist_ok=True)
    (elsewhere.home / "beside").write_bytes(file)
    for name in ("", "x", ".", "0" * 32, "a" * 33, "../beside", inside, str(other), "0" * 31 + "/"):
        with pytest.raises(RunError) as caught:
            elsewhere._call(ImportCheckpoint, file=name)
        assert caught.value.code == "import_lost"
    assert other.read_bytes() == (elsewhere.home / "beside").read_bytes() == file


def test_a_link_or_a_folder_is_not_taken(elsewhere: Client, tmp_path: Path, file: bytes) -> None:
    from rnnlab.runs.protocol import ImportCheckpoint

    (tmp_path / "file").write_bytes(file)
    folder = elsewhere.home / incoming.FOLDER
    folder.mkdir(exist_ok=True)
    (folder / ("1" * 32)).symlink_to(tmp_path / "file")
    (folder / ("2" * 32)).mkdir()
    for digit in "12":
        with pytest.raises(RunError) as caught:
            elsewhere._call(ImportCheckpoint, file=digit * 32)
        assert caught.value.code == "import_lost"
    (folder / ("1" * 32)).unlink()
    (folder / ("2" * 32)).rmdir()
    assert (tmp_path / "file").read_bytes() == file


def test_what_a_sender_left_is_removed_at_the_next_start(tmp_path: Path, file: bytes) -> None:
    with incoming.handed_over(tmp_path, file) as name:
        left = tmp_path / incoming.FOLDER / name
        assert stat.S_IMODE(left.stat().st_mode) == 0o600
        with opened(tmp_path) as client:
            assert not left.exists()
            client.import_run(file)


def test_a_visitor_has_a_limit_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: bytes) -> None:
    monkeypatch.setenv("RNNLAB_VISITOR_MB", str(len(file) * 1.9 / 2**20))
    with opened(tmp_path) as client:
        ann = visitor(client, "ann")
        run_id = ann.import_run(file)
        with pytest.raises(RunError) as caught:
            ann.import_run(file)
        assert caught.value.code == "visitor_bytes"
        visitor(client, "bob").import_run(file)
        folder = checkpoint_folder(tmp_path, run_id)
        assert folder.exists()
        ann.delete(run_id)
        assert not list((tmp_path / incoming.FOLDER).iterdir())


def test_a_run_that_was_stopped_within_an_epoch_travels_too(shared: Client, elsewhere: Client) -> None:
    config = TrainConfig.from_json(CONFIG.to_json()).change(num_epochs=10_000, pred_period=10_000)
    run_id = shared.create(config)
    for event in shared.follow(run_id):
        if event.kind == "minibatch_finished":
            shared.stop(run_id)
    epoch, minibatch, _ = shared.store.checkpoints(run_id)[-1]
    imported = elsewhere.import_run(exported(shared, run_id))
    assert elsewhere.store.checkpoints(imported)[-1][:2] == (epoch, minibatch)
    assert elsewhere.store.run(imported).state == "stopped"
    assert elsewhere.generate(imported, "the", 5) == shared.generate(run_id, "the", 5)
