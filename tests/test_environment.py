"""The settings from environment variables, which another process gets unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnlab.environment import Environment


def test_without_any_variable_the_data_lies_in_a_folder_of_the_user() -> None:
    environment = Environment.from_environ({})
    assert environment.home.name == "rnnlab"
    assert environment.home.is_relative_to(Path.home())
    assert environment == Environment(environment.home)
    assert environment.corpus_folders == (environment.home / "corpora",)


def test_the_home_may_be_given_relative_or_below_the_users_home() -> None:
    assert Environment.from_environ({"RNNLAB_HOME": "here"}).home == Path.cwd() / "here"
    assert Environment.from_environ({"RNNLAB_HOME": "~/there"}).home == Path.home() / "there"


def test_the_users_folder_of_texts_is_searched_first(tmp_path: Path) -> None:
    environment = Environment.from_environ({"RNNLAB_HOME": str(tmp_path), "RNNLAB_DATA": "~/texts"})
    assert environment.corpus_folders == (Path.home() / "texts", tmp_path / "corpora")
    assert environment.corpus_folder == tmp_path / "corpora"


@pytest.mark.parametrize(
    "environment",
    [
        Environment(Path("/a")),
        Environment(Path("/a"), data=Path("/b")),
        Environment(Path("/a"), engine="spawn"),
        Environment(Path("/a"), engine="fork"),
        Environment(Path("/a"), tcp=True),
        Environment(Path("/a"), processor_clock=True),
    ],
)
def test_another_process_reads_the_same_settings(environment: Environment) -> None:
    assert Environment.from_environ(environment.variables()) == environment


def test_a_value_that_is_unknown_changes_nothing() -> None:
    variables = {
        "RNNLAB_HOME": "/a",
        "RNNLAB_ENGINE": "threads",
        "RNNLAB_TRANSPORT": "unix",
        "RNNLAB_CLOCK": "",
        "RNNLAB_DATA": "",
    }
    assert Environment.from_environ(variables) == Environment(Path("/a"))
