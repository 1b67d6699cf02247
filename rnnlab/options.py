"""What the commands of the shell accept, so that a refusal lists it: commands, options, names, settings.

Click's own types say that something is wrong; these say what would be right, also where it was left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from rnnlab.errors import ConfigError


class Command(click.Command):
    """A command that names its options where one is unknown, and the range of a number that is none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
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
    """Lists its commands in the order in which one needs them, also where one is asked for that does not exist."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown_option(error, self, ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            message = f"{error.format_message()} The commands are: {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(message, ctx=ctx) from error


def _unknown_option(error: click.NoSuchOption, command: click.Command, ctx: click.Context) -> click.UsageError:
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    names = [name for option in options for name in option.opts if name.startswith("--")]
    return click.UsageError(f"{error.format_message()} The options are: {', '.join(names)}.", ctx=ctx)


def _range(kind: click.IntRange) -> str:
    return f"a whole number, {kind.min} or more" if kind.max is None else f"a whole number, {kind.min} to {kind.max}"


class Name(click.ParamType[str]):
    """A text whose meaning the command looks up by itself; where it is missing, `allowed` says what there is."""

    name = "text"

    def __init__(self, allowed: Callable[[], str]) -> None:
        self._allowed = allowed

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return self._allowed()


class Setting(click.ParamType[Any]):
    """The value of a setting of `TrainConfig`: read, bounded and refused as everywhere else.

    Args:
        setting: its name there, which need not be that of the option.
        kind: what the help calls a value.
    """

    def __init__(self, setting: str, kind: str = "integer") -> None:
        self.setting = setting
        self.name = kind

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from rnnlab.config import TrainConfig

        try:
            return getattr(TrainConfig().change_from_text({self.setting: str(value)}), self.setting)
        except ConfigError as error:
            self.fail(str(error), param, ctx)


class RunFile(click.Path):
    """A file that holds a run."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return "Name files that `python -m rnnlab export RUN -o FILE` has written."


def _recipes() -> str:
    from rnnlab.recipes import RECIPES

    return f"The recipes are: {', '.join(RECIPES)}."


def _corpora() -> str:
    from rnnlab.text.corpora import corpus_names

    return f"The corpora are: {', '.join(corpus_names())}; or name a text file by its path."


def _downloads() -> str:
    from rnnlab.text.corpora import DOWNLOADS

    return f"The downloads are: {', '.join(DOWNLOADS)}."


RECIPE = Name(_recipes)
CORPUS = Name(_corpora)
DOWNLOAD = Name(_downloads)
PREFIX = Name(lambda: "A prefix has 1 to 100 characters.")
