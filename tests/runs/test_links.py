"""Short links: the same page has the same code, and there are never too many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from rnnlab.config import MAX_PREFIX, TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs import links, schema
from rnnlab.runs.client import Client
from rnnlab.runs.store_writer import StoreWriter

PAGE = {"page": "compare", "pins": "abc,def", "lang": "zh", "prefixes": "分开|不分开"}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[StoreWriter]:
    with StoreWriter(tmp_path / schema.DATABASE) as writer:
        yield writer


def add(writer: StoreWriter, parameters: dict[str, str]) -> str:
    with writer.atomic():
        return writer.add_link(parameters)


def test_a_code_returns_its_parameters(writer: StoreWriter) -> None:
    code = add(writer, PAGE)
    assert 6 <= len(code) <= 8
    assert code.isalnum()
    assert writer.link(code) == PAGE
    assert writer.link(code.upper()) == PAGE  # read from a blackboard
    assert add(writer, dict(reversed(PAGE.items()))) == code
    assert add(writer, {**PAGE, "lang": "en"}) != code
    for unknown in ("", "nothing", "' or 1=1 --", "x" * 10_000):
        assert writer.link(unknown) is None


def test_two_pages_with_colliding_codes_get_different_codes(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = links.codes
    monkeypatch.setattr(links, "codes", lambda text: iter(["same-1", *islice(real(text), 1)]))
    first, second = add(writer, {"run": "a"}), add(writer, {"run": "b"})
    assert first == "same-1"
    assert second != first
    assert (writer.link(first), writer.link(second)) == ({"run": "a"}, {"run": "b"})


def test_the_oldest_links_are_deleted_when_there_are_too_many(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 3)
    codes = [add(writer, {"run": str(number)}) for number in range(5)]
    assert [writer.link(code) is not None for code in codes] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        [],
        "run=a",
        {"run": 1},
        {"run": None},
        {"": "a"},
        {"a b": "a"},
        {"<b>": "a"},
        {"x" * 41: "a"},
        {"run": "a" * (links.MAX_VALUE + 1)},
        {f"n{i}": "a" for i in range(links.MAX_PARAMETERS + 1)},
        {f"n{i}": "a" * links.MAX_VALUE for i in range(9)},
    ],
)
def test_invalid_parameters_are_refused(parameters: Any) -> None:
    with pytest.raises(RunError) as caught:
        links.checked(parameters)
    assert caught.value.code == "link_invalid"


def test_the_longest_prefixes_fit_into_a_link() -> None:
    longest = TrainConfig.make(prefixes=tuple(character * MAX_PREFIX for character in "分开'\"")).changes_from(
        TrainConfig()
    )
    assert links.checked({"page": "train", "lang": "zh", "recipe": "A2", **longest})["prefixes"] == longest["prefixes"]


def test_the_client_shortens(client: Client) -> None:
    code = client.shorten(PAGE)
    assert client.shorten(PAGE) == code
    assert client.store.link(code) == PAGE
    with pytest.raises(RunError) as caught:
        client.shorten({"run": "a" * 10_000})
    assert caught.value.code == "link_invalid"
