"""The commands that need the repository: benchmarks and the reproduction of the published values."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from rnnlab.cli.group import Command
from rnnlab.environment import Environment


@click.command(cls=Command)
@click.argument("recipe_ids", metavar="[RECIPE]...", nargs=-1)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Epochs timed of each.")
@click.option("--json", "as_json", is_flag=True, help="One object per recipe.")
def bench(recipe_ids: tuple[str, ...], rounds: int, as_json: bool) -> None:
    """Time the engine against the algorithm as published, per recipe."""
    from rnnlab.recipes import recipe

    names = [recipe(name).id for name in recipe_ids]
    _from_repository("benchmarks.engine_speed").main(names, as_json, rounds)


@click.command(cls=Command)
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
@click.pass_obj
def reproduce(
    environment: Environment,
    recipe_ids: tuple[str, ...],
    data: str | None,
    corpus: str,
    seeds: int,
    jobs: int,
    output: str | None,
) -> None:
    """Train every recipe (or those named) to its end and write the table beside the published values.

    This takes hours; each finished piece is kept, so that the command can be interrupted and repeated. On the embedded
    corpora the recordings of the gallery are the runs of the first seed; missing recordings are made.
    """
    from dataclasses import replace
    from pathlib import Path

    from rnnlab.cli import files

    if data is not None:
        environment = replace(environment, data=Path(data).absolute())
    run = _from_repository("benchmarks.reproduction.run").run
    text, default = run(
        recipe_ids, environment, corpus == "embedded", seeds, jobs, lambda line: click.echo(line, err=True)
    )
    if output is None and recipe_ids:  # a part of the table does not replace the whole one
        click.echo(text)
        return
    files.write(output or default, text)
    click.echo(output or default)


def _from_repository(module: str) -> Any:
    """Import a module of the benchmarks, which are no part of the package.

    Raises:
        click.ClickException: the current folder is not that of the repository.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise click.ClickException(
            "the benchmarks are part of the repository, not of the package: run python -m rnnlab in its folder."
        ) from error


COMMANDS = (bench, reproduce)
