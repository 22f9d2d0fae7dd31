"""Pairs files of Labeled Faces in the Wild, and which samples they compare.

    pairs.txt (View 2)             pairsDevTest.txt (View 1)
    folds TAB n                    n
    then for each fold n rows of   then n rows of
      Name TAB i TAB j               the one form
    and n rows of                  and n of
      Name TAB i TAB Name TAB j      the other

A row of three compares two images of a person, a row of four images of two persons; image i of `Name` is
`Name/Name_NNNN.*`, NNNN being i with four digits (G. B. Huang et al., "Labeled Faces in the Wild", UMass
Amherst 07-49, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from matcher.datasets.protocol import I32, Pairs
from matcher.datasets.samples import Dataset
from matcher.errors import DatasetLayoutError, DatasetMissingError

MAX_FILE_BYTES = 1 << 24
"""Largest pairs file that is read; the official one has 160 kB."""

MAX_FOLDS = 1_000
MAX_PAIRS = 1_000_000
"""Most pairs of all folds together."""

MAX_NAME_LENGTH = 200
MAX_NUMBER = 9_999
"""Images of a person are numbered with four digits."""


class FaceProtocol(StrEnum):
    """Which pairs an evaluation of faces compares."""

    ALL = "all"
    """Every pair of samples."""
    VIEW1 = "view1"
    """The pairs of pairsDevTest.txt: what settings are chosen on."""
    VIEW2 = "view2"
    """The folds of pairs.txt: what is reported."""

    @property
    def file(self) -> str | None:
        """Name of its pairs file in the set's folder."""
        return {FaceProtocol.VIEW1: "pairsDevTest.txt", FaceProtocol.VIEW2: "pairs.txt"}.get(self)


@dataclass(frozen=True, slots=True)
class NamedPair:
    """One row: two samples by their names without suffix, their fold from 0."""

    probe: str
    reference: str
    mated: bool
    fold: int


@dataclass(frozen=True, slots=True, eq=False)
class FoldedPairs:
    """Comparisons and the fold that each belongs to.

    Attributes
    ----------
    pairs : Pairs
        In the order of their probes, the earlier name as probe.
    fold : int32 array (p,)
        From 0.
    """

    pairs: Pairs
    fold: I32

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1


def parse_pairs(data: bytes) -> tuple[NamedPair, ...]:
    """Return the rows of a pairs file, in its order.

    Raises
    ------
    DatasetLayoutError
        If it is larger than 16 MiB, no text, or a row has another form or is missing.
    """
    if len(data) > MAX_FILE_BYTES:
        raise DatasetLayoutError(f"Pairs file: expected at most {MAX_FILE_BYTES} bytes, got {len(data)}.")
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetLayoutError("Pairs file: expected UTF-8 text.") from error
    while lines and not lines[-1].strip():
        lines.pop()
    folds, each = _header(lines[0] if lines else "")
    if len(lines) - 1 != 2 * folds * each:
        raise DatasetLayoutError(
            f"Pairs file: its first line announces {2 * folds * each} rows, got {len(lines) - 1}.",
            hint="Expected as many matched as mismatched pairs in each fold.",
        )
    rows = []
    for row, line in enumerate(lines[1:]):
        mated = row % (2 * each) < each
        rows.append(_row(line, mated=mated, fold=row // (2 * each), line=row + 2))
    return tuple(rows)


def load_pairs(dataset: Dataset, protocol: FaceProtocol) -> FoldedPairs:
    """Read the pairs file of a protocol and find its samples.

    Parameters
    ----------
    dataset : Dataset
        Of the layout `lfw`.
    protocol : FaceProtocol
        Other than ALL, which has no file.

    Raises
    ------
    DatasetMissingError
        If the set's folder holds no such file, or lacks images that it names.
    DatasetLayoutError
        If the file has another form.
    """
    assert protocol.file is not None  # Of ALL there is nothing to read.
    path = dataset.root / protocol.file
    return pairs_of(dataset, parse_pairs(_bounded(path)))


def pairs_of(dataset: Dataset, rows: tuple[NamedPair, ...]) -> FoldedPairs:
    """Return rows as places in `dataset.samples`.

    Raises
    ------
    DatasetMissingError
        If the set lacks images that they name.
    """
    places = {sample.name.rpartition(".")[0]: i for i, sample in enumerate(dataset.samples)}
    named = {name for row in rows for name in (row.probe, row.reference)}
    absent = len(named - places.keys())
    if absent:
        raise DatasetMissingError(
            f"Data set: the pairs file names {len(named)} images, {absent} of them are not there.",
            hint="Unpack the whole set below --root.",
        )
    found = np.array([(places[r.probe], places[r.reference]) for r in rows], dtype=np.int32).reshape(-1, 2)
    found.sort(axis=1)
    order = np.lexsort((found[:, 1], found[:, 0]))
    mated = np.array([r.mated for r in rows], dtype=np.bool_)
    fold = np.array([r.fold for r in rows], dtype=np.int32)
    probe, reference = (np.ascontiguousarray(column) for column in found[order].T)
    return FoldedPairs(Pairs(probe, reference, mated[order]), fold[order])


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DatasetMissingError(
            f"Data set: expected the pairs file {path.name} in its folder, found none.",
            hint="Take it from the set's makers, or choose --protocol all.",
        ) from error


def _header(line: str) -> tuple[int, int]:
    """Return number of folds, and of matched pairs in each."""
    numbers = [number for word in line.split() if (number := _number(word, MAX_PAIRS)) is not None]
    if len(numbers) not in (1, 2) or len(numbers) != len(line.split()):
        raise DatasetLayoutError("Pairs file: expected one or two numbers in its first line.")
    folds, each = (1, *numbers) if len(numbers) == 1 else numbers
    if folds > MAX_FOLDS or 2 * folds * each > MAX_PAIRS:
        raise DatasetLayoutError(
            f"Pairs file: expected at most {MAX_FOLDS} folds and {MAX_PAIRS} pairs, "
            f"got {folds} and {2 * folds * each}."
        )
    return folds, each


def _row(text: str, *, mated: bool, fold: int, line: int) -> NamedPair:
    words = text.split("\t")
    if len(words) != (3 if mated else 4):
        raise _malformed(line, mated)
    probe = words[0]
    reference = probe if mated else words[2]
    first, second = _number(words[1], MAX_NUMBER), _number(words[-1], MAX_NUMBER)
    same = probe == reference
    if first is None or second is None or same is not mated or (same and first == second):
        raise _malformed(line, mated)
    if not (_is_name(probe) and _is_name(reference)):
        raise _malformed(line, mated)
    return NamedPair(f"{probe}/{probe}_{first:04d}", f"{reference}/{reference}_{second:04d}", mated, fold)


def _malformed(line: int, mated: bool) -> DatasetLayoutError:
    # The line is not repeated: it names a person.
    shape = "Name, number, number" if mated else "Name, number, another Name, number"
    return DatasetLayoutError(f"Pairs file: expected {shape} between tabulators in line {line}.")


def _is_name(word: str) -> bool:
    plain = 0 < len(word) <= MAX_NAME_LENGTH and word.isprintable() and word not in (".", "..")
    return plain and not set(word) & set('/\\:*?"<>|')


def _number(word: str, most: int) -> int | None:
    """Return a number from 1 to `most` written in ASCII digits, None for anything else."""
    if not (word.isascii() and word.isdigit() and len(word) <= len(str(most))):
        return None
    value = int(word)
    return value if 1 <= value <= most else None
