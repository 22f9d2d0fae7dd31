"""The file of a backup: whole tables, the same whichever database they came from.

    offset  bytes  what (little endian)
    0       4      magic "ABB" and 0x1A
    4       4      version of the format
    8       ...    blocks: length of the body (4), CRC-32 (ISO 3309) of the body (4), body

The first body is the head (JSON), the last one the tail (JSON: rows of each table, and the SHA-256 of all
bytes before its block), those between are pages of rows:

    0       1      number of the table in the head
    1       4      rows
    5       ...    each column in turn

A column of whole numbers is one byte a row (1: there is a value), then 8 bytes a row. A column of texts or
bytes is 4 bytes a row (length, -1: no value), then the values end to end, texts in UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from matcher.errors import BackupCorruptError, BackupNewerError

MAGIC = b"ABB\x1a"
FORMAT_VERSION = 1

START = struct.Struct("<4sI")
BLOCK = struct.Struct("<II")
PAGE = struct.Struct("<BI")

MAX_BLOCK_BYTES = 1 << 30
"""Longest body; the largest page that is written holds four images of 64 MB."""

MAX_PAGE_ROWS = 1 << 16
"""Most rows of a page that is read."""

PIECE_BYTES = 1 << 20
"""Read at a time: a damaged length allocates no more than the file holds."""

Column = list[Any]


class ArchiveWriter:
    """Writes a backup, one block after the other.

    Parameters
    ----------
    file : binary file
    head : dict
        Plain JSON values; `tables` names the tables and their columns' kinds ("int", "text" or "bytes").
    """

    def __init__(self, file: BinaryIO, head: dict[str, Any]) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._kinds = [list(columns.values()) for columns in head["tables"].values()]
        self._names = list(head["tables"])
        self._rows = dict.fromkeys(self._names, 0)
        self._write(START.pack(MAGIC, FORMAT_VERSION))
        self._block(_json(head))

    def page(self, table: str, columns: Sequence[Column]) -> None:
        """Write rows of a table, column by column."""
        number = self._names.index(table)
        count = len(columns[0])
        parts = [PAGE.pack(number, count)]
        for kind, values in zip(self._kinds[number], columns, strict=True):
            parts += _numbers(values) if kind == "int" else _strings(values, kind)
        self._rows[table] += count
        self._block(b"".join(parts))

    def close(self) -> dict[str, int]:
        """Write the tail; return how many rows of each table there are."""
        self._block(_json({"rows": self._rows, "sha256": self._sum.hexdigest()}))
        return self._rows

    def _block(self, body: bytes) -> None:
        if len(body) > MAX_BLOCK_BYTES:
            raise ValueError("a page of rows is larger than a block may be")
        self._write(BLOCK.pack(len(body), zlib.crc32(body)) + body)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sum.update(data)


class ArchiveReader:
    """Reads a backup; nothing of it may be relied on before `pages` came to its end.

    Parameters
    ----------
    file : binary file

    Attributes
    ----------
    head : dict
        As it was written.

    Raises
    ------
    BackupCorruptError, BackupNewerError
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        magic, version = START.unpack(self._read(START.size))
        if magic != MAGIC:
            raise BackupCorruptError("Backup: expected the magic bytes of a backup, got something else.")
        if version > FORMAT_VERSION:
            raise BackupNewerError(
                f"The backup has format version {version}; this program knows up to {FORMAT_VERSION}.",
                hint="Use the program that wrote it, or a later one.",
            )
        self.head: dict[str, Any] = _parsed(self._block()[1])
        tables = self.head.get("tables")
        if not isinstance(tables, dict) or not all(
            isinstance(kinds, dict) and kinds for kinds in tables.values()
        ):
            raise _damaged("its head names no tables")
        self._tables: list[tuple[str, list[str]]] = [(t, list(kinds.values())) for t, kinds in tables.items()]

    def pages(self) -> Iterator[tuple[str, list[Column]]]:
        """Yield pages of rows, column by column, and check the whole at the end.

        Raises
        ------
        BackupCorruptError
            If anything was altered, is missing or follows.
        """
        rows = {name: 0 for name, _ in self._tables}
        while True:
            before, body = self._block()
            if body[:1] == b"{":
                break
            name, columns = self._page(body)
            rows[name] += len(columns[0])
            yield name, columns
        if _parsed(body) != {"rows": rows, "sha256": before}:
            raise _damaged("its tail does not fit what stands before it")
        if self._file.read(1):
            raise _damaged("something follows its tail")

    def _page(self, body: bytes) -> tuple[str, list[Column]]:
        if len(body) < PAGE.size:
            raise _damaged("a page is too short")
        number, count = PAGE.unpack_from(body)
        if number >= len(self._tables) or not 1 <= count <= MAX_PAGE_ROWS:
            raise _damaged("a page is of no table, or has too many rows")
        name, kinds = self._tables[number]
        columns: list[Column] = []
        at = PAGE.size
        for kind in kinds:
            values, at = (
                _read_numbers(body, at, count) if kind == "int" else _read_strings(body, at, count, kind)
            )
            columns.append(values)
        if at != len(body):
            raise _damaged("a page is too long")
        return name, columns

    def _block(self) -> tuple[str, bytes]:
        """Return the checksum of everything before this block, and its body."""
        before = self._sum.hexdigest()
        length, checksum = BLOCK.unpack(self._read(BLOCK.size))
        if not 1 <= length <= MAX_BLOCK_BYTES:
            raise _damaged("a block's length is impossible")
        body = self._read(length)
        if zlib.crc32(body) != checksum:
            raise _damaged("a block's checksum does not fit")
        return before, body

    def _read(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._file.read(min(count, PIECE_BYTES))
            if not part:
                raise _damaged("it ends too early")
            parts.append(part)
            count -= len(part)
        data = b"".join(parts)
        self._sum.update(data)
        return data


def _numbers(values: Column) -> list[bytes]:
    there = np.array([value is not None for value in values], np.uint8)
    return [there.tobytes(), np.array([value or 0 for value in values], "<i8").tobytes()]


def _strings(values: Column, kind: str) -> list[bytes]:
    if kind == "text":
        values = [None if value is None else value.encode() for value in values]
    lengths = np.array([-1 if value is None else len(value) for value in values], "<i4")
    return [lengths.tobytes(), *(value for value in values if value is not None)]


def _read_numbers(body: bytes, at: int, count: int) -> tuple[Column, int]:
    end = at + 9 * count
    if end > len(body):
        raise _damaged("a page is too short")
    there = np.frombuffer(body, np.uint8, count, at).tolist()
    numbers = np.frombuffer(body, "<i8", count, at + count).tolist()
    return [number if one else None for one, number in zip(there, numbers, strict=True)], end


def _read_strings(body: bytes, at: int, count: int, kind: str) -> tuple[Column, int]:
    if at + 4 * count > len(body):
        raise _damaged("a page is too short")
    lengths = np.frombuffer(body, "<i4", count, at).astype(np.int64)
    at += 4 * count
    ends = at + np.cumsum(np.maximum(lengths, 0))
    if lengths.min() < -1 or int(ends[-1]) > len(body):
        raise _damaged("a page is too short")
    values: Column = []
    for length, end in zip(lengths.tolist(), ends.tolist(), strict=True):
        values.append(None if length < 0 else body[end - length : end])
    if kind == "text":
        try:
            values = [None if value is None else value.decode() for value in values]
        except UnicodeDecodeError as error:
            raise _damaged("a text is no UTF-8") from error
    return values, int(ends[-1])


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _damaged("its head or tail is no JSON") from error
    if not isinstance(value, dict):
        raise _damaged("its head or tail is no JSON object")
    return value


def _damaged(how: str) -> BackupCorruptError:
    return BackupCorruptError(f"The backup is damaged: {how}.", hint="Take another backup.")
