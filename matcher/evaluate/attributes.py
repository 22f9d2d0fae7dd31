"""What a table says of the people of a data set: sex, year of birth, region, device."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from matcher.datasets.samples import Dataset
from matcher.errors import ArgumentError

KEYS = ("name", "identity", "person")
"""Columns by which a row finds its samples: the sample's name, its identity, its person."""

MAX_BYTES = 1 << 28


def attribute_of(dataset: Dataset, path: Path, column: str) -> Sequence[str]:
    """Return an attribute of each sample of a data set, empty where the table does not say it.

    Parameters
    ----------
    dataset : Dataset
    path : Path
        CSV, UTF-8, with one of `KEYS` and the attribute as columns.
    column : str

    Raises
    ------
    ArgumentError
        If the file cannot be read, a column is missing, or no sample is found in it.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArgumentError(f"--attributes: expected at most {MAX_BYTES} bytes.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            key = next((name for name in KEYS if name in columns), None)
            if key is None or column not in columns:
                raise ArgumentError(f"--attributes: expected one of {', '.join(KEYS)}, and {column!r}.")
            told = {row[key]: row[column] or "" for row in reader}
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ArgumentError(f"--attributes: the file cannot be read ({type(error).__name__}).") from None
    found = [told.get(getattr(sample, key) or "", "") for sample in dataset.samples]
    if not any(found):
        raise ArgumentError(f"--attributes: no {key} of the data set is in the file.")
    return found
