"""Addresses: the parameters of all pages, short links, and paths that no page has."""

from __future__ import annotations

import importlib
from random import Random
from urllib.parse import quote, urlencode

import requests

from rnnlab.view.page.address import PAGES
from tests.fuzz import hostile
from tests.fuzz.lab import Door, Lab
from tests.server.visitor import PATIENCE, Visitor

PATHS = (
    "/lab/live/{}", "/lab/live/{}?after={}&lang={}", "/lab/{}.js", "/{}", "/TRAIN{}", "/lab/live/..%2f{}", "/media/{}",
    "/_stcore/{}", "/app/static/{}", "/component/{}", "/train/{}?{}={}",
)  # fmt: skip
KNOWN = ("A2", "recorded:A6", "lstm", "1", "0", "race", "own", "zh", "en", "all", "X1", "best", "160")


class Address(Door):
    """The address of a page, as a link or as typed."""

    name = "address"
    share = 0.06
    only_reads = True

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._visitor = Visitor(lab.server.port).__enter__()
        tables = {page: importlib.import_module(f"rnnlab.view.{page}.address").ADDRESS for page in PAGES}
        self._names = {page: list(table.parameters) for page, table in tables.items()}

    def close(self) -> None:
        """Leave the page."""
        self._visitor.close()

    def knock(self, chance: Random) -> bool:
        """Open an address; it counts as accepted if the page has nothing against it."""
        if chance.random() < 0.3:
            return self._request(chance)
        page = chance.choice(list(PAGES))
        names = [*self._names[page], "lang", "embed", "s", "projector", "stage", hostile.text(chance)]
        values = (*KNOWN, self.lab.run, hostile.text(chance), hostile.text(chance), hostile.text(chance))
        query = [(chance.choice(names), chance.choice(values)) for _ in range(chance.randint(1, 4))]
        given = chance.choice((urlencode(query, errors="replace"), "&".join("=".join(pair) for pair in query)))
        self._visitor.open(chance.choice((page, page, page, page.upper())), given.replace("\0", ""))
        if self._visitor.exceptions:
            raise AssertionError(f"{page}?{given}: {self._visitor.exceptions.pop()}")
        return not self._visitor.errors

    def _request(self, chance: Random) -> bool:
        path = chance.choice(PATHS)
        filled = path.format(*(quote(hostile.text(chance)[:200], safe="") for _ in range(3)))
        with requests.get(f"{self.lab.server.url}{filled}", stream=True, timeout=PATIENCE) as response:
            assert response.status_code < 500, f"{filled}: {response.status_code}"
            return response.ok
