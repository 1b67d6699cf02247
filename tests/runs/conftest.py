"""The shared home of the tests of runs."""

from tests.runs.lab import client, shared

__all__ = ["client", "shared"]
