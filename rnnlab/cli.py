"""The command line, ``python -m rnnlab``: train and look at runs without a browser.

Runs are recorded in the same store as those of the app and can be watched there. Standard output holds results alone;
what is said about them (progress, the run's id, refusals) goes to standard error. Exit codes: 0 done, 1 it failed,
2 a wrong name or value (the message lists what is allowed), 130 ended by Ctrl-C. Everything heavy is imported late.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rnnlab import __version__, options, terminal
from rnnlab.errors import ConfigError, CorpusError, PrefixError, RecipeError, RNNLabError, RunError

if TYPE_CHECKING:
    from rnnlab.config import TrainConfig
    from rnnlab.runs.client import Client
    from rnnlab.runs.store import RunRecord, Store
    from rnnlab.text.corpora import Corpus

WRONG_NAMES = {"run_unknown", "checkpoint_unknown", "prefix_character", "run_complete", "run_too_large"}
"""Codes of a `RunError` that another name or value mends; the others are failures."""
_FAILED_DOWNLOAD = "corpus_download_"
"""How the codes of a `CorpusError` begin that no other name mends."""
_HINTS = {
    "corpus_not_downloaded": "Or fetch it with: python -m rnnlab download {name}",
    "run_complete": "Say it with: --more N",
}
"""What the shell offers beside the message of an error, with its parameters."""


class _Refusal(click.ClickException):
    """A wrong name or value."""

    exit_code = terminal.WRONG


_RUN = options.Name(lambda: _name_a_run())
"""The id of a run, or how it begins."""


class _Group(options.Group):
    """Turns refusals into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RNNLabError as error:
            _refuse(error)


def _refuse(error: RNNLabError) -> NoReturn:
    message = " ".join([str(error), *([_HINTS[error.code].format(**error.params)] if error.code in _HINTS else [])])
    raise _Refusal(message) if _is_wrong(error) else click.ClickException(message)


def _is_wrong(error: RNNLabError) -> bool:
    """Say whether another name or value mends it."""
    if isinstance(error, CorpusError):
        return not error.code.startswith(_FAILED_DOWNLOAD)
    return isinstance(error, (ConfigError, PrefixError, RecipeError)) or error.code in WRONG_NAMES


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rnnlab")
def main() -> None:
    """See how recurrent networks learn: the experiments of Dive into Deep Learning, from the shell.

    The page shows the same runs: streamlit run streamlit_app.py
    """
    for stream in (sys.stdout, sys.stderr):
        # Chinese must not fail where the system's own encoding cannot write it
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(encoding="utf-8")


# what there is ---------------------------------------------------------------------------------------------------


@main.command()
@click.option("--json", "as_json", is_flag=True, help="A list of objects, with every setting.")
def recipes(as_json: bool) -> None:
    """List the published experiments."""
    from rnnlab.recipes import RECIPES

    if as_json:
        terminal.print_json([one.to_dict() for one in RECIPES.values()])
        return
    rows = []
    for one in RECIPES.values():
        config = one.config
        rows.append(
            [
                one.id,
                config.cell,
                config.implementation,
                str(config.num_layers),
                "both" if config.bidirectional else "one",
                config.sampling,
                str(config.num_hiddens),
                f"{config.optimizer} {config.learning_rate:g}",
                "off" if config.clip_norm is None else f"{config.clip_norm:g}",
                f"{config.num_epochs}/{config.pred_period}",
                f"{one.published[-1][1]:.6f}" if one.published else "",
            ]
        )
    header = "id|cell|how|layers|directions|sampling|hidden|optimiser|θ|epochs/period|published at the end"
    terminal.print_table(header.split("|"), rows)


