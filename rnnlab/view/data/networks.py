"""Trained networks that ship with the app: read from ``rnnlab/recordings/networks``, with NumPy, in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rnnlab.errors import RecipeError
from rnnlab.inference import files, generation, inspection
from rnnlab.inference.files import Label
from rnnlab.inference.network import Network
from rnnlab.recipes import RECIPES
from rnnlab.runs.questions import checked
from rnnlab.text import corpora
from rnnlab.text.vocab import Vocab

BY_LANGUAGE = {"zh": "A3", "en": "B3"}
"""The network that is shown first, trained on a text in the language of the reader and kept at several epochs."""
_FILE = re.compile(r"(.+)-epoch-(\d+)" + re.escape(files.SUFFIX))


def _file(name: str, epoch: int) -> Path:
    return files.FOLDER / files.file_name(name, epoch)


@cache
def _epochs() -> dict[str, tuple[int, ...]]:
    """Return the epochs of every network by its recipe, in the book's order."""
    paths = files.FOLDER.iterdir() if files.FOLDER.is_dir() else ()
    found = [(match[1], int(match[2])) for path in paths if (match := _FILE.fullmatch(path.name))]
    return {
        name: tuple(sorted(epoch for recipe, epoch in found if recipe == name))
        for name in RECIPES
        if any(recipe == name for recipe, _ in found)
    }


def names() -> tuple[str, ...]:
    """Return the ids of the recipes whose networks ship with the app, in the book's order."""
    return tuple(_epochs())


def epochs(name: str) -> tuple[int, ...]:
    """Return the epochs after which the network of a recipe was kept, ascending; none if it does not ship."""
    return _epochs().get(name, ())


@cache
def label(name: str, epoch: int) -> Label:
    """Return the label of a network."""
    return files.read_label(_file(name, epoch))


@lru_cache(maxsize=4)  # the largest takes 6 MB of memory
def network(name: str, epoch: int) -> Network:
    """Return a network."""
    tensors = files.read_tensors(_file(name, epoch))
    config = label(name, epoch).config
    text = corpora.prepare(corpora.load(config.corpus).text, config.preprocessing, config.num_chars).train
    return Network(config, Vocab(text), tensors)


def answer(name: str, epoch: int, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a question of the kind "inspect", "dependence" or "generate", as a checkpoint answers it.

    Raises:
        PrefixError: a character outside the vocabulary.
        ConfigError, RunError: see `rnnlab.runs.questions.checked`.
    """
    asked = checked(question, label(name, epoch).config)
    return {"epoch": epoch, "minibatch": 0, **_ANSWERS[asked.pop("kind")](network(name, epoch), **asked)}


def _generate(network: Network, **asked: Any) -> dict[str, Any]:
    return {"text": generation.generate(network, **asked)}


_ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "inspect": inspection.inspect,
    "dependence": inspection.dependence,
    "generate": _generate,
}


def ask(name: str) -> str:
    """Return the recipe of the network in a link, in upper or lower case.

    Raises:
        RecipeError: no network of this recipe ships with the app; the message lists those that do.
    """
    exact = next((shipped for shipped in names() if shipped.lower() == name.strip().lower()), None)
    if exact is None:
        allowed = ", ".join(names())
        raise RecipeError(
            "network_unknown",
            f"No trained network of {name!r} comes with the app; there are: {allowed}.",
            recipe=name,
            allowed=allowed,
        )
    return exact
