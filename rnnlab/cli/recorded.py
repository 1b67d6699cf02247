"""The commands for recorded runs: list, show, export and import them."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnnlab.cli import files, lookup, options, terminal
from rnnlab.cli.group import Command, Refusal
from rnnlab.environment import Environment
from rnnlab.errors import RunError

if TYPE_CHECKING:
    from rnnlab.runs.store import RunRecord, Store


@click.command("list", cls=Command)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
@click.pass_obj
def list_runs(environment: Environment, limit: int, as_json: bool) -> None:
    """List the recorded runs, the newest first."""
    with lookup.open_store(environment) as store:
        records = store.runs(limit=limit)
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


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN", type=options.RUN)
@click.option("--json", "as_json", is_flag=True, help="One object.")
@click.pass_obj
def show(environment: Environment, run_id: str, as_json: bool) -> None:
    """Show a run: its state, its settings and the book's log."""
    from rnnlab.runs.logbook import book_lines

    with lookup.open_store(environment) as store:
        record = lookup.find_run(store, run_id)
        events = store.events_since(record.id)
    if as_json:
        terminal.print_json(_record_dict(record))
        return
    click.echo(f"{record.id}  {terminal.title(record)}  {record.state}, epoch {record.epoch} of {record.num_epochs}")
    if record.error is not None:
        click.echo(f"error: {record.error.get('message', '')}")
    settings = record.config.model_dump(mode="json")
    click.echo("  ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()))
    for line in book_lines((event for _, event in events), record.config.pred_period):
        click.echo(line)
    if record.continuable:
        click.echo(f"Continue with: python -m rnnlab continue {record.id}", err=True)


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN", type=options.RUN)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["json", "csv", "log", "script", "checkpoint", "start"]),
    default="json",
    show_default=True,
    help="The whole run, a table of the epochs, the book's log, a program that repeats the run, the newest checkpoint "
    "with the whole run, or the weights that a fine-tuned run started from, which its program reads.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), default="-", help="Default: standard output."
)
@click.pass_obj
def export(environment: Environment, run_id: str, kind: str, output: str) -> None:
    """Write a run to a file."""
    with lookup.open_store(environment) as store:
        record = lookup.find_run(store, run_id)
        content = _exported(store, record.id, kind, environment)
    if output == "-":
        click.echo(content, nl=False)
    else:
        files.write(output, content)


@click.command("import", cls=Command)
@click.argument("names", metavar="FILE...", nargs=-1, required=True, type=options.RunFile())
@click.pass_obj
def import_runs(environment: Environment, names: tuple[str, ...]) -> None:
    """Import runs that were exported as JSON or as a checkpoint, and print their new ids.

    They can be viewed and exported again. Another run can start from a checkpoint, also where its text is missing:
    train --set start_from=RUN@EPOCH.
    """
    from rnnlab.runs import portable
    from rnnlab.runs.export import import_run

    contents = [files.read(Path(name), portable.MAX_BYTES) for name in names]
    for name, data in zip(names, contents, strict=True):  # all files are valid, or none is imported
        try:
            if portable.is_checkpoint(data):
                portable.read(io.BytesIO(data))
            else:
                import_run(data)
        except RunError as error:
            raise Refusal(f"{name}: {error}") from error
    with lookup.open_client(environment) as client:
        for data in contents:
            click.echo(client.import_run(data))


def _exported(store: Store, run_id: str, kind: str, environment: Environment) -> str | bytes:
    """Return a run in one of the formats of `export`."""
    from rnnlab.runs import export, logbook, portable, script

    if kind == "json":
        return export.to_json(export.export_run(store, run_id, environment.corpus_folders))
    if kind == "script":
        return script.script(store, run_id)
    if kind == "checkpoint":
        return portable.exported(store, run_id, environment.corpus_folders)
    if kind == "start":
        return script.starting_weights(store, run_id)
    events = [event for _, event in store.events_since(run_id)]
    if kind == "csv":
        return logbook.epoch_table(events)
    return logbook.book_log(events, store.run(run_id).config.pred_period)


def _record_dict(record: RunRecord) -> dict[str, Any]:
    """Return the fields of a record as JSON values."""
    data = {field.name: getattr(record, field.name) for field in fields(record)}
    return {**data, "config": record.config.model_dump(mode="json")}


COMMANDS = (list_runs, show, export, import_runs)
