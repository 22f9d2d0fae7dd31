"""Which samples of enrolled people repeat each other: remembered of those who were asked for last.

It says nothing of the probe, and to find it out takes as long as the comparison itself, longer for people
with many samples. What is remembered belongs to samples, not to a person: a sample never changes where it
lies, so whoever gains or loses one is somebody unknown here, and a memory that was read anew begins with
nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial

from matcher.gallery.gather import SamplesKey
from matcher.gallery.memory import Memory
from matcher.person import MatchWarning
from matcher.types import Modality

Warnings = tuple[MatchWarning, ...]

Remember = Callable[[Modality, Callable[[], Warnings]], Warnings]
"""Returns what is known of a person in a modality, or calls and keeps what finds it out."""

MOST_KNOWN = 1 << 16
"""People and modalities that are remembered: some 300 bytes each with two fingers, 20 MB."""

MOST_BYTES = 1 << 10
"""Longest key that is remembered: 5 bytes a sample, 200 samples."""


def not_remembered(modality: Modality, find: Callable[[], Warnings]) -> Warnings:
    """Find it out: a `Remember` that knows nobody."""
    return find()


class KnownRepeats:
    """What was found out of the samples of one memory; safe to use from many threads.

    Parameters
    ----------
    most : int
        How many are remembered; beyond, those go who were not asked for the longest time.
    """

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._memory: Memory | None = None
        self._found: OrderedDict[tuple[Modality, SamplesKey], Warnings] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def of(self, memory: Memory, keys: Mapping[Modality, SamplesKey]) -> Remember:
        """Return what knows a person of a memory by its samples: nothing of modalities without a key."""
        return partial(self._remember, memory, keys)

    def _remember(
        self,
        memory: Memory,
        keys: Mapping[Modality, SamplesKey],
        modality: Modality,
        find: Callable[[], Warnings],
    ) -> Warnings:
        own = keys.get(modality)
        if own is None or sum(len(part) for batch in own for part in batch) > MOST_BYTES:
            return find()
        key = modality, own
        with self._lock:
            if self._memory is not memory:
                self._memory = memory
                self._found.clear()
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
                return found
        found = find()
        with self._lock:
            if self._memory is memory:
                self._found[key] = found
                if len(self._found) > self._most:
                    self._found.popitem(last=False)
        return found
