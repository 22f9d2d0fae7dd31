"""The work folder: finished parts of stages, so that a run that was killed goes on where it was.

A part is one file, written under another name, synced and renamed: it is there whole or not at all. It
carries a checksum, and where a key is set it is encrypted (AES-256-GCM), bound to its name and run. A part
that is damaged, or was written under another key, is no part: it is made again.

Layout (little endian): magic `MDW1`, one byte 0 (plain) or 1 (encrypted); then the SHA-256 of the content and
the content, or a nonce of 12 bytes and the ciphertext with its tag. The content is a NumPy archive (npz,
never pickled).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import SealBrokenError, StoreCorruptError, StoreFullError
from matcher.gallery.lock import FileLock
from matcher.security.cipher import Cipher

LOCK = ".lock"
"""File below an output folder; who holds its lock writes there."""

MAGIC = b"MDW1"
PLAIN, ENCRYPTED = b"\0", b"\1"
MAX_PART_BYTES = 1 << 34
"""Largest part that is read."""

Arrays = Mapping[str, npt.NDArray[Any]]


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Have an output folder to oneself: each of two runs would clear away the other's parts.

    Raises
    ------
    StoreLockedError
        If another run is writing into it.
    StoreFullError
        If it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFullError(f"--out: the folder cannot be made: {error.strerror}.") from None
    lock = FileLock(out / LOCK, "output folder", "Wait for that run, or give another --out.")
    try:
        yield
    finally:
        lock.release()


class WorkFolder:
    """The parts of one run. It travels to worker processes.

    Parameters
    ----------
    root : Path
        Holds a folder for each run.
    run : str
        Digest of content and settings.
    key : bytes, optional
        32 bytes: parts are encrypted.

    Raises
    ------
    ArgumentError
        If the key has another length, or `cryptography` is not installed.
    """

    def __init__(self, root: Path, run: str, key: bytes | None = None) -> None:
        if key is not None:
            Cipher(key)  # refuses what is no key
        self.root, self.run, self._key = root, run, key
        self.folder = root / run[:24]

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone, and drop runs of other contents or settings."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for other in self.root.iterdir():
            if other.is_dir() and other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        for torn in self.folder.glob("*.tmp"):
            torn.unlink(missing_ok=True)

    def write(self, name: str, arrays: Arrays) -> None:
        """Keep a part; on return it is durable.

        Raises
        ------
        StoreFullError
            If it could not be written.
        """
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **dict(arrays))
        body = self._sealed(name, file.getvalue())
        staged = self.folder / f"{name}.{os.getpid()}.tmp"
        try:
            with staged.open("wb") as out:
                os.chmod(staged, 0o600)
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
            staged.replace(self.path(name))
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise StoreFullError(
                f"A work file could not be written: {error.strerror}.", hint="Free space beside --out."
            ) from None

    def read(self, name: str, keys: Sequence[str] | None = None) -> dict[str, npt.NDArray[Any]]:
        """Return a part, or some of its arrays.

        Raises
        ------
        StoreCorruptError
            If it is not there, damaged, or of another key or run.
        """
        try:
            path = self.path(name)
            if path.stat().st_size > MAX_PART_BYTES:
                raise ValueError
            content = self._opened(name, path.read_bytes())
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {key: archive[key] for key in keys or archive.files}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise StoreCorruptError(
                f"The work file {name} is missing, damaged or of another key.", hint="Run again to make it."
            ) from error

    def has(self, name: str) -> bool:
        """Return whether a part is there and sound."""
        if not self.path(name).is_file():
            return False
        try:
            body = self.path(name).read_bytes()
            self._opened(name, body)
        except (OSError, ValueError):
            return False
        return True

    def keep_only(self, names: Collection[str]) -> None:
        """Remove every other part."""
        for path in self.folder.glob("*.part"):
            if path.stem not in names:
                path.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return where a part is."""
        return self.folder / f"{name}.part"

    def _sealed(self, name: str, content: bytes) -> bytes:
        if self._key is None:
            return MAGIC + PLAIN + hashlib.sha256(content).digest() + content
        return MAGIC + ENCRYPTED + Cipher(self._key).seal(content, f"{self.run}/{name}".encode())

    def _opened(self, name: str, body: bytes) -> bytes:
        head = len(MAGIC) + 1
        if body[:head] == MAGIC + PLAIN and self._key is None:
            digest, content = body[head : head + 32], body[head + 32 :]
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("checksum")
            return content
        if body[:head] == MAGIC + ENCRYPTED and self._key is not None:
            try:
                return Cipher(self._key).open(memoryview(body)[head:], f"{self.run}/{name}".encode())
            except SealBrokenError:
                raise ValueError("tag") from None
        raise ValueError("head")


def text_array(text: str) -> npt.NDArray[np.uint8]:
    """Return a text as bytes in an array: how parts hold JSON."""
    return np.frombuffer(text.encode(), np.uint8)


def array_text(array: npt.NDArray[np.uint8]) -> str:
    """Return the text of `text_array`."""
    return array.tobytes().decode()
