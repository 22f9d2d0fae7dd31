"""A snapshot that nobody reads without its key: loaded, not mapped.

    offset  bytes  what (little endian)
    0       8      magic
    8       4      version
    12      4      number of the data key
    16      16     id of this file, random
    32      ...    blocks: length (4), then nonce, ciphertext and tag

Opened and put end to end, the blocks are: length of a header (4), the header (JSON: what the writer says;
name, type and shape of each array), the arrays. A block is bound to its file, its place and whether it is
the last, so that none can be left out, doubled, moved or taken from another snapshot.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from matcher.errors import (
    SealError,
    SnapshotCorruptError,
    SnapshotMissingError,
    SnapshotNewerError,
)
from matcher.gallery.snapshot_file import (
    MAX_HEADER,
    NOTHING,
    TEMPORARY,
    Arrays,
    Spans,
    pieces,
    private,
    sync_folder,
)
from matcher.security.cipher import OVERHEAD, Cipher
from matcher.security.keyring import Keyring

MAGIC = b"ABSNAPE\n"
VERSION = 1
HEAD = struct.Struct("<8sII16s")
LENGTH = struct.Struct("<I")

BLOCK = 1 << 22
"""Bytes of a block before it is sealed."""


def write_sealed(
    path: Path,
    said: Mapping[str, Any],
    arrays: Arrays,
    keyring: Keyring,
    gone: Mapping[str, Spans] | None = None,
) -> None:
    """Write a file and put it in the place of the last one, once it is on the disk; see `write_snapshot`.

    Raises
    ------
    OSError
        If the disk does not take it; the last one is still there then.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with open(temporary, "wb", opener=private) as file:
            head = HEAD.pack(MAGIC, VERSION, keyring.newest, os.urandom(16))
            file.write(head)
            cipher = keyring.cipher(keyring.newest)
            waiting, number = b"", 0
            for piece in _blocks(said, arrays, gone or {}):
                if waiting:
                    _put(file, cipher.seal(waiting, _context(head, number, False)))
                    number += 1
                waiting = piece
            _put(file, cipher.seal(waiting, _context(head, number, True)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _blocks(said: Mapping[str, Any], arrays: Arrays, gone: Mapping[str, Spans]) -> Iterator[bytes]:
    """Yield the plain file in blocks of full length, but for the last."""
    entries = [{"name": n, "dtype": a.dtype.str, "shape": list(a.shape)} for n, a in arrays.items()]
    header = json.dumps({"said": dict(said), "arrays": entries}, separators=(",", ":")).encode()
    room = bytearray(LENGTH.pack(len(header)) + header)
    for name, array in arrays.items():
        for piece in pieces(np.ascontiguousarray(array), gone.get(name, NOTHING), BLOCK):
            room += piece
            while len(room) >= BLOCK:
                yield bytes(room[:BLOCK])
                del room[:BLOCK]
    while room:
        yield bytes(room[:BLOCK])
        del room[:BLOCK]


def _put(file: BinaryIO, sealed: bytes) -> None:
    file.write(LENGTH.pack(len(sealed)))
    file.write(sealed)


def read_sealed(path: Path, keyring: Keyring) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what the writer said, and the arrays, in memory.

    Raises
    ------
    SnapshotMissingError, SnapshotNewerError, SnapshotCorruptError
        If it cannot be used, each for its reason; one that is not sealed is damaged.
    """
    try:
        with path.open("rb") as file:
            return _read(file, keyring)
    except FileNotFoundError:
        raise SnapshotMissingError("There is no snapshot.") from None
    except OSError as error:
        raise SnapshotCorruptError(f"The snapshot cannot be read: {error.strerror}.") from None
    except SealError as error:
        raise SnapshotCorruptError(f"The snapshot cannot be opened: {error.message}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SnapshotCorruptError(f"The snapshot is damaged ({type(error).__name__}).") from None


def _read(file: BinaryIO, keyring: Keyring) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    size = os.fstat(file.fileno()).st_size
    head = file.read(HEAD.size)
    if len(head) < HEAD.size or head[: len(MAGIC)] != MAGIC:
        raise SnapshotCorruptError("The file is no encrypted snapshot.")
    _, version, key, _ = HEAD.unpack(head)
    if version > VERSION:
        raise SnapshotNewerError(f"The snapshot has version {version}; this program knows up to {VERSION}.")
    plain = _Plain(file, head, keyring.cipher(key), size)
    (length,) = LENGTH.unpack(plain.take(LENGTH.size))
    if length > min(MAX_HEADER, size):
        raise SnapshotCorruptError("The snapshot's header is longer than the file.")
    header = json.loads(plain.take(length))
    arrays: dict[str, npt.NDArray[Any]] = {}
    left = size
    for entry in header["arrays"]:
        dtype, shape = np.dtype(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        count = dtype.itemsize
        for n in shape:
            count *= n
        if dtype.hasobject or min(shape, default=0) < 0 or count > left:
            raise SnapshotCorruptError("An array of the snapshot is larger than the file.")
        left -= count
        array = np.empty(shape, dtype)
        plain.fill(array.reshape(-1).view(np.uint8).data)
        arrays[entry["name"]] = array
    plain.end()
    return header["said"], arrays


class _Plain:
    """The opened blocks, end to end."""

    def __init__(self, file: BinaryIO, head: bytes, cipher: Cipher, size: int) -> None:
        self._file, self._head, self._cipher, self._size = file, head, cipher, size
        self._number, self._is_last = 0, False
        self._room = memoryview(bytearray(BLOCK))
        self._left = self._room[:0]

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        room = bytearray(count)
        self.fill(memoryview(room))
        return bytes(room)

    def fill(self, room: memoryview) -> None:
        """Write the next bytes into `room`, whole blocks without a copy between."""
        at = 0
        while at < len(room):
            if not self._left:
                at += self._next(room[at:])
                continue
            count = min(len(room) - at, len(self._left))
            room[at : at + count] = self._left[:count]
            self._left = self._left[count:]
            at += count

    def end(self) -> None:
        """Refuse what follows, and an end that is not the writer's."""
        if self._left or not self._is_last or self._file.read(1):
            raise SnapshotCorruptError("The snapshot does not end where it should.")

    def _next(self, room: memoryview) -> int:
        """Open the next block into `room` if it has room for it, else keep it; return what was written."""
        if self._is_last:
            raise SnapshotCorruptError("The snapshot ends too early.")
        (length,) = LENGTH.unpack(self._file.read(LENGTH.size).ljust(LENGTH.size, b"\0"))
        count = length - OVERHEAD
        if not 0 < count <= BLOCK:
            raise SnapshotCorruptError("A block of the snapshot has an impossible length.")
        sealed = memoryview(self._file.read(length))
        self._is_last = self._file.tell() == self._size
        context = _context(self._head, self._number, self._is_last)
        self._number += 1
        direct = count <= len(room)
        target = room[:count] if direct else self._room[:count]
        self._cipher.open_into(sealed, context, target)
        if not direct:
            self._left = target
        return count if direct else 0


def _context(head: bytes, number: int, is_last: bool) -> bytes:
    return head + struct.pack("<Q?", number, is_last)


def remove_snapshot(path: Path) -> None:
    """Remove a snapshot; one in the clear must not stay beside a store that is sealed."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)
