"""Keeping Pillow's warnings to itself, from many threads at once.

`warnings.catch_warnings` swaps process-wide state: two threads that enter and leave it in turn can restore
each other's state in the wrong order. Here the first thread in adds the filter and the last one out takes it
away.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_users = 0
_saved: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Ignore warnings that Pillow's modules raise; all others are untouched."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _saved
    with _lock:
        if _users == 0:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _users += 1


def _leave() -> None:
    global _users, _saved
    with _lock:
        _users -= 1
        if _users == 0 and _saved is not None:
            _saved.__exit__(None, None, None)
            _saved = None