@main.command()
@click.argument("name", metavar="NAME|PATH", type=options.CORPUS)
@click.option(
    "--chars", "num_chars", type=options.Setting("num_chars"), help="Look at the first N characters.  [default: 10000]"
)
@click.option(
    "--preprocessing",
    type=click.Choice(["first_edition", "second_edition"]),
    help="Line breaks to spaces, or letters only in lower case.  [default: as the book treats the text]",
)
@click.option("--json", "as_json", is_flag=True, help="An object with length, vocab_size, ladder and more.")
def corpus(name: str, num_chars: int | None, preprocessing: str | None, as_json: bool) -> None:
    """Measure a text: length, vocabulary, n-gram perplexities."""
    from rnnlab.config import TrainConfig
    from rnnlab.text import ngrams
    from rnnlab.text.corpora import corpus_names, prepare
    from rnnlab.text.vocab import Vocab

    found = _find_corpus(name, _store())
    if preprocessing is None:
        second = found.name in corpus_names() and found.language == "en"
        preprocessing = "second_edition" if second else "first_edition"
    config = TrainConfig().change(preprocessing=preprocessing)
    if num_chars is not None:
        config = config.change(num_chars=num_chars)
    prepared = prepare(found.text, config.preprocessing, config.num_chars)
    ladder = ngrams.ladder(prepared.train)
    vocab_size = len(Vocab(prepared.train))
    attribution, rights = _origin(found.name)
    frequent = list(ngrams.most_frequent(prepared.train, 10))
    if as_json:
        terminal.print_json(
            {
                "name": found.name,
                "title": found.title,
                "language": found.language,
                "source": found.source,
                "attribution": attribution,
                "rights": rights,
                "length": len(found.text),
                "preprocessing": config.preprocessing,
                "num_chars": len(prepared.train),
                "held_out": len(prepared.held_out),
                "vocab_size": vocab_size,
                "most_frequent": frequent,
                "ladder": {str(order): value for order, value in ladder.items() if order > 0},
            }
        )
        return
    click.echo(f"{found.title} ({found.name}): {len(found.text)} characters")
    if attribution is not None:
        click.echo(f"{attribution}. {rights}")
    click.echo(f"{config.preprocessing}: trains on {len(prepared.train)}, holds out {len(prepared.held_out)}")
    click.echo(f"vocabulary: {vocab_size} distinct characters")
    click.echo("perplexity of a table of counts, on the text it counted:")
    for order, value in ladder.items():
        click.echo(f"  {'all characters equally likely' if order == 0 else f'{order}-gram':30}{value:12.4f}")


@main.command("download")
@click.argument("name", type=options.DOWNLOAD)
def download_corpus(name: str) -> None:
    """Fetch one of the book's own texts.

    What comes is checked against the digest of the text that the published figures came from.
    """
    from rnnlab.runs.schema import home
    from rnnlab.text import corpora

    if name not in corpora.DOWNLOADS:
        raise CorpusError(
            "corpus_unknown",
            f"There is no download named {name!r}; the downloads are: {', '.join(corpora.DOWNLOADS)}.",
            name=name,
            allowed=", ".join(corpora.DOWNLOADS),
        )
    # before it comes, as the page does
    attribution, rights = _origin(name)
    click.echo(f"{attribution}.\n{rights}", err=True)
    path = corpora.download(name, home() / "corpora")
    click.echo(str(path))
    click.echo(f"Train on it with: python -m rnnlab train RECIPE --corpus {name}", err=True)


# training --------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("recipe_id", metavar="RECIPE", type=options.RECIPE)
@click.option(
    "--corpus", "corpus_name", metavar="NAME|PATH", help="The text to train on.  [default: the project's own]"
)
@click.option("--epochs", type=options.Setting("num_epochs"), help="How many epochs.  [default: the recipe's]")
@click.option("--seed", type=options.Setting("random_seed"), help="The random seed.  [default: 0]")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change any setting; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One event per line on standard output.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Also write the finished run to this file, as JSON."
)
def train(
    recipe_id: str,
    corpus_name: str | None,
    epochs: int | None,
    seed: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    output: str | None,
) -> None:
    """Train a recipe and record the run.

    Ctrl-C stops the run and keeps what it has; `continue` goes on with it. A run that diverges is a result too, with
    exit code 0. The settings are those of `recipes --json`, for example --set cell=gru --set clip_norm=none
    --set prefixes='春天|秋天'.
    """
    from rnnlab.recipes import recipe

    if output is not None and not Path(output).absolute().parent.is_dir():
        raise _Refusal(f"{output} cannot be written: there is no such folder.")
    chosen = recipe(recipe_id)
    texts = _settings(settings)
    corpus_name = texts.pop("corpus", None) if corpus_name is None else corpus_name
    config = chosen.config.change_from_text(texts)
    given = {"num_epochs": epochs, "random_seed": seed}
    config = config.change(**{name: value for name, value in given.items() if value is not None})
    _note_without_effect(texts, config)
    client = _client()
    with contextlib.closing(client):
        found = _find_corpus(config.corpus if corpus_name is None else corpus_name, client.store)
        config = config.change(corpus=found.name)
        _check_text(found, config)
        client.connect()
        if found.source == "upload":
            client.add_text(found.text, found.title)
        same = chosen.matches(config)
        run_id = client.create(
            config,
            name=chosen.id if same else "",
            based_on="" if same else chosen.id,
            language=chosen.language,
        )
        terminal.watch(client, run_id, 0, as_json)
        if output is not None:
            _write(output, _exported(client.store, run_id, "json"))


