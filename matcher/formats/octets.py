"""Big-endian numbers out of bytes and into bytes, every length checked before it is used."""

from __future__ import annotations

from matcher.errors import RecordCorruptError, RecordUnsupportedError


class ByteReader:
    """Reads a block of known length from its start; asking for more than it holds is an error.

    Parameters
    ----------
    data : bytes
        The whole block. That the file is as long as it says is checked before.
    """

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._position

    def take(self, count: int, what: str) -> bytes:
        """Return the next `count` bytes.

        Raises
        ------
        RecordCorruptError
            If fewer are left.
        """
        if count > self.left:
            raise RecordCorruptError(
                f"Record: expected {count} bytes of {what}, but only {self.left} are left.",
                hint="A count or length field contradicts the record's length.",
            )
        start = self._position
        self._position += count
        return self._data[start : self._position]

    def u8(self, what: str) -> int:
        """Return the next byte."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """Return the next two bytes as a number."""
        return int.from_bytes(self.take(2, what), "big")

    def u32(self, what: str) -> int:
        """Return the next four bytes as a number."""
        return int.from_bytes(self.take(4, what), "big")

    def finish(self, what: str) -> None:
        """Check that nothing is left.

        Raises
        ------
        RecordCorruptError
            If bytes are left.
        """
        if self.left:
            raise RecordCorruptError(f"Record: expected the end of {what}, but {self.left} bytes follow.")


class ByteWriter:
    """Collects a block; a number that its field cannot hold is an error that names the field."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def raw(self, data: bytes) -> None:
        """Append bytes."""
        self._data += data

    def number(self, value: int, bits: int, what: str) -> None:
        """Append an unsigned number of `bits` bits, a multiple of 8."""
        self._data += fit(value, bits, what).to_bytes(bits // 8, "big")

    def u8(self, value: int, what: str) -> None:
        """Append one byte."""
        self.number(value, 8, what)

    def u16(self, value: int, what: str) -> None:
        """Append two bytes."""
        self.number(value, 16, what)

    def u32(self, value: int, what: str) -> None:
        """Append four bytes."""
        self.number(value, 32, what)

    def getvalue(self) -> bytes:
        """Return what was collected."""
        return bytes(self._data)


def fit(value: int, bits: int, what: str) -> int:
    """Return `value` if an unsigned field of `bits` bits holds it.

    Raises
    ------
    RecordUnsupportedError
        If it does not.
    """
    if not 0 <= value < 1 << bits:
        raise RecordUnsupportedError(
            f"Record: the format holds {what} from 0 to {(1 << bits) - 1}, got {value}."
        )
    return value
