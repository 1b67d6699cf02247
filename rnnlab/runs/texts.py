"""The training texts, loaded and prepared once for all uses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from rnnlab.config import TrainConfig
from rnnlab.runs.store import Queries
from rnnlab.text.preparation import Prepared

KEPT = 4
"""Number of prepared texts in the cache, of a few megabytes each at most."""


class Texts:
    """A cache of prepared texts; a corpus name always refers to the same text.

    Args:
        folders: folders of the book's texts.
        store: store with the uploaded texts.
    """

    def __init__(self, folders: Sequence[Path], store: Queries) -> None:
        self._folders, self._store = folders, store
        self._kept: OrderedDict[tuple[str, str, int], Prepared] = OrderedDict()

    def prepared(self, config: TrainConfig) -> Prepared:
        """Return the prepared text of `config`.

        Raises:
            CorpusError: the corpus is not on this machine.
        """
        from rnnlab.text import corpora

        key = (config.corpus, config.preprocessing, config.num_chars)
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            corpus = corpora.load(config.corpus, folders=self._folders, texts=self._store.text)
            self._kept[key] = corpora.prepare(corpus.text, config.preprocessing, config.num_chars)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]
