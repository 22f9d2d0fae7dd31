"""The file of `--scores`: one row a comparison, from which every error rate can be computed again.

CSV with a header: probe, reference (names below the set's folder), mated (1 or 0), raw, score. Numbers are
written with the digits that give the same float back. A mated comparison with a failure to extract has
empty numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.evaluate.comparisons import Comparisons

COLUMNS = ("probe", "reference", "mated", "raw", "score")
"""Header of the file."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRows:
    """What the file holds, p rows; `raw` float32 and `score` float64 are NaN where empty."""

    probe: list[str]
    reference: list[str]
    mated: npt.NDArray[np.bool_]
    raw: npt.NDArray[np.float32]
    score: npt.NDArray[np.float64]


def write_scores(
    path: Path, names: Sequence[str], comparisons: Comparisons, score: npt.NDArray[np.float64] | None
) -> None:
    """Write the rows; `score` is NaN or None where there is no calibration."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        calibrated = np.full(len(comparisons.raw), np.nan) if score is None else score
        columns = (comparisons.probe, comparisons.reference, comparisons.mated, comparisons.raw, calibrated)
        for probe, reference, mated, raw, value in zip(*columns, strict=True):
            writer.writerow((names[probe], names[reference], int(mated), _text(raw), _text(value)))


def _text(value: np.floating[Any]) -> str:
    return "" if np.isnan(value) else np.format_float_positional(value, trim="0")


def read_scores(path: Path) -> ScoreRows:
    """Read the rows back.

    Raises
    ------
    ArgumentError
        If the file is not of this form.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        if tuple(next(reader, ())) != COLUMNS:
            raise ArgumentError(f"Scores file: expected a header {','.join(COLUMNS)}.")
        rows = list(reader)
    try:
        probe, reference, mated, raw, score = ([*column] for column in zip(*rows, strict=True))
        return ScoreRows(
            probe,
            reference,
            np.array([_flag(value) for value in mated]),
            np.array([float(v or "nan") for v in raw], dtype=np.float32),
            np.array([float(v or "nan") for v in score], dtype=np.float64),
        )
    except (ValueError, KeyError) as error:
        raise ArgumentError(
            "Scores file: expected five columns a row, of names, 0 or 1 and numbers."
        ) from error


def _flag(text: str) -> bool:
    return {"0": False, "1": True}[text]
