"""Files of exported runs; one that is taken is shown on a page."""

from __future__ import annotations

import gzip
import json
from random import Random
from typing import Any

from rnnlab.runs.export import to_json
from tests.fuzz import hostile
from tests.fuzz.lab import Door, Lab
from tests.server.visitor import Visitor

ENDS: list[dict[str, Any]] = [
    {"kind": "run_failed", "code": "config_value", "message": "x", "params": {}},
    {"kind": "run_failed", "code": "memory_limit", "message": "<b>", "params": {"mb": "x", "field": "cell"}},
    {"kind": "run_diverged", "epoch": 1, "minibatch": 1, "loss": None, "grad_norm": None},
    {"kind": "run_finished", "reason": "finished", "epoch": 3, "minibatch": 0},
]
PAGES = (
    "train?run={}",
    "compare?pins={},recorded:A2",
    "diagnose?run={}",
    "inspect?run={}",
    "runs?",
    "train?run={}&epoch=1",
)


class Import(Door):
    """The import of a run."""

    name = "import"
    share = 0.15

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._visitor = Visitor(lab.server.port).__enter__()

    def close(self) -> None:
        """Leave the page."""
        self._visitor.close()

    def knock(self, chance: Random) -> bool:
        """Import a file, show the run if it is taken, and delete it."""
        run = self.lab.client.import_run(self._file(chance))
        self.taken(run, chance)
        page, _, query = chance.choice(PAGES).format(run).partition("?")
        self._visitor.open(page, f"lang={chance.choice(('zh', 'en'))}&{query}")
        if self._visitor.exceptions:
            raise AssertionError(self._visitor.exceptions.pop())
        self.lab.client.delete(run)
        return True

    def taken(self, run: str, chance: Random) -> None:
        """Do nothing more with a run than to show it."""

    def _file(self, chance: Random) -> bytes | str:
        data: Any = json.loads(json.dumps(self.lab.exported))
        kind = chance.randrange(10)
        if kind == 0:
            return hostile.deep(chance)
        if kind == 1:
            return hostile.damaged(chance, to_json(data).encode())
        if kind == 2:
            return chance.choice(
                (chance.randbytes(300), gzip.compress(to_json(data).encode()), b"", b"\xff\xfe[]", "null")
            )
        if kind < 5:
            data["events"] = [*data["events"][:-1], hostile.changed(chance, chance.choice(ENDS))]
            return hostile.dumped(data)
        if kind == 5:
            data["events"] = [chance.choice(data["events"]) for _ in range(chance.randrange(6))]
        if kind == 6:
            data |= {name: hostile.text(chance) for name in ("title", "name", "based_on", "language")}
        for _ in range(chance.randrange(3)):
            data = hostile.changed(chance, data)
        return hostile.dumped(data)
