"""Types of the arguments and options of the shell; their error messages list the allowed values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from rnnlab.cli import lookup
from rnnlab.environment import Environment
from rnnlab.errors import ConfigError


class Name(click.ParamType[str]):
    """A name that the command itself looks up.

    Args:
        allowed: returns a sentence about the names that exist, for the message if the argument is missing.
    """

    name = "text"

    def __init__(self, allowed: Callable[[Environment], str]) -> None:
        self._allowed = allowed

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it is."""
        return str(value)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Return the message for a missing argument."""
        environment = ctx.find_object(Environment) if ctx is not None else None
        return "" if environment is None else self._allowed(environment)


class Setting(click.ParamType[Any]):
    """The value of a setting of `TrainConfig`, parsed and checked as everywhere else.

    Args:
        setting: name of the setting in `TrainConfig`, which may differ from the name of the option.
        kind: name of the type in the help.
    """

    def __init__(self, setting: str, kind: str = "integer") -> None:
        self.setting = setting
        self.name = kind

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of the setting."""
        from rnnlab.config import TrainConfig

        try:
            return getattr(TrainConfig().change_from_text({self.setting: str(value)}), self.setting)
        except ConfigError as error:
            self.fail(str(error), param, ctx)


class RunFile(click.Path):
    """An existing file that holds an exported run."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Return the message for a missing argument."""
        return "Name files that `python -m rnnlab export RUN -o FILE` has written."


def _recipes(_: Environment) -> str:
    from rnnlab.recipes import RECIPES

    return f"The recipes are: {', '.join(RECIPES)}."


def _corpora(_: Environment) -> str:
    from rnnlab.text.corpora import corpus_names

    return f"The corpora are: {', '.join(corpus_names())}; or name a text file by its path."


def _downloads(_: Environment) -> str:
    from rnnlab.text.corpora import DOWNLOADS

    return f"The downloads are: {', '.join(DOWNLOADS)}."


def _prefixes(_: Environment) -> str:
    from rnnlab.config import MAX_PREFIX

    return f"A prefix has 1 to {MAX_PREFIX:,} characters."


RECIPE = Name(_recipes)
CORPUS = Name(_corpora)
DOWNLOAD = Name(_downloads)
PREFIX = Name(_prefixes)
RUN = Name(lookup.which_runs)
"""The id of a run, or its beginning."""
