"""Some hundred hostile inputs through every door; `make fuzz` brings ten thousand."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from rnnlab.errors import RunError
from tests.fuzz.__main__ import DOORS
from tests.fuzz.lab import Door, Lab, knock

COUNTS = {"config": 150, "address": 12, "import": 30, "checkpoint": 60, "upload": 30, "widgets": 15}
FEW = 30


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("fuzz") / "home", trains=False) as lab:
        yield lab


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_nothing_raises_and_nothing_refused_changes_the_store(lab: Lab, door: type[Door]) -> None:
    tally = knock(door(lab), 0, range(COUNTS.get(door.name, FEW)))
    assert tally.tracebacks == []
    assert tally.changed == []
    assert tally.refused > 0


def test_what_raises_is_found(lab: Lab) -> None:
    class Raising(Door):
        name = "raising"

        def knock(self, chance: Random) -> bool:
            raise ValueError(chance.random())

    tally = knock(Raising(lab), 0, range(2))
    assert len(tally.tracebacks) == 2
    assert "ValueError" in tally.tracebacks[0]


def test_what_is_refused_and_yet_has_an_effect_is_found(lab: Lab) -> None:
    class Deceiving(Door):
        name = "deceiving"

        def knock(self, chance: Random) -> bool:
            self.lab.client.shorten({"text": str(chance.random())})
            raise RunError("run_unknown", "No.", run="")

    assert len(knock(Deceiving(lab), 0, range(2)).changed) == 2


def test_what_a_process_complains_of_is_found(lab: Lab) -> None:
    class Crashing(Door):
        name = "crashing"

        def knock(self, chance: Random) -> bool:
            with self.lab.server.log.open("a") as log:
                log.write("Traceback (most recent call last):\nValueError\n")
            return True

    assert "ValueError" in knock(Crashing(lab), 0, range(1)).tracebacks[0]