@main.command("continue")
@click.argument("run_id", metavar="RUN", type=_RUN)
@click.option("--more", type=click.IntRange(min=0), default=0, help="Train N epochs longer than planned.")
@click.option("--json", "as_json", is_flag=True, help="One event per line on standard output.")
def continue_run(run_id: str, more: int, as_json: bool) -> None:
    """Go on with a run that ended, from its last checkpoint."""
    client = _client()
    with contextlib.closing(client):
        record = _find_run(client.store, run_id)
        seen = client.store.events_since(record.id)
        client.connect()
        client.continue_run(record.id, more)
        terminal.watch(client, record.id, seen[-1][0] if seen else 0, as_json)


@main.command()
@click.argument("run_id", metavar="RUN", type=_RUN)
@click.argument("prefixes", metavar="PREFIX...", nargs=-1, required=True, type=options.PREFIX)
@click.option(
    "--num-preds", type=options.Setting("num_preds"), default=50, show_default=True, help="Characters after the prefix."
)
@click.option(
    "--decoding",
    type=options.Setting("decoding", "text"),
    default="greedy",
    show_default=True,
    help="greedy, temperature or top_k.",
)
@click.option("--temperature", type=options.Setting("temperature", "float"), default=1.0, show_default=True)
@click.option("--top-k", type=options.Setting("top_k"), default=5, show_default=True)
@click.option(
    "--seed", type=options.Setting("random_seed"), default=0, show_default=True, help="For temperature and top_k."
)
@click.option(
    "--epoch", "epoch_text", metavar="INTEGER", help="From the checkpoint after this epoch.  [default: the last one]"
)
@click.option("--json", "as_json", is_flag=True, help="One object per prefix.")
def generate(
    run_id: str,
    prefixes: tuple[str, ...],
    num_preds: int,
    decoding: str,
    temperature: float,
    top_k: int,
    seed: int,
    epoch_text: str | None,
    as_json: bool,
) -> None:
    """Let a trained network write on from each PREFIX."""
    from rnnlab.runs.logbook import one_line

    client = _client()
    with contextlib.closing(client):
        record = _find_run(client.store, run_id)
        epoch = None if epoch_text is None else _find_epoch(client.store, record, epoch_text)
        wanted = record.config.change(
            num_preds=num_preds, decoding=decoding, temperature=temperature, top_k=top_k, random_seed=seed
        )
        for prefix in prefixes:
            wanted.change(prefixes=(prefix,))
        client.connect()
        for prefix in prefixes:
            text = client.generate(record.id, prefix, num_preds, wanted.decoding, temperature, top_k, seed, epoch=epoch)
            if as_json:
                click.echo(json.dumps({"run": record.id, "prefix": prefix, "text": text}, ensure_ascii=False))
            else:
                click.echo(one_line(text))


@main.command()
@click.argument("recipe_ids", metavar="[RECIPE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One object per recipe.")
def bench(recipe_ids: tuple[str, ...], as_json: bool) -> None:
    """Time the engine against the algorithm as published, per recipe."""
    from importlib import import_module

    from rnnlab.recipes import recipe

    names = [recipe(name).id for name in recipe_ids]
    try:
        measure = import_module("benchmarks.engine_speed").main
    except ImportError:
        raise click.ClickException(
            "the benchmarks are part of the repository, not of the package: run this in its folder."
        ) from None
    measure(names, as_json)


@main.command()
@click.argument("recipe_ids", metavar="[RECIPE]...", nargs=-1)
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="The folder with the book's own texts.")
@click.option("--corpus", type=click.Choice(["book", "embedded"]), default="book", show_default=True)
@click.option("--seeds", type=click.IntRange(min=1, max=100), default=3, show_default=True, help="Random seeds.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes at a time.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="Default: docs/reproduction.md, or docs/reproduction-embedded.md; with recipes named, standard output.",
)
def reproduce(
    recipe_ids: tuple[str, ...], data: str | None, corpus: str, seeds: int, jobs: int, output: str | None
) -> None:
    """Train every recipe (or those named) to its end and write the table beside the published values.

    It is hours of work; each finished piece is kept, so that the command can be broken off and given again. On the
    embedded corpora the recordings of the gallery are the runs of the first seed; those that are missing are made.
    """
    from rnnlab.recordings.__main__ import main as record
    from rnnlab.reproduction import pieces, recorded_piece, report, reproduce, results
    from rnnlab.runs.schema import home
    from rnnlab.text.corpora import load

    if data is not None:
        os.environ["RNNLAB_DATA"] = data
    if corpus == "book":
        load("book-lyrics")
        load("book-time-machine")
    folder = home() / "reproduction" / corpus
    total = len(list(pieces(recipe_ids, seeds)))
    click.echo(f"{total} pieces, kept in {folder}", err=True)
    embedded = corpus == "embedded"
    wanted = [name for name, seed in pieces(recipe_ids, 1)]
    if embedded and (unrecorded := [name for name in wanted if recorded_piece(name) is None]):
        record(unrecorded)
    for result in reproduce(folder, recipe_ids, seeds, embedded, jobs):
        values = list(result["perplexity"].values())
        last = "untrained" if not values else "∞" if values[-1] is None else f"perplexity {values[-1]:.6f}"
        click.echo(f"{result['recipe']} seed {result['seed']}: {last}", err=True)
    found = results(folder, embedded)
    text = report({name: found[name] for name in found if name in wanted}, embedded, seeds, recipe_ids)
    if output is None and recipe_ids:  # a part of the table does not take the place of the whole one
        click.echo(text)
        return
    output = output or f"docs/reproduction{'-embedded' if embedded else ''}.md"
    _write(output, text)
    click.echo(output)


