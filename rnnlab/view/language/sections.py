"""The sections of the book in its editions, which are numbered differently."""

from __future__ import annotations

SECOND = {
    "3.8": ("4.1", "5.1"),
    "3.15": ("4.8", "5.4"),
    "5.11": ("7.6", "8.6"),
    "6.1": ("8.1", "9.1"),
    "6.2": ("8.4", "9.4"),
    "6.3": ("8.3", "9.3"),
    "6.4": ("8.5", "9.5"),
    "6.5": ("8.6", "9.6"),
    "6.6": ("8.7", "9.7"),
    "6.7": ("9.1", "10.2"),
    "6.8": ("9.2", "10.1"),
    "6.9": ("9.3", "10.3"),
    "6.10": ("9.4", "10.4"),
    "10.10": ("9.8", "10.8"),
    "7.2": ("11.3", "12.3"),
    "7.3": ("11.5", "12.5"),
    "7.8": ("11.10", "12.10"),
}
"""Sections of the first edition, with the sections of the second edition in Chinese and in English."""
