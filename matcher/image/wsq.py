"""WSQ files (IAFIS-IC-0110) through the decoder of our own in C++."""

from __future__ import annotations

from dataclasses import dataclass

from matcher import _core
from matcher.image.apart import GREY, decoders_at_hand
from matcher.image.limits import check_stored
from matcher.image.source import Ppi
from matcher.types import U8


@dataclass(frozen=True, slots=True)
class WsqSource:
    """A WSQ file whose header is read."""

    data: bytes
    width: int
    height: int
    stated: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.width, self.height

    @property
    def ppi(self) -> Ppi | None:
        """Resolution in NIST's comment; the format itself has no field for it."""
        return (self.stated, self.stated) if self.stated > 0 else None

    def decode(self) -> U8:
        """Return the pixels, uint8 (height, width).

        Raises
        ------
        ImageTruncatedError, ImageCorruptError, ImageTooLargeError
        """
        decoders = decoders_at_hand()
        if decoders is not None:
            return decoders.decode(self.data, GREY, self.size)
        return _core.wsq_decode(self.data)


def open_wsq(data: bytes) -> WsqSource:
    """Read the header of a WSQ file.

    Raises
    ------
    ImageTruncatedError, ImageCorruptError, ImageTooLargeError, ImageTooSmallError
    """
    width, height, ppi = _core.wsq_header(data)
    check_stored(width, height, len(data))
    return WsqSource(data, width, height, ppi)
