"""A memory made from the whole store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from matcher.errors import StoreCorruptError
from matcher.gallery.memory import Memory
from matcher.gallery.read import Stored
from matcher.gallery.records import StoredSample
from matcher.gallery.rows import ResidentSample

NOBODY: tuple[None, Iterator[Any]] = (None, iter(()))
"""Stands behind the last encounter that has samples."""


def build(
    sequence: int,
    stored: Stored,
    read: Callable[[StoredSample], ResidentSample],
    widened: Callable[[list[ResidentSample], Memory], list[ResidentSample]],
    threads: int,
) -> Memory:
    """Return everybody in a store as it stands at `sequence`.

    Parameters
    ----------
    sequence : int
    stored : Stored
    read : callable
        Returns what memory keeps of a sample.
    widened : callable
        Returns an encounter's samples in the forms for which the memory has room.
    threads : int

    Raises
    ------
    StoreCorruptError
        If a sample is of no encounter, or cannot be read.
    """
    memory = Memory()
    with ThreadPoolExecutor(threads, thread_name_prefix="expand") as pool:
        residents = (
            pair for chunk in stored.samples() for pair in zip(chunk, pool.map(read, chunk), strict=True)
        )
        own = iter(groupby(residents, key=lambda pair: pair[0].encounter_key))
        key, samples = next(own, NOBODY)
        for page in stored.encounters():
            for encounter in page:
                if key != encounter.encounter_key:
                    memory.add(encounter, ())
                    continue
                memory.add(encounter, widened([resident for _, resident in samples], memory))
                key, samples = next(own, NOBODY)
        if key is not None:
            raise StoreCorruptError(
                "The store has a sample of no encounter.", hint="Restore it from a backup."
            )
    memory.changed_at_us = stored.time_of(sequence)
    memory.publish(sequence)
    memory.shortlist.maintain()
    return memory
