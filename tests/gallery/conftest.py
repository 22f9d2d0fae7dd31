"""Fixtures of the store's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from matcher.gallery.store import Store


@pytest.fixture(scope="session")
def tools(load: Callable[[str], ModuleType]) -> ModuleType:
    """The module tests/store_tools.py."""
    return load("store_tools")


@pytest.fixture
def mirror(tools: ModuleType) -> Any:
    """An applier that keeps everything."""
    return tools.Mirror()


@pytest.fixture
def mirrored(store_url: str, mirror: Any) -> Iterator[Store]:
    """A store that `mirror` follows."""
    store = Store(store_url, mirror)
    yield store
    store.close()
