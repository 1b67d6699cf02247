"""Imported runs: any file is either imported completely or refused with a reason."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from rnnlab.errors import RunError
from rnnlab.runs import export
from rnnlab.runs.client import Client
from rnnlab.runs.export import export_run, import_run, to_json
from tests.runs.lab import TINY

EPOCH = {
    "kind": "epoch_finished", "epoch": 1, "loss": 2.0, "perplexity": 7.4, "seconds": 0.1, "num_tokens": 10,
    "learning_rate": 1.0, "clip_norm": None, "grad_norm": 1.0, "grad_norm_max": 2.0, "clipped_share": 0.0,
}  # fmt: skip
END = {"kind": "run_finished", "reason": "finished", "epoch": 1, "minibatch": 0}
DIAGNOSIS = {
    "perplexity": 7.0, "honest_perplexity": None, "unigram_perplexity": 12.0, "kl_to_unigram": 0.1, "sensitivity": 0.2,
    "stuck": False, "held_out_perplexity": None, "held_out_chars": 0, "held_out_unknown": 0, "loss_by_position": [2.0],
    "outputs": [["a", 0.5, 0.5]], "grad_norm_by_layer": [1.0], "denormal_share_by_layer": [0.0],
}  # fmt: skip
PROBED = {"kind": "probed", "epoch": 1, "diagnosis": DIAGNOSIS}


def run_file(**change: Any) -> str:
    """Return an exported run with some changes; non-finite floats are written as in Python."""
    good = {
        "format": "rnnlab-run",
        "version": 1,
        "config": json.loads(TINY.to_json()),
        "made": {},
        "corpus": {"name": "verse-en", "vocab_size": 3},
        "events": [EPOCH, PROBED, END],
    }
    return json.dumps({**good, **change})


def code_of(data: str | bytes) -> str:
    with pytest.raises(RunError) as caught:
        import_run(data)
    return caught.value.code


def test_a_run_with_a_diagnosis_is_imported_and_exported_again(client: Client) -> None:
    run_id = client.import_run(run_file(title="课上的 <b>第一次</b>"))
    record = client.store.run(run_id)
    assert (record.state, record.epoch, record.perplexity) == ("finished", 1, 7.4)
    assert record.title == "课上的 <b>第一次</b>"  # text, not markup
    data = export_run(client.store, run_id)
    assert [event["kind"] for event in data["events"]] == ["epoch_finished", "probed", "run_finished"]
    assert import_run(to_json(data)).events == import_run(run_file()).events


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_a_run_is_imported_in_the_encoding_that_a_shell_gives_it(client: Client, encoding: str) -> None:
    """PowerShell writes what `export` prints as UTF-16, and editors begin UTF-8 with a byte-order mark."""
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = run_file(title="课上的第一次")
    data = (mark + text).encode(encoding)
    assert import_run(data) == import_run(text)
    assert client.store.run(client.import_run(data)).title == "课上的第一次"
    assert client.store.run(client.import_run("\ufeff" + text)).title == "课上的第一次"


def test_a_run_without_an_end_is_imported_as_interrupted(client: Client) -> None:
    paused = {"kind": "run_paused", "epoch": 1, "minibatch": 0}
    for events in ([], [EPOCH], [EPOCH, paused]):
        assert client.store.run(client.import_run(run_file(events=events))).state == "interrupted"
    failed = {"kind": "run_failed", "code": "run_error", "message": "It broke.", "params": {"reason": "why"}}
    record = client.store.run(client.import_run(run_file(events=[EPOCH, failed])))
    assert record.state == "failed"
    assert record.error == {"code": "run_error", "message": "It broke.", "params": {"reason": "why"}}


@pytest.mark.parametrize(
    "change",
    [
        {"events": [{**EPOCH, "epoch": 10**30}]},
        {"events": [{**EPOCH, "epoch": TINY.num_epochs + 2}]},
        {"events": [{**EPOCH, "epoch": 0}]},
        {"events": [{**EPOCH, "epoch": -1}]},
        {"events": [{**EPOCH, "num_tokens": 10**400}]},
        {"events": [{**EPOCH, "loss": 1e308}]},
        {"events": [{**EPOCH, "loss": math.nan}]},
        {"events": [{**EPOCH, "loss": -1.0}]},
        {"events": [{**EPOCH, "perplexity": 0.5}]},
        {"events": [{**EPOCH, "grad_norm_by_layer": [1.0] * 11}]},
        {"events": [{**EPOCH, "surplus": 1}]},
        {"events": [END, EPOCH]},
        {"events": [END, END]},
        {"events": [{"kind": "text_generated", "epoch": 1, "prefix": "a", "text": "a" * 7000}]},
        {"events": [{"kind": "run_failed", "code": "x", "message": "m", "params": {"reason": ["![x](//evil)"]}}]},
        {"events": [{**PROBED, "diagnosis": {**DIAGNOSIS, "outputs": [["a", 0.5, 0.5]] * 51}}]},
        {"events": [{**PROBED, "diagnosis": {}}]},
        {"events": [None]},
        {"title": "x" * 81},
        {"title": "two\nlines"},
        {"name": "\x1b[2J"},
        {"name": ["A6"]},
        {"made": {"seconds": -1}},
        {"made": {"date": "x" * 50}},
        {"corpus": {"name": "x", "vocab_size": 10**20}},
        {"corpus": {"name": "x", "vocab_size": 3, "ladder": {"-1": 2.0}}},
        {"corpus": {"name": "x", "vocab_size": 3, "ladder": {"0": 0.0}}},
        {"config": {"cell": "lstm", "detach": False, "sampling": "random"}},
        {"config": {"num_hiddens": 10**9}},
        {"config": []},
        {"surplus": {"a": {"b": {}}}},
    ],
)
def test_bad_values_are_refused(change: dict[str, Any]) -> None:
    assert code_of(run_file(**change)) == "import_invalid"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "import_not_json"),
        ("{", "import_not_json"),
        ("\x00\x01", "import_not_json"),
        ("[" * 100_000, "json_too_deep"),
        ('{"a":' * 100_000, "json_too_deep"),
        ("<html><script>alert(1)</script></html>", "import_not_json"),
        ("[]", "import_format"),
        ("7", "import_format"),
        ("null", "import_format"),
        ('"rnnlab-run"', "import_format"),
        ("{}", "import_format"),
        ('{"format": "another"}', "import_format"),
        (run_file(version=2), "import_format"),
        (b"\xff\xfe\x00", "import_not_json"),
    ],
)
def test_files_that_are_not_exported_runs_have_different_errors(data: str | bytes, code: str) -> None:
    assert code_of(data) == code


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    assert code_of(run_file(events=[EPOCH] * (export.MAX_EVENTS + 1))) == "import_events"
    too_large = b" " * (export.MAX_BYTES + 1)
    assert code_of(too_large) == "import_too_large"
    with pytest.raises(RunError) as caught:  # before it is sent
        client.import_run(too_large)
    assert caught.value.code == "import_too_large"


def test_a_large_file_of_quotes_is_accepted(client: Client) -> None:
    """Escaping doubles its length, but the line to the supervisor is still accepted."""
    before = client.status()["pid"]
    with pytest.raises(RunError) as caught:
        client.import_run('"' * export.MAX_BYTES)
    assert caught.value.code == "import_not_json"
    assert client.status()["pid"] == before


def test_a_truncated_or_damaged_file_is_imported_or_refused() -> None:
    whole = run_file(name="A6", title="分开")
    for end in range(0, len(whole), 7):
        assert code_of(whole[:end]) == "import_not_json"
    chance = random.Random(0)
    codes = []
    for _ in range(400):
        garbled = list(whole)
        for _ in range(chance.randint(1, 4)):
            garbled[chance.randrange(len(garbled))] = chance.choice('0e"{}[],:-\\x分')
        try:
            import_run("".join(garbled))
        except RunError as error:
            codes.append(error.code)
    assert len(codes) > 200
    assert all(code.startswith("import_") for code in codes)
