"""The command line: its output, its errors, and the runs that it records."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from safetensors import safe_open

from rnnlab.cli.main import main
from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.runs.client import Client
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.text import corpora
from rnnlab.text.vocab import Vocab
from tests.made import until
from tests.open_files import nothing_stays_open

ROOT = Path(__file__).resolve().parent.parent
TEXT = corpora.load("lyrics-zh").text.replace("\n", " ")[:600]
PREFIXES = f"{TEXT[:1]}|{TEXT[1:3]}"
TINY = [
    part
    for pair in (
        "num_hiddens=8",
        "num_chars=600",
        "num_steps=10",
        "batch_size=4",
        "num_preds=6",
        f"prefixes={PREFIXES}",
    )
    for part in ("--set", pair)
]


def no_constants(name: str) -> None:
    pytest.fail(f"{name} is not JSON")


def shell(*arguments: str, home: Path, **options: Any) -> subprocess.Popen[str]:
    """Start the command line in a separate process."""
    return subprocess.Popen(
        [sys.executable, "-m", "rnnlab", *arguments],
        cwd=ROOT,
        env={**os.environ, "RNNLAB_HOME": str(home), "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )


def ask(*arguments: str) -> Result:
    """Run the command line in this process, with the home of the environment."""
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Keep a supervisor running for all tests of this module, so that they need not start their own."""
    with Client(tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture
def shared(server: Client, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the home of the shared supervisor in the environment."""
    monkeypatch.setenv("RNNLAB_HOME", str(server.home))
    return server.home


@pytest.fixture(scope="module")
def trained(server: Client) -> tuple[str, list[dict[str, Any]], str]:
    """Return the id, the events and the standard error of a run that the shell trained to its end."""
    arguments = ["train", "A2", "--epochs", "4", "--seed", "3", "--set", "pred_period=2", *TINY, "--json"]
    process = shell(*arguments, home=server.home)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    events = [json.loads(line, parse_constant=no_constants) for line in out.splitlines()]
    run_id = re.search(r"^run (\w+)$", err, re.MULTILINE)
    assert run_id, err
    return run_id.group(1), events, err


# recipes and texts


def test_recipes_as_json() -> None:
    result = ask("recipes", "--json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert [item["id"] for item in data] == list(RECIPES)
    a6 = next(item for item in data if item["id"] == "A6")
    expected = {
        "cell": "lstm",
        "implementation": "scratch",
        "num_layers": 1,
        "bidirectional": False,
        "sampling": "consecutive",
        "num_hiddens": 256,
        "num_epochs": 160,
        "pred_period": 40,
        "published": [[40, 211.457328], [80, 68.458662], [120, 15.034657], [160, 3.897414]],
    }
    assert expected.items() <= a6.items()


def test_recipes_for_people() -> None:
    result = ask("recipes")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for name in RECIPES:
        assert any(line.split()[:1] == [name] for line in lines)
    assert any("3.897414" in line for line in lines)


def test_corpus_as_json() -> None:
    result = ask("corpus", "lyrics-zh", "--json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    whole = corpora.load("lyrics-zh").text
    assert data["length"] == len(whole)
    assert data["num_chars"] + data["held_out"] == len(whole)
    assert data["vocab_size"] == len(set(whole.replace("\n", " ")[:10_000]))
    assert list(data["ladder"]) == ["1", "2", "3", "4", "5", "6"]
    assert data["ladder"]["1"] > data["ladder"]["2"] > data["ladder"]["3"] > 1


def test_corpus_takes_a_path_and_the_preprocessing(tmp_path: Path) -> None:
    file = tmp_path / "ab.txt"
    file.write_bytes(b"Ab ab!\nAB ab\n" * 50)
    first = json.loads(ask("corpus", str(file), "--json").stdout)
    assert (first["length"], first["vocab_size"]) == (650, 6)
    second = json.loads(ask("corpus", str(file), "--preprocessing", "second_edition", "--json").stdout)
    assert second["vocab_size"] == 3
    assert json.loads(ask("corpus", str(file), "--chars", "100", "--json").stdout)["num_chars"] == 100


def test_an_english_corpus_is_read_as_the_second_edition_does() -> None:
    assert json.loads(ask("corpus", "verse-en", "--json").stdout)["vocab_size"] == 27


def test_corpus_for_people() -> None:
    result = ask("corpus", "verse-en")
    assert result.exit_code == 0
    assert "27 distinct characters" in result.stdout
    assert "2-gram" in result.stdout


def test_the_attribution_of_a_text_is_printed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded, book = corpora.info("verse-en"), corpora.info("book-time-machine")
    for words in (ask("corpus", "verse-en").stdout, str(json.loads(ask("corpus", "verse-en", "--json").stdout))):
        assert embedded.attributions["en"] in words
        assert embedded.rights["en"] in words
    monkeypatch.setattr(corpora, "download", lambda name, folder: folder / book.file)
    result = ask("download", book.name)
    assert result.exit_code == 0
    assert result.stdout == f"{home / 'corpora' / book.file}\n"
    assert book.attributions["en"] in result.stderr
    assert book.rights["en"] in result.stderr


# wrong values: exit code 2 and a message that lists the allowed values

REFUSED: list[tuple[list[str], list[str]]] = [
    (["train", "A12"], ["A12", *RECIPES]),
    (["train", "A2", "--set", "num_hidden=3"], ["num_hidden'", *TrainConfig.model_fields]),
    (["train", "A2", "--set", "num_hiddens"], ["KEY=VALUE", *TrainConfig.model_fields]),
    (["train", "A2", "--set", "cell=mlp"], ["mlp", "rnn, gru, lstm"]),
    (["train", "A2", "--set", "num_layers=9"], ["num_layers", "1 to 8"]),
    (["train", "A2", "--set", "num_layers=two"], ["num_layers", "1 to 8"]),
    (["train", "A2", "--set", "learning_rate=nan"], ["learning_rate", "more than 0 to 10000"]),
    (["train", "A2", "--set", "clip_norm=-1"], ["clip_norm", "none"]),
    (["train", "A1", "--set", "detach=off"], ["detach", "consecutive"]),
    (["train", "A2", "--epochs", "-1"], ["num_epochs", "0 to 10000"]),
    (["train", "A2", "--epochs", "many"], ["--epochs", "many", "0 to 10000"]),
    (["train", "A2", "--epochs", "2.5"], ["--epochs", "2.5", "0 to 10000"]),
    (["train", "A2", "--seed", "-1"], ["random_seed", "0 to 2147483647"]),
    (["train", "A2", "--seed", "now"], ["--seed", "0 to 2147483647"]),
    (["train", "A2", "--layers", "2"], ["--layers", "--corpus", "--epochs", "--seed", "--set", "--json", "--output"]),
    (["train", "A2", "--corpus", "lyrics"], ["lyrics", *corpora.corpus_names()]),
    (["train", "A2", "--set", "corpus=nowhere/text.txt"], ["nowhere/text.txt", *corpora.corpus_names()]),
    (["train", "A2", "--set", "prefixes=龘"], ["龘", "--set prefixes="]),
    (["train", "A2", "--set", "num_chars=600"], ["600", "1,152"]),
    (["train", "A2", "-o", "nowhere/run.json"], ["nowhere/run.json", "folder"]),
    (["train"], ["RECIPE", *RECIPES]),
    (["corpus"], ["NAME|PATH", "path", *corpora.corpus_names()]),
    (["corpus", "nothing"], ["nothing", *corpora.corpus_names()]),
    (["corpus", "lyrics-zh", "--preprocessing", "third"], ["first_edition", "second_edition"]),
    (["corpus", "lyrics-zh", "--chars", "1"], ["num_chars", "2 to 2000000"]),
    (["corpus", "lyrics-zh", "--chars", "all"], ["--chars", "2 to 2000000"]),
    (["download"], ["NAME", *corpora.DOWNLOADS]),
    (["download", "lyrics-zh"], ["lyrics-zh", *corpora.DOWNLOADS]),
    (["show"], ["RUN", "recorded"]),
    (["list", "--limit", "many"], ["--limit", "1 or more"]),
    (["list", "--limit", "0"], ["--limit", "1 or more"]),
    (["continue", "nothing", "--more", "some"], ["--more", "0 or more"]),
    (["show", "nothing"], ["nothing", "recorded"]),
    (["continue", "nothing"], ["nothing", "recorded"]),
    (["generate", "nothing", "分开"], ["nothing", "recorded"]),
    (["generate", "nothing"], ["PREFIX", "1 to 1,000 characters"]),
    (["generate", "nothing", "分开", "--temperature", "hot"], ["--temperature", "hot", "more than 0 to 10"]),
    (["generate", "nothing", "分开", "--top-k", "few"], ["--top-k", "1 to 1000"]),
    (["generate", "nothing", "分开", "--num-preds", "few"], ["--num-preds", "0 to 2000"]),
    (["generate", "nothing", "分开", "--decoding", "beam"], ["beam", "greedy, temperature, top_k"]),
    (["export", "nothing"], ["nothing", "recorded"]),
    (["export", "nothing", "--format", "xml"], ["json", "csv", "log", "script"]),
    (["import"], ["FILE", "export"]),
    (["import", "nowhere.json"], ["nowhere.json", "does not exist"]),
    (["import", __file__], ["test_cli.py", "JSON"]),
    (["learn"], ["learn", *main.commands]),
    (["--learn"], ["--learn", "--version", "--help"]),
    (["reproduce", "--seeds", "many"], ["--seeds", "1 to 100"]),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_a_wrong_name_or_value(arguments: list[str], words: list[str], home: Path) -> None:
    result = ask(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    assert not list(home.iterdir()), "a refusal leaves nothing behind"


def test_a_file_that_is_not_a_text(tmp_path: Path, home: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 20)
    (tmp_path / "same.txt").write_text("a" * 5000)
    (tmp_path / "same-line.txt").write_text("a" * 5000 + "\n")
    for name in ("empty.txt", "picture.png", "same.txt", "same-line.txt", "."):
        result = ask("train", "A2", "--corpus", str(tmp_path / name), "--set", "prefixes=a")
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert len(result.stderr) > 30
    assert not list(home.iterdir())


def test_a_missing_corpus_of_the_book_is_reported_with_the_download_command(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNLAB_DATA", raising=False)
    result = ask("train", "A6", "--corpus", "book-lyrics")
    assert result.exit_code == 2
    assert "RNNLAB_DATA" in result.stderr
    assert "rnnlab download book-lyrics" in result.stderr


def test_a_failed_download_is_not_a_wrong_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # no server listens there: no network is used
    result = ask("download", "book-lyrics")
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert "could not be downloaded" in result.stderr


@pytest.mark.parametrize("name", ["file", "file/home"])
def test_an_unusable_home_is_not_a_wrong_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    process = shell("train", "A2", "--epochs", "1", home=tmp_path / name)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"Error: Runs cannot be stored in {tmp_path / name}")
    assert "Traceback" not in err


def test_an_empty_list_of_runs_is_not_an_error(home: Path) -> None:
    result = ask("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "train" in result.stderr
    assert json.loads(ask("list", "--json").stdout) == []


def test_a_wrong_name_as_a_process(home: Path) -> None:
    process = shell("train", "A12", home=home)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "A11-library" in err
    assert "Traceback" not in err


# training


def test_train_prints_events_and_nothing_else(trained: tuple[str, list[dict[str, Any]], str]) -> None:
    run_id, events, _ = trained
    epochs = [event for event in events if event["kind"] == "epoch_finished"]
    assert [event["epoch"] for event in epochs] == [1, 2, 3, 4]
    assert all(event["perplexity"] > 1 and event["seconds"] > 0 for event in epochs)
    texts = [event for event in events if event["kind"] == "text_generated"]
    assert [(event["epoch"], event["prefix"]) for event in texts] == [
        (epoch, prefix) for epoch in (0, 1, 2, 4) for prefix in PREFIXES.split("|")
    ]
    for event in texts:
        assert event["text"].startswith(event["prefix"])
        assert len(event["text"]) == len(event["prefix"]) + 6
        Vocab(TEXT).encode(event["text"])
    assert events[0]["kind"] == "run_started"
    assert (events[-1]["kind"], events[-1]["reason"]) == ("run_finished", "finished")
    assert run_id


def test_the_run_is_recorded(shared: Path, trained: tuple[str, list[dict[str, Any]], str]) -> None:
    run_id, events, _ = trained
    record = json.loads(ask("show", run_id, "--json").stdout, parse_constant=no_constants)
    assert (record["state"], record["epoch"], record["num_epochs"]) == ("finished", 4, 4)
    assert (record["name"], record["based_on"]) == ("", "A2")
    assert record["config"]["random_seed"] == 3
    assert record["perplexity"] == [e for e in events if e["kind"] == "epoch_finished"][-1]["perplexity"]
    assert run_id in [item["id"] for item in json.loads(ask("list", "--json").stdout)]
    assert run_id in ask("list").stdout
    shown = ask("show", run_id[:6])
    assert shown.exit_code == 0
    assert "epoch 4, perplexity" in shown.stdout
    assert 'cell="rnn"' in shown.stdout


def test_an_unknown_run_lists_those_that_exist(shared: Path, trained: tuple[str, list[dict[str, Any]], str]) -> None:
    for arguments in (["show", "0nothing"], ["show"], ["export"], ["continue"], ["generate"]):
        result = ask(*arguments)
        assert result.exit_code == 2
        assert trained[0] in result.stderr


def test_import(shared: Path, trained: tuple[str, list[dict[str, Any]], str], tmp_path: Path) -> None:
    run_id, _, _ = trained
    file = tmp_path / "run.json"
    ask("export", run_id, "-o", str(file))
    result = ask("import", str(file), str(file))
    assert result.exit_code == 0
    first, second = result.stdout.split()
    assert len({run_id, first, second}) == 3
    assert ask("show", first).stdout.split()[1:] == ask("show", run_id).stdout.split()[1:]
    (tmp_path / "cut.json").write_bytes(file.read_bytes()[:300])
    refused = ask("import", str(tmp_path / "cut.json"))
    assert refused.exit_code == 2
    assert "cut.json" in refused.stderr


def test_a_checkpoint_goes_to_another_home(
    shared: Path, trained: tuple[str, list[dict[str, Any]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _, _ = trained
    file = tmp_path / "run.safetensors"
    assert ask("export", run_id, "--format", "checkpoint", "-o", str(file)).exit_code == 0
    with Store(shared / DATABASE) as store:
        plain, epoch = store.checkpoints(run_id)[-1][2].read_bytes(), store.run(run_id).epoch
    (tmp_path / "old.safetensors").write_bytes(plain)
    monkeypatch.setenv("RNNLAB_HOME", str(tmp_path / "elsewhere"))
    refused = ask("import", str(file), str(tmp_path / "old.safetensors"))  # all of them, or none
    assert refused.exit_code == 2
    assert "old.safetensors" in refused.stderr
    assert "this version has exported" in refused.stderr
    assert not json.loads(ask("list", "--json").stdout)
    imported = ask("import", str(file)).stdout.strip()
    with Store(tmp_path / "elsewhere" / DATABASE) as store:
        assert [checkpoint[:2] for checkpoint in store.checkpoints(imported)] == [(epoch, 0)]


def test_a_program_that_repeats_a_run(shared: Path, trained: tuple[str, list[dict[str, Any]], str]) -> None:
    run_id, _, _ = trained
    source = ask("export", run_id, "--format", "script").stdout
    compile(source, "run.py", "exec")
    assert "num_hiddens=8" in source


def test_export(shared: Path, trained: tuple[str, list[dict[str, Any]], str], tmp_path: Path) -> None:
    run_id, events, _ = trained
    epochs = [event for event in events if event["kind"] == "epoch_finished"]

    log = ask("export", run_id, "--format", "log").stdout.splitlines()
    assert log == [
        line
        for epoch in (epochs[1], epochs[3])
        for line in (
            f"epoch {epoch['epoch']}, perplexity {epoch['perplexity']:.6f}, time {epoch['seconds']:.2f} sec",
            *(f" - {e['text']}" for e in events if e["kind"] == "text_generated" and e["epoch"] == epoch["epoch"]),
        )
    ]

    rows = list(csv.DictReader(io.StringIO(ask("export", run_id, "--format", "csv").stdout)))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert [float(row["perplexity"]) for row in rows] == [event["perplexity"] for event in epochs]

    file = tmp_path / "run.json"
    assert ask("export", run_id, "-o", str(file)).stdout == ""
    data = json.loads(file.read_text("utf-8"), parse_constant=no_constants)
    assert (data["format"], data["version"]) == ("rnnlab-run", 1)
    assert [e["epoch"] for e in data["events"] if e["kind"] == "epoch_finished"] == [1, 2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    result = ask("export", run_id, "-o", str(tmp_path / "nowhere" / "run.json"))
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_generate(shared: Path, trained: tuple[str, list[dict[str, Any]], str]) -> None:
    run_id, events, _ = trained
    last = [event for event in events if event["kind"] == "text_generated"][-1]
    result = ask("generate", run_id, last["prefix"], TEXT[0], "--num-preds", "6")
    assert result.exit_code == 0, result.output
    lines = result.stdout.split("\n")
    assert lines[0] == last["text"]  # greedy, from the same weights
    assert lines[1].startswith(TEXT[0])

    sampled = ["generate", run_id, TEXT[0], "--decoding", "temperature", "--temperature", "5", "--json", "--seed"]
    first, same, other = (json.loads(ask(*sampled, seed).stdout)["text"] for seed in ("1", "1", "2"))
    assert first == same != other

    # an option of sampling alone means sampling, and one that cannot act is noted
    alone = ask("generate", run_id, TEXT[0], "--temperature", "5", "--json", "--seed", "1")
    assert json.loads(alone.stdout)["text"] == first
    assert alone.stderr == ""
    top = ask("generate", run_id, TEXT[0], "--top-k", "2", "--seed", "1")
    same = ask("generate", run_id, TEXT[0], "--decoding", "top_k", "--top-k", "2", "--seed", "1")
    assert (top.stdout, top.stderr) == (same.stdout, "")
    greedy = ask(
        "generate", run_id, TEXT[0], "--decoding", "greedy", "--temperature", "5", "--top-k", "2", "--seed", "1"
    )
    assert greedy.stdout == ask("generate", run_id, TEXT[0]).stdout
    assert [line.split(" has no effect")[0] for line in greedy.stderr.splitlines()] == [
        "Note: temperature", "Note: top_k", "Note: --seed",
    ]  # fmt: skip

    for wrong, words in {
        "龘": ["龘"],
        "": ["1 to 1,000 characters"],
    }.items():
        result = ask("generate", run_id, wrong)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words)
    for option, words in {
        ("--decoding", "beam"): ["greedy, temperature, top_k"],
        ("--temperature", "0"): ["temperature", "more than 0 to 10"],
        ("--num-preds", "100000"): ["num_preds", "0 to 2000"],
        ("--epoch", "77"): ["77", "checkpoints are of: 0, "],
        ("--epoch", "a"): ["'a'", "checkpoints are of: 0, "],
    }.items():
        result = ask("generate", run_id, TEXT[0], *option)
        assert result.exit_code == 2, option
        assert all(word in result.stderr for word in words)


def test_the_format_of_the_book_and_a_progress_bar(server: Client, tmp_path: Path) -> None:
    text = "春天来了 我们一起走\n风吹过山 雨落在河里\n" * 60
    file = tmp_path / "my.txt"
    file.write_bytes(text.encode("gb18030"))
    out_file = tmp_path / "run.json"
    process = shell(
        *("train", "a4", "--corpus", str(file), "--epochs", "3", "--set", "pred_period=2", *TINY),
        *("--set", "prefixes=春天|我们", "-o", str(out_file)),
        home=server.home,
    )
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    lines = out.splitlines()
    epoch = r"epoch {}, perplexity \d+\.\d{{6}}, time \d+\.\d\d sec"
    patterns = [epoch.format(2), " - 春天.{6}", " - 我们.{6}", epoch.format(3), " - 春天.{6}", " - 我们.{6}"]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)
    assert "3/3" in err
    assert "perplexity" in err
    data = json.loads(out_file.read_text("utf-8"))
    record = server.store.run(re.findall(r"(?m)^run (\w+)$", err)[0])
    assert record.config.corpus == data["corpus"]["name"] == corpora.text_id(text)
    assert (record.based_on, record.language) == ("A4", "zh")


def test_another_text_gets_prefixes_that_fit_it_and_says_so(server: Client) -> None:
    process = shell("train", "A2", "--corpus", "verse-en", "--epochs", "1", "--set", "num_hiddens=8", home=server.home)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert re.search(r"(?m)^ - time traveller", out)
    (said,) = re.findall(r"(?m)^Note: .*$", err)
    assert "分开|不分开" in said
    assert "time traveller|traveller" in said
    # prefixes of one's own are not replaced
    refused = ask("train", "A2", "--corpus", "verse-en", "--set", "prefixes=分开、不分开")
    assert refused.exit_code == 2
    assert "'分开'" in refused.stderr


def test_an_untrained_network_generates_texts_once(server: Client) -> None:
    process = shell("train", "A11", *TINY[:-2], "--set", f"prefixes={TEXT[0]}", home=server.home)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert re.fullmatch(rf" - {re.escape(TEXT[0])}.{{6}}\n", out)


def test_the_recipe_itself_keeps_its_name(server: Client) -> None:
    process = shell("train", "A11-library", "--seed", "5", home=server.home)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    record = server.store.run(re.findall(r"(?m)^run (\w+)$", err)[0])
    assert (record.name, record.based_on, record.config.random_seed) == ("A11-library", "", 5)


def test_the_starting_weights_of_a_tuned_run_are_exported(shared: Path, tmp_path: Path) -> None:
    first = ask("train", "A5", "--epochs", "2", *TINY)
    run_id = re.findall(r"(?m)^run (\w+)$", first.stderr)[0]
    tuned = ask("train", "A5", "--epochs", "1", *TINY, "--set", f"start_from={run_id}@2")
    assert tuned.exit_code == 0, tuned.output
    tuned_id = re.findall(r"(?m)^run (\w+)$", tuned.stderr)[0]
    file = tmp_path / f"{tuned_id}-start.safetensors"
    assert ask("export", tuned_id, "--format", "start", "-o", str(file)).exit_code == 0
    assert file.name in ask("export", tuned_id, "--format", "script").stdout
    with safe_open(file, framework="np") as weights:
        assert any(name.startswith("model.") for name in weights.keys())  # noqa: SIM118 - it is not a mapping
    missing = ask("train", "A5", "--epochs", "1", *TINY, "--set", f"start_from={run_id}@7")
    assert missing.exit_code == 2
    assert f"{run_id}@2" in missing.stderr


def test_continue(shared: Path) -> None:
    first = ask("train", "A5", "--epochs", "2", *TINY, "--json")
    assert first.exit_code == 0, first.output
    run_id = re.findall(r"(?m)^run (\w+)$", first.stderr)[0]
    result = ask("continue", run_id)
    assert result.exit_code == 2
    assert "--more" in result.stderr
    result = ask("continue", run_id, "--more", "2", "--json")
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert (events[0]["kind"], events[0]["epoch"]) == ("run_started", 2)
    assert [event["epoch"] for event in events if event["kind"] == "epoch_finished"] == [3, 4]
    whole = ask("train", "A5", "--epochs", "4", *TINY, "--json")
    losses = [json.loads(line).get("loss") for line in whole.stdout.splitlines() if "epoch_finished" in line]
    assert [event["loss"] for event in events if event["kind"] == "epoch_finished"] == losses[2:]


def test_a_run_that_waited_when_nobody_was_left_can_be_started(home: Path) -> None:
    tiny = {"num_hiddens": 8, "num_chars": 600, "num_steps": 10, "batch_size": 4, "num_epochs": 1}
    config = TrainConfig.make(**tiny, prefixes=(TEXT[0],))
    with StoreWriter(home / DATABASE) as store, store.atomic():
        store.create("waiting", config)
        store.hold()
    assert "queued" in ask("list").stdout
    process = shell("continue", "waiting", "--json", home=home)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Starts at the beginning." in err
    assert json.loads(out.splitlines()[-1])["kind"] == "run_finished"


def test_a_run_that_diverges_is_kept_and_reported(shared: Path) -> None:
    wild = "clip_norm=none learning_rate=10000 activation=relu initialization=uniform num_hiddens=64 num_steps=100"
    settings = [part for pair in wild.split() for part in ("--set", pair)]
    result = ask("train", "A2", "--epochs", "50", *TINY, *settings, "--json")
    assert result.exit_code == 0, result.output
    events = [json.loads(line, parse_constant=no_constants) for line in result.stdout.splitlines()]
    last = events[-1]
    assert last["kind"] == "run_diverged"
    where = [f"diverged in epoch {last['epoch']}:", f"{last['grad_norm']:.6g}"]
    assert all(word in result.stderr for word in where)
    run_id = re.findall(r"(?m)^run (\w+)$", result.stderr)[0]
    shown = [ask("show", run_id).stdout, ask("export", run_id, "--format", "log").stdout]
    assert all(word in text for text in shown for word in where)
    assert "exit code 0" in ask("train", "--help").stdout


def test_a_setting_without_effect_is_noted(shared: Path) -> None:
    settings = ["--set", "forget_bias=1", "--set", "activation=relu", "--set", "temperature=2"]
    result = ask("train", "A2", "--epochs", "0", *TINY, *settings)
    assert result.exit_code == 0, result.output
    assert [line for line in result.stderr.splitlines() if line.startswith("Note:")] == [
        "Note: forget_bias has no effect here; it acts only with cell=lstm.",
        "Note: temperature has no effect here; it acts only with decoding=temperature or top_k.",
    ]


@pytest.mark.skipif(sys.platform == "darwin", reason="asks for a device that only a Mac has")
def test_a_missing_device_is_a_wrong_value(home: Path) -> None:
    process = shell("train", "A2", "--set", "device=mps", home=home)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "cpu" in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_cleanly_and_keeps_the_run(server: Client, number: signal.Signals) -> None:
    process = shell("train", "A2", "--epochs", "10000", *TINY, "--json", home=server.home)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["kind"] == "epoch_finished":
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    run_id = re.findall(r"(?m)^run (\w+)$", err)[0]
    assert f"continue {run_id}" in err
    last = json.loads(out.splitlines()[-1])
    assert (last["kind"], last["reason"]) == ("run_finished", "stopped")
    record = server.store.run(run_id)
    assert (record.state, record.continuable) == ("stopped", True)
    assert record.epoch >= 1
    # the last checkpoint is where it stopped
    assert server.store.checkpoints(run_id)[-1][:2] == (last["epoch"], last["minibatch"])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_shell_of_its_own_stops_its_run_at_sigterm_too(home: Path) -> None:
    """Nobody else keeps the supervisor alive; `continue` says where it goes on."""
    process = shell("train", "A2", "--epochs", "10000", *TINY, "--json", home=home)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["kind"] == "epoch_finished" and json.loads(line)["epoch"] > 2:
            break
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    last = json.loads(out.splitlines()[-1])
    assert (last["kind"], last["reason"]) == ("run_finished", "stopped")
    run_id = re.findall(r"(?m)^run (\w+)$", err)[0]
    again = shell("continue", run_id, "--json", home=home)
    assert again.stdout is not None
    first = json.loads(again.stdout.readline())
    again.send_signal(signal.SIGTERM)
    _, said = again.communicate(timeout=60)
    assert (first["kind"], first["epoch"]) == ("run_started", last["epoch"])
    where = (
        f"minibatch {last['minibatch']} of epoch {last['epoch'] + 1}" if last["minibatch"] else f"epoch {last['epoch']}"
    )
    assert f"Continues from {where}, the last checkpoint." in said


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_that_is_closed_stops_the_run(server: Client) -> None:
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnlab", "train", "A2", "--epochs", "10000", *TINY],
        cwd=ROOT,
        env={**os.environ, "RNNLAB_HOME": str(server.home), "COLUMNS": "100"},
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while not (found := re.search(rb"run (\w+)\r\n", shown)):
        shown += os.read(master, 1000)
    run_id = found[1].decode()
    until(server, run_id, lambda record: record.epoch > 0)
    os.close(master)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert server.store.run(run_id).state == "stopped"
    assert server.store.run(run_id).continuable


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way there")
def test_closing_the_output_stops_the_run(server: Client) -> None:
    process = shell("train", "A2", "--epochs", "10000", *TINY, "--json", home=server.home)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert server.store.run(re.findall(r"(?m)^run (\w+)$", err)[0]).state == "stopped"


def test_a_command_closes_what_it_opened(
    shared: Path, trained: tuple[str, list[dict[str, Any]], str], tmp_path: Path
) -> None:
    run_id, file = trained[0], str(tmp_path / "run.json")
    commands = [
        ["list"],
        ["show", run_id],
        ["show", "nothing"],
        ["show"],
        ["corpus", "verse-en"],
        ["export", run_id, "-o", file],
        ["import", file],
        ["import", __file__],
        ["generate", run_id, TEXT[0], "--num-preds", "2"],
        ["generate", run_id, "龘"],
        ["train", "A11", *TINY],
        ["train", "A2", "--set", "prefixes=龘"],
        ["continue", run_id, "--more", "1"],
        ["continue", run_id],
    ]
    for arguments in commands:
        ask(*arguments)  # the first call also opens files of Python and its libraries
        with nothing_stays_open():
            ask(*arguments)


def test_without_an_app_the_shell_starts_its_own_supervisor(home: Path) -> None:
    process = shell("train", "A11", home=home)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith(" - 分开")
    process = shell("list", "--json", home=home)
    out, _ = process.communicate(timeout=60)
    assert [item["state"] for item in json.loads(out)] == ["finished"]


def test_hosts_without_a_cluster_says_how_to_name_one(shared: Path) -> None:
    for arguments in (["hosts"], ["hosts", "--json"]):
        result = ask(*arguments)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "RNNLAB_CLUSTER" in result.stderr


def test_a_cluster_without_certificates_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_HOME", str(home))
    monkeypatch.setenv("RNNLAB_CLUSTER", "tls://127.0.0.1:1")
    monkeypatch.delenv("RNNLAB_TLS", raising=False)
    result = ask("hosts")
    assert result.exit_code == 1
    assert "RNNLAB_TLS" in result.stderr
