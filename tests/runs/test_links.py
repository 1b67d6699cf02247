"""Short links: the same page has the same code, and there are never too many."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from rnnlab.config import MAX_PREFIX, TrainConfig
from rnnlab.errors import RunError
from rnnlab.runs import links, schema
from rnnlab.runs.client import Client
from rnnlab.runs.limits import Limits
from rnnlab.runs.store import Store
from rnnlab.runs.store_writer import StoreWriter
from rnnlab.runs.supervisor import Supervisor
from tests.runs.lab import Simulated

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


def keep(writer: StoreWriter, visitor: str, **parameters: str) -> str:
    """Store the address of a page of a visitor."""
    with writer.atomic():
        return writer.add_address(parameters, visitor)


def test_addresses_of_pages_push_out_the_oldest_of_their_visitor_and_no_shared_link(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 2)
    monkeypatch.setattr(links, "MAX_ADDRESSES_OF_VISITOR", 3)
    monkeypatch.setattr(links, "MAX_ADDRESSES", 5)
    shared = [add(writer, {"run": str(number)}) for number in range(2)]
    ann = [keep(writer, "ann", text=str(number)) for number in range(5)]
    assert [writer.link(code) is not None for code in ann] == [False, False, True, True, True]
    bob = [keep(writer, "bob", text=f"bob {number}") for number in range(3)]  # with Ann's three, one too many
    assert [writer.link(code) is not None for code in (*ann, *bob)] == [*[False] * 3, *[True] * 5]
    assert all(writer.link(code) for code in shared)
    add(writer, {"run": "new"})
    assert [writer.link(code) is not None for code in shared] == [False, True]
    assert all(writer.link(code) for code in (*ann[3:], *bob))


def test_an_address_that_is_shared_lasts_and_one_that_is_used_again_stays_longer(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_ADDRESSES_OF_VISITOR", 2)
    code = keep(writer, "ann", text="one")
    assert not writer.is_shared(code)
    assert add(writer, {"text": "one"}) == code
    assert writer.is_shared(code)
    assert keep(writer, "ann", text="one") == code  # it is the address of a page again, and still shared
    two, three = keep(writer, "ann", text="two"), keep(writer, "ann", text="three")
    keep(writer, "ann", text="two")
    keep(writer, "ann", text="four")
    assert [writer.link(known) is not None for known in (code, two, three)] == [True, True, False]


def test_addresses_of_pages_are_deleted_after_some_days_and_with_their_text(writer: StoreWriter) -> None:
    shared, kept, text = add(writer, PAGE), keep(writer, "ann", corpus="verse"), "text-0000000000000001"
    with writer.atomic():
        writer.add_text(text, "a b", "a text", "ann")
    passage = keep(writer, "ann", corpus=text, prefixes="a b")
    later = time.time() + 1
    with writer.atomic():
        writer.prune(time.time() - 1000)
    assert writer.link(passage) is not None
    with writer.atomic():
        writer.prune(later)
    assert writer.text(text) is None
    assert [writer.link(code) is not None for code in (shared, kept, passage)] == [True, True, False]
    assert writer.has_old_addresses(later)
    with writer.atomic():
        writer.prune_addresses(later)
    assert [writer.link(code) is not None for code in (shared, kept)] == [True, False]
    assert not writer.has_old_addresses(later)


def test_the_supervisor_deletes_old_addresses_without_a_limit_of_days_for_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreWriter(tmp_path / schema.DATABASE) as writer:
        shared, address = add(writer, PAGE), keep(writer, "", text="one")
    limits = Limits(slots=1, disk_floor_mb=0.1)
    supervisor = Supervisor(tmp_path, limits, watch_stdin=False, make_executor=lambda _, report: Simulated(report))
    try:
        supervisor.turn(0.0)
        assert supervisor.store.link(address) is not None
        monkeypatch.setattr(links, "ADDRESS_DAYS", 0)
        supervisor._commands.prune()
        assert [supervisor.store.link(code) is not None for code in (shared, address)] == [True, False]
    finally:
        supervisor.close()


def test_a_store_of_an_older_version_has_its_links(tmp_path: Path) -> None:
    path = tmp_path / schema.DATABASE
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(f"{''.join(schema.MIGRATIONS[:7])} pragma user_version = 7;")
        old.execute("insert into links values ('abcdefg', ?, 1.0)", (links.canonical(PAGE),))
        old.commit()
    with Store(path) as store:
        assert store.link("abcdefg") == PAGE
    with StoreWriter(path) as writer:
        assert writer.link("abcdefg") == PAGE
        assert writer.is_shared("abcdefg")


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
