"""Short links: a code replaces the parameters of a page in its URL.

Shared links are permanent. A page whose parameters are too long for a URL also stores a link as its own address. Such
links are temporary and limited for each visitor: they change with every setting and may contain a private text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rnnlab.config import MAX_PREFIX
from rnnlab.errors import RunError

MAX_LINKS = 20_000
"""Largest number of shared links; beyond it the oldest are deleted."""
MAX_ADDRESSES = 4_000
"""Largest number of addresses of pages; beyond it the oldest are deleted."""
MAX_ADDRESSES_OF_VISITOR = 50
"""Largest number of addresses of the pages of a visitor: so many steps the browser's Back can undo."""
ADDRESS_DAYS = 14
"""Days after which an address of a page is deleted."""
MAX_PARAMETERS = 60
"""Largest number of parameters of a link."""
MAX_CHARS = 10_000
"""Largest total number of characters of the parameters of a link."""
MAX_VALUE = 4 * MAX_PREFIX + 100
"""Largest number of characters of a value: all prefixes of a run fit, with what separates them."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # without characters that are easily confused, such as 0 and o


def checked(parameters: Any) -> dict[str, str]:
    """Return the parameters of a page after checking that they are few and short.

    Raises:
        RunError: ``link_invalid``.
    """
    good = (
        isinstance(parameters, dict)
        and 1 <= len(parameters) <= MAX_PARAMETERS
        and all(
            isinstance(name, str) and _NAME.fullmatch(name) and isinstance(value, str) and len(value) <= MAX_VALUE
            for name, value in parameters.items()
        )
        and len(canonical(parameters)) <= MAX_CHARS
    )
    if not good:
        raise RunError(
            "link_invalid",
            f"A link has 1 to {MAX_PARAMETERS} parameters, each text with at most {MAX_VALUE} characters and all"
            f" together with at most {MAX_CHARS}.",
            parameters=MAX_PARAMETERS,
            value=MAX_VALUE,
            total=MAX_CHARS,
        )
    return dict(parameters)


def canonical(parameters: Mapping[str, str]) -> str:
    """Return parameters as JSON text that does not depend on their order."""
    return json.dumps(dict(parameters), sort_keys=True, ensure_ascii=False)


def codes(text: str) -> Iterator[str]:
    """Yield the possible codes of `text`, first with 7 letters, then with 8; the first unused code is taken."""
    attempt = 0
    while True:
        number = int.from_bytes(hashlib.sha256(f"{attempt} {text}".encode("utf-8", "replace")).digest(), "big")
        letters = []
        for _ in range(7 if attempt == 0 else 8):
            number, letter = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[letter])
        yield "".join(letters)
        attempt += 1
