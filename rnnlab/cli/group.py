"""Commands whose errors list the allowed values and set the exit code."""

from __future__ import annotations

from typing import Any, NoReturn

import click

from rnnlab.cli import terminal
from rnnlab.errors import ConfigError, CorpusError, PrefixError, RecipeError, RNNLabError

WRONG_NAMES = {
    "run_unknown",
    "checkpoint_unknown",
    "prefix_character",
    "run_complete",
    "run_too_large",
    "start_unknown",
    "start_none",
    "start_unlike",
}
"""Codes of a `RunError` that another name or value avoids; the others are failures."""
_FAILED_DOWNLOAD = "corpus_download_"
"""Prefix of the codes of a `CorpusError` that no other name avoids."""
_HINTS = {
    "corpus_not_downloaded": "Or fetch it with: python -m rnnlab download {name}",
    "run_complete": "Use --more N.",
}
"""Hints that the shell adds to the message of an error, with its parameters."""


class Refusal(click.ClickException):
    """A wrong name or value: exit code 2."""

    exit_code = terminal.WRONG


class Command(click.Command):
    """A command whose errors list its options, and the range of a number."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments of the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown_option(error, self, ctx) from error
        except click.BadParameter as error:
            if error.param is None or not isinstance(error.param.type, click.IntRange):
                raise
            message = f"{error.message} Allowed: {_range(error.param.type)}."
            raise click.BadParameter(message, error.ctx, error.param) from error


class Group(click.Group):
    """A group that lists its commands in the order of their addition, and turns errors of RNN Lab into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments before the name of the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown_option(error, self, ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            message = f"{error.format_message()} The commands are: {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(message, ctx=ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except RNNLabError as error:
            _refuse(error)


def _refuse(error: RNNLabError) -> NoReturn:
    message = " ".join([str(error), *([_HINTS[error.code].format(**error.params)] if error.code in _HINTS else [])])
    raise Refusal(message) if _is_wrong_name(error) else click.ClickException(message)


def _is_wrong_name(error: RNNLabError) -> bool:
    """Return whether another name or value would avoid the error."""
    if isinstance(error, CorpusError):
        return not error.code.startswith(_FAILED_DOWNLOAD)
    return isinstance(error, (ConfigError, PrefixError, RecipeError)) or error.code in WRONG_NAMES


def _unknown_option(error: click.NoSuchOption, command: click.Command, ctx: click.Context) -> click.UsageError:
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    names = [name for option in options for name in option.opts if name.startswith("--")]
    return click.UsageError(f"{error.format_message()} The options are: {', '.join(names)}.", ctx=ctx)


def _range(kind: click.IntRange) -> str:
    return f"a whole number, {kind.min} or more" if kind.max is None else f"a whole number, {kind.min} to {kind.max}"
