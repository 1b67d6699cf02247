"""The commands that need a supervisor: train a network, continue its training, generate text."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnlab.cli import files, lookup, options, terminal
from rnnlab.cli.group import Command, Refusal
from rnnlab.environment import Environment
from rnnlab.errors import ConfigError

if TYPE_CHECKING:
    from rnnlab.config import TrainConfig
    from rnnlab.runs.store import RunRecord


@click.command(cls=Command)
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
@click.pass_obj
def train(
    environment: Environment,
    recipe_id: str,
    corpus_name: str | None,
    epochs: int | None,
    seed: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    output: str | None,
) -> None:
    """Train a recipe and record the run.

    Ctrl-C, like SIGTERM and SIGHUP, stops the run and keeps its results so far; `continue` resumes it. A run that
    diverges is a result too, with exit code 0. The settings are those of `recipes --json`, for example --set cell=gru
    --set clip_norm=none --set prefixes='春天|秋天'.
    """
    from rnnlab.recipes import recipe
    from rnnlab.runs import export

    if output is not None and not Path(output).absolute().parent.is_dir():
        raise Refusal(f"{output} cannot be written: there is no such folder.")
    chosen = recipe(recipe_id)
    texts = _settings(settings)
    corpus_name = texts.pop("corpus", None) if corpus_name is None else corpus_name
    config = chosen.config.change_from_text(texts)
    given = {"num_epochs": epochs, "random_seed": seed}
    config = config.change(**{name: value for name, value in given.items() if value is not None})
    _note_without_effect(texts, config)
    with contextlib.closing(lookup.open_client(environment)) as client:
        corpus = lookup.find_corpus(config.corpus if corpus_name is None else corpus_name, client.store, environment)
        config = config.change(corpus=corpus.name)
        if "prefixes" not in texts:
            config = lookup.suit_prefixes(corpus, config)
        lookup.check_text(corpus, config)
        client.connect()
        if corpus.source == "upload":
            client.add_text(corpus.text, corpus.title)
        same = chosen.matches(config)
        run_id = client.create(
            config,
            name=chosen.id if same else "",
            based_on="" if same else chosen.id,
            language=chosen.language,
        )
        terminal.watch(client, run_id, 0, as_json)
        if output is not None:
            files.write(output, export.to_json(export.export_run(client.store, run_id, environment.corpus_folders)))


@click.command("continue", cls=Command)
@click.argument("run_id", metavar="RUN", type=options.RUN)
@click.option("--more", type=click.IntRange(min=0), default=0, help="Train N epochs longer than planned.")
@click.option("--json", "as_json", is_flag=True, help="One event per line on standard output.")
@click.pass_obj
def continue_run(environment: Environment, run_id: str, more: int, as_json: bool) -> None:
    """Continue a run that has ended, from its last checkpoint."""
    with contextlib.closing(lookup.open_client(environment)) as client:
        record = lookup.find_run(client.store, run_id)
        seen = client.store.events_since(record.id)
        client.connect()
        checkpoints = client.store.checkpoints(record.id)
        client.continue_run(record.id, more)
        _say_from_where(record, checkpoints)
        terminal.watch(client, record.id, seen[-1][0] if seen else 0, as_json)


def _say_from_where(record: RunRecord, checkpoints: list[tuple[int, int, Path]]) -> None:
    """Print the position from which a run continues, and whether epochs are trained again."""
    if not checkpoints:  # it was waiting when nobody was left
        click.echo("Starts at the beginning.", err=True)
        return
    epoch, minibatch, _ = checkpoints[-1]
    where = f"epoch {epoch}" if not minibatch else f"minibatch {minibatch} of epoch {epoch + 1}"
    again = f"; epochs {epoch + 1} to {record.epoch} are trained again" if record.epoch > epoch else ""
    click.echo(f"Continues from {where}, the last checkpoint{again}.", err=True)


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN", type=options.RUN)
@click.argument("prefixes", metavar="PREFIX...", nargs=-1, required=True, type=options.PREFIX)
@click.option(
    "--num-preds", type=options.Setting("num_preds"), default=50, show_default=True, help="Characters after the prefix."
)
@click.option(
    "--decoding",
    type=options.Setting("decoding", "text"),
    help="greedy, temperature or top_k.  [default: greedy, or what the options below mean]",
)
@click.option("--temperature", type=options.Setting("temperature", "float"), help="Alone: samples.  [default: 1.0]")
@click.option("--top-k", type=options.Setting("top_k"), help="Alone: samples from K characters.  [default: 5]")
@click.option("--seed", type=options.Setting("random_seed"), help="For temperature and top_k.  [default: 0]")
@click.option(
    "--epoch",
    "epoch_text",
    metavar="EPOCH",
    help="From the checkpoint after this epoch, or the best of early stopping.  [default: the last one]",
)
@click.option("--json", "as_json", is_flag=True, help="One object per prefix.")
@click.pass_obj
def generate(
    environment: Environment,
    run_id: str,
    prefixes: tuple[str, ...],
    num_preds: int,
    decoding: str | None,
    temperature: float | None,
    top_k: int | None,
    seed: int | None,
    epoch_text: str | None,
    as_json: bool,
) -> None:
    """Generate text with a trained network after each PREFIX."""
    from rnnlab.config import TrainConfig
    from rnnlab.runs.logbook import one_line

    with contextlib.closing(lookup.open_client(environment)) as client:
        record = lookup.find_run(client.store, run_id)
        epoch = None if epoch_text is None else lookup.find_epoch(client.store, record, epoch_text)
        if decoding is None:
            decoding = (
                "greedy" if temperature is None and top_k is None else "temperature" if top_k is None else "top_k"
            )
        given = {"temperature": temperature, "top_k": top_k, "random_seed": seed}
        chosen = {name: value for name, value in given.items() if value is not None}
        config = TrainConfig().change(num_preds=num_preds, decoding=decoding, **chosen)
        _note_without_effect(chosen, config)
        if decoding == "greedy" and seed is not None:
            click.echo("Note: --seed has no effect here; the most probable character needs no chance.", err=True)
        for prefix in prefixes:
            config.change(prefixes=(prefix,))  # checks the prefix before a supervisor is started
        client.connect()
        for prefix in prefixes:
            text = client.generate(
                record.id,
                prefix,
                num_preds,
                config.decoding,
                config.temperature,
                config.top_k,
                config.random_seed,
                epoch=epoch,
            )
            if as_json:
                click.echo(json.dumps({"run": record.id, "prefix": prefix, "text": text}, ensure_ascii=False))
            else:
                click.echo(one_line(text))


def _note_without_effect(names: Iterable[str], config: TrainConfig) -> None:
    """Print which of the settings `names` have no effect beside the others."""
    from rnnlab.config import SETTINGS

    for name in names:
        if not config.acts(name):
            click.echo(f"Note: {name} has no effect here; it acts only with {SETTINGS[name].needs_text()}.", err=True)


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the settings that ``key=value`` pairs name.

    Raises:
        ConfigError: a pair without ``=``.
    """
    from rnnlab.config import TrainConfig
    from rnnlab.text import prefixes

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
        settings[name.strip()] = prefixes.with_bars(value) if name.strip() == "prefixes" else value
    return settings


COMMANDS = (train, continue_run, generate)
