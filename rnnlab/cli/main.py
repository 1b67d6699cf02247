"""The entry point of the shell: reads the environment and runs a command."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from rnnlab import __version__
from rnnlab.cli import catalogue, cluster, recorded, repository, training
from rnnlab.cli.group import Group
from rnnlab.environment import Environment


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rnnlab")
@click.pass_context
def main(context: click.Context) -> None:
    """See how recurrent networks learn: the experiments of Dive into Deep Learning, from the shell.

    The page shows the same runs: streamlit run streamlit_app.py
    """
    context.obj = Environment.from_environ()
    for stream in (sys.stdout, sys.stderr):
        # Chinese must be printable even if the encoding of the system has no Chinese
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(encoding="utf-8")


# in the order in which a new user needs them
for command in (*catalogue.COMMANDS, *training.COMMANDS, *repository.COMMANDS, *recorded.COMMANDS, *cluster.COMMANDS):
    main.add_command(command)
