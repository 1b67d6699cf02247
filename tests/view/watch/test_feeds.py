"""The feeds of runs: shared while they are read, and gone ten minutes after they were made."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.runtime.caching import cache_utils

from rnnlab.view.watch import scenes


@pytest.fixture(autouse=True)
def new_caches() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def test_a_feed_leaves_the_memory_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(cache_utils, "TTLCACHE_TIMER", lambda: now[0])  # the clock of caches that are made from now on
    feed = scenes.feed("first")
    assert scenes.feed("first") is feed
    kept = weakref.ref(feed)
    del feed
    now[0] = 599.0
    scenes.feed("second")
    gc.collect()
    assert kept() is not None
    now[0] = 601.0
    scenes.feed("third")
    gc.collect()
    assert kept() is None
