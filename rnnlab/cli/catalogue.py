"""The commands that show what there is to train: recipes and texts."""

from __future__ import annotations

import click

from rnnlab.cli import lookup, options, terminal
from rnnlab.cli.group import Command
from rnnlab.environment import Environment
from rnnlab.errors import CorpusError


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="A list of objects, with every setting.")
def recipes(as_json: bool) -> None:
    """List the published experiments."""
    from rnnlab.recipes import RECIPES

    if as_json:
        terminal.print_json([recipe.to_dict() for recipe in RECIPES.values()])
        return
    rows = []
    for recipe in RECIPES.values():
        config = recipe.config
        rows.append(
            [
                recipe.id,
                config.cell,
                config.implementation,
                str(config.num_layers),
                "both" if config.bidirectional else "one",
                config.sampling,
                str(config.num_hiddens),
                f"{config.optimizer} {config.learning_rate:g}",
                "off" if config.clip_norm is None else f"{config.clip_norm:g}",
                f"{config.num_epochs}/{config.pred_period}",
                f"{recipe.published[-1][1]:.6f}" if recipe.published else "",
            ]
        )
    header = "id|cell|how|layers|directions|sampling|hidden|optimiser|θ|epochs/period|published at the end"
    terminal.print_table(header.split("|"), rows)


@click.command(cls=Command)
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
@click.pass_obj
def corpus(
    environment: Environment, name: str, num_chars: int | None, preprocessing: str | None, as_json: bool
) -> None:
    """Measure a text: length, vocabulary, n-gram perplexities."""
    from rnnlab.config import TrainConfig
    from rnnlab.text import ngrams
    from rnnlab.text.corpora import corpus_names, prepare
    from rnnlab.text.vocab import Vocab

    with lookup.open_store(environment) as store:
        found = lookup.find_corpus(name, store, environment)
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


@click.command(cls=Command)
@click.argument("name", type=options.DOWNLOAD)
@click.pass_obj
def download(environment: Environment, name: str) -> None:
    """Fetch one of the book's own texts.

    What comes is checked against the digest of the text that the published figures came from.
    """
    from rnnlab.text import corpora

    if name not in corpora.DOWNLOADS:
        raise CorpusError(
            "corpus_unknown",
            f"There is no download named {name!r}; the downloads are: {', '.join(corpora.DOWNLOADS)}.",
            name=name,
            allowed=", ".join(corpora.DOWNLOADS),
        )
    # before the download, as on the page
    attribution, rights = _origin(name)
    click.echo(f"{attribution}.\n{rights}", err=True)
    path = corpora.download(name, environment.corpus_folder)
    click.echo(str(path))
    click.echo(f"Train on it with: python -m rnnlab train RECIPE --corpus {name}", err=True)


def _origin(name: str) -> tuple[str | None, str | None]:
    """Return the origin and the rights of a registered text; None for any other text."""
    from rnnlab.text import corpora

    if name not in corpora.corpus_names():
        return None, None
    entry = corpora.info(name)
    return entry.attributions["en"], entry.rights["en"]


COMMANDS = (recipes, corpus, download)
