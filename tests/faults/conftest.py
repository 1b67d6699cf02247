"""The shared home of the tests of faults."""

from tests.runs.lab import client, shared

__all__ = ["client", "shared"]