# what was recorded -----------------------------------------------------------------------------------------------


@main.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def list_runs(limit: int, as_json: bool) -> None:
    """List the recorded runs, the newest first."""
    records = _store().runs(limit=limit)
    if as_json:
        terminal.print_json([_record_dict(record) for record in records])
        return
    if not records:
        click.echo("No runs yet. Start one with: python -m rnnlab train A2", err=True)
        return
    rows = [
        [
            record.id,
            terminal.title(record),
            record.state,
            f"{record.epoch}/{record.num_epochs}",
            "" if record.perplexity is None else f"{record.perplexity:.6f}",
            record.config.corpus,
            terminal.local_time(record.created_at),
        ]
        for record in records
    ]
    terminal.print_table(["id", "recipe", "state", "epoch", "perplexity", "corpus", "created"], rows)


@main.command()
@click.argument("run_id", metavar="RUN", type=_RUN)
@click.option("--json", "as_json", is_flag=True, help="One object.")
def show(run_id: str, as_json: bool) -> None:
    """Show a run: its state, its settings and the book's log."""
    from rnnlab.runs.logbook import book_lines

    store = _store()
    record = _find_run(store, run_id)
    if as_json:
        terminal.print_json(_record_dict(record))
        return
    click.echo(f"{record.id}  {terminal.title(record)}  {record.state}, epoch {record.epoch} of {record.num_epochs}")
    if record.error is not None:
        click.echo(f"error: {record.error.get('message', '')}")
    settings = record.config.model_dump(mode="json")
    click.echo("  ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()))
    for line in book_lines(event for _, event in store.events_since(record.id)):
        click.echo(line)
    if record.continuable:
        click.echo(f"Go on with: python -m rnnlab continue {record.id}", err=True)


@main.command()
@click.argument("run_id", metavar="RUN", type=_RUN)
@click.option(
    "--format", "kind", type=click.Choice(["json", "csv", "log", "script"]), default="json", show_default=True,
    help="All of it, a table of the epochs, the book's log, or a program that repeats it.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), default="-", help="Default: standard output."
)
def export(run_id: str, kind: str, output: str) -> None:
    """Write a run to a file."""
    store = _store()
    record = _find_run(store, run_id)
    text = _exported(store, record.id, kind)
    if output == "-":
        click.echo(text, nl=False)
    else:
        _write(output, text)


@main.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=options.RunFile())
def import_runs(files: tuple[str, ...]) -> None:
    """Take in runs that were exported as JSON, and print their new ids.

    They can be looked at and exported again, not continued: such a file holds no weights.
    """
    from rnnlab.runs.export import import_run

    contents = [_read(Path(name)) for name in files]
    for name, data in zip(files, contents, strict=True):  # all are good, or none is taken in
        try:
            import_run(data)
        except RunError as error:
            raise _Refusal(f"{name}: {error}") from error
    client = _client()
    with contextlib.closing(client):
        client.connect()
        for data in contents:
            click.echo(client.import_run(data))


def _read(path: Path) -> bytes:
    """Read a file, but not more of it than an exported run may have."""
    from rnnlab.runs.export import MAX_BYTES

    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _Refusal(f"{path} cannot be read: {error.strerror or error}.") from error


# finding things --------------------------------------------------------------------------------------------------


def _client() -> Client:
    from rnnlab.runs.client import Client

    return Client()


def _store() -> Store:
    from rnnlab.runs.schema import DATABASE, home
    from rnnlab.runs.store import Store

    return Store(home() / DATABASE)


