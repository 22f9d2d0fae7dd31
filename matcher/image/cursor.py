"""Reading numbers out of a container's bytes without ever reading past them."""

from __future__ import annotations

import struct

from matcher.errors import ImageTruncatedError


def unpack(layout: str, data: bytes, offset: int) -> tuple[int, ...]:
    """Return the integers that lie at `offset`, as `struct.unpack_from` does.

    Raises
    ------
    ImageTruncatedError
        If they do not lie inside `data`.
    """
    need(data, offset, struct.calcsize(layout))
    return struct.unpack_from(layout, data, offset)


def need(data: bytes, offset: int, count: int) -> None:
    """Refuse a range that does not lie inside `data`.

    Raises
    ------
    ImageTruncatedError
    """
    if offset < 0 or count < 0 or offset + count > len(data):
        raise ImageTruncatedError(
            f"The image's structure asks for {count} bytes at offset {offset}, "
            f"the file has {len(data)} bytes.",
            hint="The file was cut off or its lengths are damaged; send it again.",
        )
