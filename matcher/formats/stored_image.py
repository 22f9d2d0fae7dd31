"""An image as an exchange record stores it: bytes, how they are compressed, size and resolution."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from matcher.errors import RecordCorruptError, RecordTruncatedError, RecordUnsupportedError
from matcher.image.grey import scale_depth, to_grey
from matcher.image.limits import check_bytes, check_stored
from matcher.image.open import open_source
from matcher.image.pillow import PillowSource
from matcher.image.quiet import quiet_pillow
from matcher.image.resolution import (
    MAX_CALLER_PPI,
    MIN_CALLER_PPI,
    check_caller_ppi,
    choose_resolution,
    native_ppi,
    resample,
    resampled_size,
)
from matcher.image.source import Ppi
from matcher.types import U8, Image, ResolutionSource

BYTE_BITS = 8
MAX_BITS = 16
"""Most bits a grey sample has in any of the formats."""

RGB_CHANNELS = 3


class Compression(StrEnum):
    """How the bytes of an image are to be read."""

    NONE = "none"
    """Samples of 1 or 2 whole bytes, row by row, 0 black."""
    PACKED = "packed"
    """Samples of any number of bits, without gaps between samples."""
    BILEVEL = "bilevel"
    """One bit a pixel, 1 black, each row from a new byte on (ANSI/NIST-ITL Types 5 and 6)."""
    FAX = "fax-g4"
    """ITU-T T.6 facsimile; kept, not decoded."""
    WSQ = "wsq"
    JPEG = "jpeg"
    JPEG_LOSSLESS = "jpeg-lossless"
    JPEG2000 = "jpeg2000"
    JPEG2000_LOSSLESS = "jpeg2000-lossless"
    PNG = "png"
    OTHER = "other"
    """A code that the format leaves to the parties; the bytes are read by what they look like."""

    @property
    def is_raw(self) -> bool:
        """Whether the size must come from the record, the bytes do not tell it."""
        return self in RAW


COLOUR_MODES = frozenset({"RGB", "RGBA", "P", "YCbCr", "CMYK"})
"""Pillow modes that are written in colour."""

RAW = frozenset({Compression.NONE, Compression.PACKED, Compression.BILEVEL})


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image inside a record, not decoded yet.

    Attributes
    ----------
    data : bytes
        As stored.
    compression : Compression
    width, height : int
        As the record says, pixels. A compressed image's own header rules.
    ppi : pair of float or None
        Resolution along x and y as the record says, pixels per inch; None where it does not.
    bits : int
        Depth of a raw sample, 1 to 16.
    channels : int
        Samples a pixel of a raw image: 1, or 3 for RGB.
    """

    data: bytes
    compression: Compression
    width: int
    height: int
    ppi: Ppi | None = None
    bits: int = BYTE_BITS
    channels: int = 1

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        return f"StoredImage({self.compression}, {self.width} x {self.height}, {len(self.data)} bytes)"

    def decode(self, *, ppi: float | None = None) -> Image:
        """Return the image at 500 ppi, grey.

        Parameters
        ----------
        ppi : float, optional
            Overrules the record, pixels per inch. Else the record's own is taken where a sensor may have it,
            then that of the compressed file, else 500 is assumed.

        Raises
        ------
        RecordUnsupportedError
            If the compression or depth is not read.
        RecordTruncatedError, RecordCorruptError
            If raw samples are too few or too many for the size.
        ImageError
            If the image is unusable.
        """
        check_caller_ppi(ppi)
        if self.compression.is_raw:
            resolution, said_by = self._resolution(ppi, None)
            resampled_size((self.width, self.height), resolution)
            pixels = self._raw_grey()
        else:
            source = open_source(self._compressed())
            resolution, said_by = self._resolution(ppi, source.ppi)
            resampled_size(source.size, resolution)
            pixels = source.decode()
        return Image(resample(pixels, resolution), native_ppi(resolution), said_by)

    def grey(self) -> U8:
        """Return the image at its own size, grey, uint8 (H, W), 0 black; see `decode` for what it raises."""
        return self._raw_grey() if self.compression.is_raw else open_source(self._compressed()).decode()

    def to_png(self) -> bytes:
        """Return the image as a PNG file at its own resolution, in colour where it is; see `decode`."""
        if self.compression.is_raw:
            picture = PillowImage.fromarray(self._raw())
            resolution = self._resolution(None, None)
        else:
            source = open_source(self._compressed())
            grey = source.decode()
            picture = PillowImage.fromarray(grey)
            if isinstance(source, PillowSource) and source.picture.mode in (
                "RGB",
                "RGBA",
                "P",
                "YCbCr",
                "CMYK",
            ):
                with quiet_pillow():
                    picture = ImageOps.exif_transpose(source.picture).convert("RGB")
            resolution = self._resolution(None, source.ppi)
        file = io.BytesIO()
        known = resolution[1] is not ResolutionSource.ASSUMED
        picture.save(file, format="PNG", **({"dpi": resolution[0]} if known else {}))
        return file.getvalue()

    def _resolution(self, caller: float | None, own: Ppi | None) -> tuple[Ppi, ResolutionSource]:
        # A record states a resolution on purpose: believed down to the lowest capture level, unlike a file's.
        if caller is None and self.ppi and all(MIN_CALLER_PPI <= axis <= MAX_CALLER_PPI for axis in self.ppi):
            return self.ppi, ResolutionSource.FILE
        return choose_resolution(caller, own)

    def _compressed(self) -> bytes:
        if self.compression is Compression.FAX:
            raise RecordUnsupportedError("Record: facsimile images are not read.", hint="Send it as PNG.")
        check_bytes(len(self.data))
        return self.data

    def _raw_grey(self) -> U8:
        samples = self._raw()
        return samples if samples.ndim == 2 else to_grey(PillowImage.fromarray(samples))

    def _raw(self) -> U8:
        """Return raw samples as 8 bits, (H, W) or (H, W, 3), their number checked first."""
        check_bytes(len(self.data))
        check_stored(self.width, self.height, len(self.data))
        if self.channels not in (1, RGB_CHANNELS) or not 1 <= self.bits <= MAX_BITS:
            raise RecordUnsupportedError(
                f"Record: expected raw samples of 1 to {MAX_BITS} bits, 1 or 3 a pixel, "
                f"got {self.channels} of {self.bits}."
            )
        if self.compression is Compression.NONE:
            return self._raw_bytes()
        if self.channels != 1:
            raise RecordUnsupportedError("Record: packed colour samples are not read.")
        return self._raw_bits()

    def _raw_bytes(self) -> U8:
        wide = self.bits > BYTE_BITS
        self._check_length(self.width * self.height * self.channels * (2 if wide else 1))
        samples = np.frombuffer(self.data, dtype=">u2" if wide else np.uint8)
        shape = (self.height, self.width) + ((self.channels,) if self.channels > 1 else ())
        native = samples.astype(np.uint16) if wide else samples
        return np.ascontiguousarray(scale_depth(native, 2**self.bits - 1).reshape(shape))

    def _raw_bits(self) -> U8:
        """Unpack samples of `bits` bits, high bits first; rows begin at a byte if the length says so."""
        bits = 1 if self.compression is Compression.BILEVEL else self.bits
        row_bytes = -(-self.width * bits // BYTE_BITS)
        padded = self.compression is Compression.BILEVEL or len(self.data) == row_bytes * self.height
        if padded:
            self._check_length(row_bytes * self.height)
            rows = np.frombuffer(self.data, dtype=np.uint8).reshape(self.height, row_bytes)
            planes = np.unpackbits(rows, axis=1, count=self.width * bits)
        else:
            self._check_length(-(-self.width * self.height * bits // BYTE_BITS))
            planes = np.unpackbits(
                np.frombuffer(self.data, dtype=np.uint8), count=self.width * self.height * bits
            )
        samples = np.zeros((self.height, self.width), dtype=np.uint16)
        planes = planes.reshape(self.height, self.width, bits)
        for bit in range(bits):
            samples = (samples << np.uint16(1)) | planes[:, :, bit]
        if self.compression is Compression.BILEVEL:
            return np.where(samples, 0, 255).astype(np.uint8)
        return scale_depth(samples, 2**bits - 1)

    def _check_length(self, expected: int) -> None:
        got = len(self.data)
        what = f"Record: {self.width} x {self.height} raw pixels take {expected} bytes, got {got}."
        if got < expected:
            raise RecordTruncatedError(what)
        if got > expected:
            raise RecordCorruptError(what, hint="Size, depth or compression is stated wrong.")
