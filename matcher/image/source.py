"""What every image format looks like once its header is read: a size, a resolution, and pixels on demand."""

from __future__ import annotations

from typing import Protocol

from matcher.types import U8

Ppi = tuple[float, float]
"""Resolution along x and along y, pixels per inch."""


class Source(Protocol):
    """An opened image file. Its size has passed the bounds; nothing is decoded yet."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as `decode` will give them, pixels."""

    @property
    def ppi(self) -> Ppi | None:
        """Resolution that the file states, None where it states none."""

    def decode(self) -> U8:
        """Return the pixels as grey, uint8 (height, width), 0 black.

        Raises
        ------
        ImageTruncatedError, ImageCorruptError, ImageFormatError
        """
