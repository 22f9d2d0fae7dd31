"""Subjects by their ids, without a Python object for each: ids as bytes end to end, a hash table of numbers.

`find` takes microseconds. A subject takes its id's bytes, 12 bytes beside them, and 8 to 16 of the table. Ids
of removed subjects stay until the table is made anew by a restart.
"""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

from matcher.gallery.columns import I32, U32, grown
from matcher.types import I64, U8

EMPTY = -1
"""Stands in the table where there is no subject."""

MAX_FILL = 0.5
"""Share of the table that is filled at most: a look-up ends after two steps on the average."""

FIRST_TABLE = 1 << 11
SALT_BYTES = 16
"""Ids come from callers: without a secret salt they could choose such as fall on one place."""


class SubjectIds:
    """Ids to numbers 0, 1, 2 ... in the order in which they were added; one thread adds.

    Attributes
    ----------
    text : uint8 array
        The ids, UTF-8, end to end.
    begins : int64 array
        Id n is `text[begins[n]:begins[n + 1]]`.
    hashes : uint32 array
    table : int32 array
        Open addressing, linear probing; its length is a power of two.
    salt : bytes
    count : int
    """

    def __init__(self) -> None:
        self.text: U8 = np.zeros(0, np.uint8)
        self.begins: I64 = np.zeros(1, np.int64)
        self.hashes: U32 = np.zeros(0, np.uint32)
        self.table: I32 = np.full(FIRST_TABLE, EMPTY, np.int32)
        self.salt = secrets.token_bytes(SALT_BYTES)
        self.count = 0

    def add(self, subject_id: str) -> int:
        """Add an id and return its number; of two that are equal, `find` returns the later one."""
        number = self.count
        data = subject_id.encode()
        begin = int(self.begins[number])
        self.text = grown(self.text, begin + len(data))
        self.text[begin : begin + len(data)] = np.frombuffer(data, np.uint8)
        self.begins = grown(self.begins, number + 2)
        self.begins[number + 1] = begin + len(data)
        self.hashes = grown(self.hashes, number + 1)
        self.hashes[number] = self._hash(data)
        self.count = number + 1
        if self.count > MAX_FILL * len(self.table):
            self.table = _table_of(self.hashes[: self.count], 2 * len(self.table))
        else:
            slot, mask = int(self.hashes[number]) & (len(self.table) - 1), len(self.table) - 1
            while self.table[slot] != EMPTY:
                slot = (slot + 1) & mask
            self.table[slot] = number
        return number

    def find(self, subject_id: str) -> int:
        """Return the number of an id, the last that was given to it, or -1."""
        data = subject_id.encode()
        code = self._hash(data)
        table = self.table
        mask = len(table) - 1
        slot, found = code & mask, EMPTY
        while (number := int(table[slot])) != EMPTY:
            if number > found and int(self.hashes[number]) == code and self._bytes(number) == data:
                found = number
            slot = (slot + 1) & mask
        return found

    def __getitem__(self, number: int) -> str:
        return self._bytes(number).decode()

    @property
    def resident_bytes(self) -> int:
        """What the ids occupy, reserves included."""
        return self.text.nbytes + self.begins.nbytes + self.hashes.nbytes + self.table.nbytes

    def _bytes(self, number: int) -> bytes:
        # The text last: the writer replaces it before it adds what lies behind its end.
        begin, end = int(self.begins[number]), int(self.begins[number + 1])
        return self.text[begin:end].tobytes()

    def _hash(self, data: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(data, digest_size=4, key=self.salt).digest(), "little")


def _table_of(hashes: U32, size: int) -> I32:
    """Return a table with the numbers of all hashes in it."""
    table = np.full(size, EMPTY, np.int32)
    mask = size - 1
    numbers = np.arange(len(hashes), dtype=np.int32)
    slots = (hashes & np.uint32(mask)).astype(np.int64)
    while len(numbers):
        free = table[slots] == EMPTY
        # Of several that want one free slot, one gets it; the others go on to the next.
        table[slots[free]] = numbers[free]
        left = table[slots] != numbers
        numbers, slots = numbers[left], (slots[left] + 1) & mask
    return table
