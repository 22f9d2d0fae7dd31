"""The nouns of a register: records and their samples, read when a stage asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matcher.errors import ArgumentError, MatcherError
from matcher.samples import Sample

MAX_RECORD_ID = 128
"""Longest record id, characters; as of subjects."""

MAX_RECORDS = 1 << 24
"""Most records of one run; they are counted in 32 bits, and listed in memory."""

MAX_SAMPLES = 64
"""Most samples of one record."""


@dataclass(frozen=True, slots=True)
class NamedSample:
    """One sample of a record, or why there is none.

    Attributes
    ----------
    name : str
        What the source calls it: a path below its folder, or a number.
    sample : Sample or None
    error : MatcherError or None
        Why it could not be read.
    """

    name: str
    sample: Sample | None
    error: MatcherError | None = None


class Source(Protocol):
    """A register. It travels to worker processes, so it pickles and holds no file open."""

    @property
    def ids(self) -> Sequence[str]:
        """Of the records, each once, in the order of the register."""

    @property
    def attributes(self) -> Mapping[str, Sequence[str]]:
        """Columns that describe the records (sex, device, site ...), a text for each record, maybe empty."""

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the samples of some records: work that was done on others is not used."""

    @property
    def records_a_task(self) -> int:
        """Records whose samples take some seconds to extract, 1 or more."""

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Return the samples of the records from number `begin` below `end`, in order."""


def checked_id(value: str) -> str:
    """Return a record's id.

    Raises
    ------
    ArgumentError
        If it is empty, too long or not printable.
    """
    if not (1 <= len(value) <= MAX_RECORD_ID and value.isprintable()):
        raise ArgumentError(f"Record id: expected 1 to {MAX_RECORD_ID} printable characters.")
    return value


def id_of(value: object) -> str:
    """Return the id that a column's value states, a text or a whole number; "" of anything else.

    A missing one is nobody's: as a text it would make one record of everybody who has none.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole or isinstance(value, str) else ""


def checked_columns(names: Sequence[str]) -> Sequence[str]:
    """Return the columns of a file.

    Raises
    ------
    ArgumentError
        If one is there twice: nobody can know which counts.
    """
    if len(set(names)) < len(names):
        raise ArgumentError("Register: a column is there twice.")
    return names


def checked_count(records: int) -> None:
    """Refuse registers of no record or of too many.

    Raises
    ------
    ArgumentError
        If there are none or too many.
    """
    if not 1 <= records <= MAX_RECORDS:
        raise ArgumentError(
            f"Register: expected 1 to {MAX_RECORDS} records, got {records}.",
            hint="" if records else "Check the path; files of other kinds are passed over.",
        )


def digest_of(*parts: object) -> str:
    """Return a digest of texts and numbers, in order."""
    digest = hashlib.sha256()
    for part in parts:
        text = repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()
