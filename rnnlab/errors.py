"""What can go wrong, as a tree.

    RNNLabError
    ├── ConfigError      a setting outside what is allowed
    ├── CorpusError      a text that cannot be found, read or trained on
    ├── PrefixError      a prefix that the vocabulary cannot spell
    ├── RecipeError      a recipe that does not exist
    └── RunError         a run that cannot be created, found, steered or kept

Every error carries a `code` (a key of the message catalogue) and `params` (what to put into the sentence), so that
the page can say it in the reader's language; `str(error)` says it in plain English. Messages say what *is* allowed.
"""

from __future__ import annotations

from typing import Any


class RNNLabError(Exception):
    """Anything that RNN Lab refuses to do, with the reason as a code and its parameters.

    Args:
        code: key of the sentence, unique within the project, e.g. ``"corpus_too_short"``.
        message: the sentence in English, complete, naming what is allowed.
        params: the values the sentence mentions, plain numbers and strings.
    """

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.params = params

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data, to travel between processes."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "params": self.params,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> RNNLabError:
        """Rebuild an error from `to_dict`; an unknown class becomes a plain `RNNLabError`."""
        classes = {cls.__name__: cls for cls in RNNLabError.__subclasses__()}
        cls = classes.get(str(data.get("error")), RNNLabError)
        return cls(str(data["code"]), str(data["message"]), **dict(data.get("params", {})))


class ConfigError(RNNLabError):
    """A setting outside what is allowed; params: ``field``, ``value``, ``allowed``."""


class CorpusError(RNNLabError):
    """A text that cannot be found, read or trained on."""


class PrefixError(RNNLabError):
    """A prefix that the vocabulary cannot spell; params: ``prefix``, ``character``."""


class RecipeError(RNNLabError):
    """A recipe that does not exist; params: ``recipe``, ``allowed``."""


class RunError(RNNLabError):
    """A run that cannot be created, found, steered or kept."""
