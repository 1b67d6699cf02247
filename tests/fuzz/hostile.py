"""Hostile values, all drawn from one random generator, so that a seed and a number name an input."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

from tests.browser.hostile import PIECES, WRITTEN

TEXTS = (
    "", " ", "\n", "\0", "\x1b[31m", "\ufeff", "\u202e", "\ud7ff", "0", "-1", "1e999", "NaN", "Infinity", "None",
    "null", "true", "../../etc/passwd", "/dev/zero", "file:///etc/passwd", "http://127.0.0.1/", "' or 1=1 --", "%s%n%x",
    "{0.__class__}", "${7*7}", "{{7*7}}", "<script>alert(1)</script>", "$(id)", "`id`", "; drop table runs", "CON",
    "text-0000000000000000", "recorded:A2", "recorded:", "A2", "lstm", "lyrics-zh", "zh", "一二三", "🙂" * 9,
    "a\u0301" * 20, "1,2,3", "a|b||", "9" * 400,
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, 2**53, 2**63, -(2**63), 10**30, 10**400, 0.0, -0.0, 0.5, 1e-320, 1e308,
    -1e308, math.inf, -math.inf, math.nan,
)  # fmt: skip


def text(chance: Random) -> str:
    """Return a text."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.choice(WRITTEN)
    if kind == 1:
        return "".join(chance.choices(PIECES, k=chance.randint(1, 12)))
    if kind == 2:
        codes = [chance.choice((chance.randrange(1, 128), chance.randrange(0x20, 0xD7FF))) for _ in range(8)]
        return "".join(map(chr, codes))
    if kind == 3:
        return chance.choice(TEXTS) * chance.choice((1, 1, 1, 2, 50))
    return chance.choice(TEXTS)


def number(chance: Random) -> int | float:
    """Return a number, which may be none."""
    return chance.choice((*NUMBERS, chance.randint(-10, 10), chance.uniform(-2, 2)))


def value(chance: Random, depth: int = 3) -> Any:
    """Return a value as JSON has them, nested at most `depth` times."""
    kind = chance.randrange(9 if depth else 6)
    if kind < 2:
        return text(chance)
    if kind < 4:
        return number(chance)
    if kind < 6:
        return chance.choice((None, True, False))
    if kind == 6:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {text(chance): value(chance, depth - 1) for _ in range(chance.randrange(4))}


def changed(chance: Random, data: Any) -> Any:
    """Return `data`, as JSON has it, with something in it replaced, left out, added, or doubled."""
    if isinstance(data, dict) and data and chance.random() < 0.9:
        name = chance.choice(sorted(data))
        kind = chance.randrange(8)
        if kind == 0:
            return {key: part for key, part in data.items() if key != name}
        if kind == 1:
            return {**data, text(chance): value(chance)}
        if kind == 2:
            return {(text(chance) if key == name else key): part for key, part in data.items()}
        return {**data, name: changed(chance, data[name])}
    if isinstance(data, list) and data and chance.random() < 0.9:
        at, kind = chance.randrange(len(data)), chance.randrange(8)
        if kind == 0:
            return data[:at] + data[at + 1 :]
        if kind == 1:
            return [*data[:at], data[at], *data[at:]]
        if kind == 2:
            return data[::-1]
        return [*data[:at], changed(chance, data[at]), *data[at + 1 :]]
    if isinstance(data, int | float) and not isinstance(data, bool) and chance.random() < 0.6:
        return number(chance)
    return value(chance)


def deep(chance: Random) -> str:
    """Return JSON that is nested far too deeply."""
    depth = chance.choice((30, 900, 5_000, 200_000))
    return chance.choice(
        ("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth, '{"a":[' * depth + "1" + "]}" * depth)
    )


def damaged(chance: Random, data: bytes) -> bytes:
    """Return `data` with bytes flipped, cut off, doubled or inserted."""
    for _ in range(chance.randint(1, 4)):
        at, kind = chance.randrange(len(data) + 1), chance.randrange(5)
        if kind == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at]
        elif kind == 2:
            data = data[:at] + data[max(0, at - 20) :]
        elif kind == 3:
            data = data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        else:
            data = data[:at] + text(chance).encode("utf-8", "replace") + data[at:]
    return data


def dumped(data: Any) -> str:
    """Return JSON; numbers that JSON does not have are written as Python writes them."""
    return json.dumps(data, ensure_ascii=False)
