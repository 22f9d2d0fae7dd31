"""A file of named arrays that is whole or not there: checksummed, versioned, written aside, mapped when read.

    offset          bytes  what (little endian)
    0               8      magic
    8               4      version of the content
    12              4      length H of the header
    16              H      header, JSON: what the writer says; of each array name, type, shape, place, CRC
    16 + H          4      CRC-32 (ISO 3309) of everything before it
    multiples of 4096      the arrays

The first 16 bytes and the header's checksum never change, so that a file of a later version can be told from
a damaged one.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from matcher.errors import (
    SnapshotCorruptError,
    SnapshotMissingError,
    SnapshotNewerError,
    SnapshotOlderError,
)

MAGIC = b"ABSNAP\r\n"
VERSION = 2
OLDEST = 2
"""Versions from here on are read: 2 has the places of fingerprint descriptors."""

HEAD = struct.Struct("<8sII")
CHECKSUM = struct.Struct("<I")
PAGE = mmap.ALLOCATIONGRANULARITY
ALIGNMENT = 4096
MAX_HEADER = 1 << 28
"""Bound on a header's length, bytes."""

CHUNK = 1 << 24
"""Bytes that are written, or checked, at a time."""

TEMPORARY = ".tmp"

Arrays = Mapping[str, npt.NDArray[Any]]


def private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read, whatever others are open to: an `opener`."""
    return os.open(path, flags, 0o600)


Spans = npt.NDArray[np.int64]
"""First bytes and ends (n, 2) of parts of an array, ascending."""

NOTHING: Spans = np.zeros((0, 2), np.int64)


def write_snapshot(
    path: Path, said: Mapping[str, Any], arrays: Arrays, gone: Mapping[str, Spans] | None = None
) -> None:
    """Write a file and put it in the place of the last one, once it is on the disk.

    Parameters
    ----------
    path : Path
    said : mapping
        Plain JSON values.
    arrays : mapping of str to array
        None of which changes meanwhile.
    gone : mapping of str to int64 array (n, 2), optional
        Parts of arrays, first byte and end, ascending, in whose place zeros are written.

    Raises
    ------
    OSError
        If the disk does not take it; the last one is still there then.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with open(temporary, "wb", opener=private) as file:
            whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            _write(file, said, whole, gone or {})
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write(file: BinaryIO, said: Mapping[str, Any], arrays: Arrays, gone: Mapping[str, Spans]) -> None:
    entries: list[dict[str, Any]] = [
        {"name": n, "dtype": a.dtype.str, "shape": list(a.shape), "at": 0, "crc": 0}
        for n, a in arrays.items()
    ]
    # Places and checksums have a width of their own, so that the header's length is known beforehand.
    room = len(_header(said, entries)) + 40 * len(entries) + ALIGNMENT
    at = -(-room // ALIGNMENT) * ALIGNMENT
    for entry, array in zip(entries, arrays.values(), strict=True):
        entry["at"] = at
        file.seek(at)
        entry["crc"] = _put(file, array, gone.get(entry["name"], NOTHING))
        at += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    file.truncate(at)
    header = _header(said, entries)
    head = HEAD.pack(MAGIC, VERSION, len(header)) + header
    file.seek(0)
    file.write(head + CHECKSUM.pack(zlib.crc32(head)))


def _header(said: Mapping[str, Any], entries: list[dict[str, Any]]) -> bytes:
    return json.dumps({"said": dict(said), "arrays": entries}, separators=(",", ":")).encode()


def _put(file: BinaryIO, array: npt.NDArray[Any], gone: Spans) -> int:
    crc = 0
    for piece in pieces(array, gone, CHUNK):
        crc = zlib.crc32(piece, crc)
        file.write(piece)
    return crc


def pieces(array: npt.NDArray[Any], gone: Spans, size: int) -> Iterator[memoryview]:
    """Yield the bytes of a contiguous array in pieces of `size`, zeros in the place of what is gone.

    Only pieces with such a place are copied.
    """
    data = array.reshape(-1).view(np.uint8)
    for begin in range(0, len(data), size):
        piece = data[begin : begin + size]
        first = int(np.searchsorted(gone[:, 1], begin, side="right"))
        last = int(np.searchsorted(gone[:, 0], begin + len(piece), side="left"))
        if first < last:
            piece = piece.copy()
            for one, end in (gone[first:last] - begin).tolist():
                piece[max(one, 0) : max(end, 0)] = 0
        yield piece.data


def read_snapshot(path: Path, *, threads: int = 1) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what the writer said, and the arrays: mapped, private copies of what is written into.

    Parameters
    ----------
    path : Path
    threads : int
        For the checksums.

    Raises
    ------
    SnapshotMissingError, SnapshotNewerError, SnapshotOlderError, SnapshotCorruptError
        If it cannot be used, each for its reason.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            said, entries = _head(file, size)
            if not entries:
                return said, {}
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError:
        raise SnapshotMissingError("There is no snapshot.") from None
    except OSError as error:
        raise SnapshotCorruptError(f"The snapshot cannot be read: {error.strerror}.") from None
    arrays = {entry["name"]: _array(mapped, entry, size) for entry in entries}
    with ThreadPoolExecutor(threads, thread_name_prefix="checksum") as pool:
        sums = list(pool.map(_checksum, arrays.values()))
    if any(found != entry["crc"] for found, entry in zip(sums, entries, strict=True)):
        raise SnapshotCorruptError("An array of the snapshot is damaged.")
    return said, arrays


def _head(file: BinaryIO, size: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head = file.read(HEAD.size)
    if len(head) < HEAD.size or head[: len(MAGIC)] != MAGIC:
        raise SnapshotCorruptError("The file is no snapshot.")
    _, version, length = HEAD.unpack(head)
    if length > min(MAX_HEADER, size):
        raise SnapshotCorruptError("The snapshot's header is longer than the file.")
    header, checksum = file.read(length), file.read(CHECKSUM.size)
    if checksum != CHECKSUM.pack(zlib.crc32(head + header)):
        raise SnapshotCorruptError("The snapshot's header is damaged.")
    if version > VERSION:
        raise SnapshotNewerError(f"The snapshot has version {version}; this program knows up to {VERSION}.")
    if version < OLDEST:
        raise SnapshotOlderError(f"The snapshot has version {version}; this program reads from {OLDEST} on.")
    content = json.loads(header)
    return content["said"], content["arrays"]


def _array(mapped: mmap.mmap, entry: Mapping[str, Any], size: int) -> npt.NDArray[Any]:
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    if entry["at"] + count * dtype.itemsize > size:
        raise SnapshotCorruptError("The snapshot ends too early.")
    if not count:
        return np.zeros(shape, dtype)
    return np.frombuffer(mapped, dtype, count, entry["at"]).reshape(shape)


def _checksum(array: npt.NDArray[Any]) -> int:
    crc = 0
    data = array.reshape(-1).view(np.uint8)
    for begin in range(0, len(data), CHUNK):
        crc = zlib.crc32(data[begin : begin + CHUNK].data, crc)
    return crc


def remove_unfinished(path: Path) -> None:
    """Remove what a process left behind that was killed while it wrote."""
    for left in path.parent.glob(f"{path.name}.*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            left.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
