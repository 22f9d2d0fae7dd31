"""The caller's bytes, or those of a file, bounded before they are read."""

from __future__ import annotations

import os
import stat

from matcher.errors import ArgumentError, MatcherError
from matcher.image.limits import MAX_BYTES, check_bytes


def load_bytes(data: bytes | os.PathLike[str] | str) -> bytes:
    """Return the content of `data`.

    Raises
    ------
    ArgumentError
        If `data` is neither bytes nor the path of a regular file that can be read.
    ImageEmptyError, ImageTooLargeError
    """
    if isinstance(data, bytes | bytearray | memoryview):
        check_bytes(memoryview(data).nbytes)
        return bytes(data)
    if not isinstance(data, str | os.PathLike):
        raise ArgumentError(f"Expected image bytes or a path, got {type(data).__name__}.")
    content = _read_file(data)
    check_bytes(len(content))
    return content


def _read_file(path: os.PathLike[str] | str) -> bytes:
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ArgumentError("Expected the path of a regular file, got a folder, pipe or device.")
            check_bytes(status.st_size)
            chunks = []
            # The file may grow while it is read: one byte over the bound is enough to see it.
            left = MAX_BYTES + 1
            while left and (chunk := file.read(left)):
                chunks.append(chunk)
                left -= len(chunk)
            return b"".join(chunks)
    except MatcherError:
        raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise ArgumentError(f"The image file cannot be read: {why}.", hint="Check the path.") from None


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: a named pipe without a writer would wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