def _find_run(store: Store, text: str) -> RunRecord:
    """Return the run with this id, or whose id begins with `text` if that is only one."""
    records = store.runs(limit=100_000)
    found = [record for record in records if record.id == text] or [
        record for record in records if text and record.id.startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    newest = _ids(found[:20] or records[:20])
    if found:
        message = f"Several runs begin with {text!r}: {newest}."
    else:
        message = f"There is no run {text!r}; {_runs_there(records[:20])}."
    raise RunError("run_unknown", message, run=text, allowed=newest)


def _runs_there(newest: list[RunRecord]) -> str:
    if not newest:
        return "none has been recorded yet (python -m rnnlab train A2 records one)"
    return f"the newest runs are: {_ids(newest)} (all: python -m rnnlab list)"


def _name_a_run() -> str:
    try:
        return f"Name one; {_runs_there(_store().runs(limit=20))}."
    except RNNLabError as error:  # the store itself cannot be used
        return str(error)


def _ids(records: list[RunRecord]) -> str:
    return ", ".join(record.id for record in records)


def _find_epoch(store: Store, record: RunRecord, text: str) -> int:
    """Return the epoch of a checkpoint; what is no number is refused here, a number by the supervisor."""
    with contextlib.suppress(ValueError):
        return int(text)
    kept = [str(epoch) for epoch, minibatch, _ in store.checkpoints(record.id) if minibatch == 0]
    allowed = ", ".join(kept) or "none yet"
    raise RunError(
        "checkpoint_unknown",
        f"Run {record.id} keeps no checkpoint of epoch {text!r}; it keeps those of: {allowed}.",
        run=record.id,
        epoch=text,
        allowed=allowed,
    )


def _find_corpus(name: str, store: Store) -> Corpus:
    """Return the corpus with this name, or the text in the file at this path."""
    from rnnlab.text import corpora

    return corpora.find(name, texts=store.text)


def _origin(name: str) -> tuple[str | None, str | None]:
    """Say where a registered text comes from and who may use it; None of a text of one's own."""
    from rnnlab.text import corpora

    if name not in corpora.corpus_names():
        return None, None
    entry = corpora.info(name)
    return entry.attributions["en"], entry.rights["en"]


def _check_text(corpus: Corpus, config: TrainConfig) -> None:
    """Refuse at once what the run would fail on: a text too short, a prefix that it cannot spell."""
    from rnnlab.text.corpora import check_trainable, prepare
    from rnnlab.text.vocab import Vocab

    train = prepare(corpus.text, config.preprocessing, config.num_chars).train
    check_trainable(train, config)
    vocab = Vocab(train)
    for prefix in config.prefixes:
        try:
            vocab.encode(prefix)
        except PrefixError as error:
            hint = "Choose others with --set prefixes='one|two'."
            raise PrefixError(error.code, f"{error} {hint}", **error.params) from error


def _note_without_effect(names: Iterable[str], config: TrainConfig) -> None:
    """Say which of the settings that were asked for have no effect beside the others."""
    from rnnlab.config import SETTINGS

    for name in names:
        if not config.acts(name):
            click.echo(f"Note: {name} has no effect here; it acts only with {SETTINGS[name].needs_text()}.", err=True)


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """Read ``key=value`` pairs.

    Raises:
        ConfigError: a pair without ``=``.
    """
    from rnnlab.config import TrainConfig

    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(
                "config_not_a_pair",
                f"--set takes KEY=VALUE, not {pair!r}; the settings are: {', '.join(TrainConfig.model_fields)}.",
                field=pair,
                value="",
                allowed=", ".join(TrainConfig.model_fields),
            )
        settings[name.strip()] = value
    return settings


# writing things --------------------------------------------------------------------------------------------------


def _exported(store: Store, run_id: str, kind: str) -> str:
    from rnnlab.runs import export, logbook

    if kind == "json":
        return export.to_json(export.export_run(store, run_id))
    if kind == "script":
        from rnnlab.runs.script import script

        return script(store, run_id)
    events = [event for _, event in store.events_since(run_id)]
    return logbook.epoch_table(events) if kind == "csv" else "".join(f"{line}\n" for line in logbook.book_lines(events))


def _write(name: str, text: str) -> None:
    """Write a file whole or not at all."""
    path = Path(name)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _Refusal(f"{name} cannot be written: {error.strerror or error}.") from error


def _record_dict(record: RunRecord) -> dict[str, Any]:
    from dataclasses import fields

    data = {field.name: getattr(record, field.name) for field in fields(record)}
    return {**data, "config": record.config.model_dump(mode="json")}
