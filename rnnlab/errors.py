"""The exception classes of the project.

    RNNLabError
    ├── ConfigError      a setting with a value that is not allowed
    ├── CorpusError      a text that cannot be found, read or trained on
    ├── PrefixError      a prefix with characters outside the vocabulary
    ├── RecipeError      a recipe that does not exist
    └── RunError         a run that cannot be created, found, controlled or stored

Every error has a `code` (a key of the message catalogue) and `params` (the values in the message), so that the page can
show it in the user's language; `str(error)` is the English message. Messages say what *is* allowed.
"""

from __future__ import annotations

from typing import Any


class RNNLabError(Exception):
    """Base class of all errors of RNN Lab: a code, an English message and the parameters of the message.

    Args:
        code: key of the message, unique within the project, e.g. ``"corpus_too_short"``.
        message: complete sentence in English that says what is allowed.
        params: the values that the message mentions, as plain numbers and strings.
    """

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.params = params

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data that can be sent between processes."""
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
        error = classes.get(str(data.get("error")), RNNLabError)(str(data["code"]), str(data["message"]))
        error.params = dict(data.get("params", {}))  # whatever their names
        return error


class ConfigError(RNNLabError):
    """A setting with a value that is not allowed; params: ``field``, ``value``, ``allowed``."""


class CorpusError(RNNLabError):
    """A text that cannot be found, read or trained on."""


class PrefixError(RNNLabError):
    """A prefix with characters outside the vocabulary; params: ``prefix``, ``character``."""


class RecipeError(RNNLabError):
    """A recipe that does not exist; params: ``recipe``, ``allowed``."""


class RunError(RNNLabError):
    """A run that cannot be created, found, controlled or stored."""
