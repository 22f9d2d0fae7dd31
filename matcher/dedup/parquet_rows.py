"""Rows of a Parquet file by number, as tasks ask for them: one after another, ever further on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

BATCH_ROWS = 4096
"""Rows decoded at once: a few megabytes of templates, however many rows a group of the file has."""

NOWHERE = int(np.iinfo(np.int64).max)
"""Where the reader stands at first and after a failure: behind every row; the next one begins anew."""

I64 = npt.NDArray[np.int64]


class ParquetRows:
    """Reads on from where it stands, so that going through a file decodes it once.

    A group of rows can only be decoded from its first row: one that holds the whole register would be decoded
    anew for each task, and whole in memory. Asked for rows that lie behind, it begins again at their group.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Those that are read, of those that are there.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path)
        self._columns = [name for name in self._file.schema_arrow.names if name in columns]
        counts = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._batches: Iterator[Any] = iter(())
        self._held: Any = None
        self._begin = self._end = NOWHERE
        self._lock = Lock()

    def take(self, rows: I64) -> list[dict[str, Any]]:
        """Return rows, int64 (n,) ascending, as objects by column.

        Raises
        ------
        ArgumentError
            If the file cannot be decoded there, or ends before: it has changed.
        """
        found: list[dict[str, Any]] = []
        with self._lock:
            while len(found) < len(rows):
                first = int(rows[len(found)])
                self._go_to(first)
                upto = int(np.searchsorted(rows, self._end))
                mine = rows[len(found) : upto] - self._begin
                found += self._held.take(mine).to_pylist()
        return found

    def _go_to(self, row: int) -> None:
        """Hold the batch that has a row."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        if row < self._begin or self._end < self._starts[group]:
            after = range(group, self._file.num_row_groups)
            self._batches = self._file.iter_batches(BATCH_ROWS, after, self._columns)
            self._begin = self._end = int(self._starts[group])
        while row >= self._end:
            self._held = self._next()
            self._begin, self._end = self._end, self._end + self._held.num_rows

    def _next(self) -> Any:
        import pyarrow as pa

        try:
            return next(self._batches)
        except (StopIteration, OSError, pa.ArrowException) as error:
            self._begin = self._end = NOWHERE
            raise ArgumentError(
                f"Parquet: rows of the file cannot be read ({type(error).__name__}).",
                hint="Was it changed while it was read? Run again.",
            ) from None


@lru_cache(maxsize=2)
def rows_of(path: Path, columns: tuple[str, ...], content: str) -> ParquetRows:
    """Return the reader that this process has of a file, a register and what it is held against.

    Parameters
    ----------
    path : Path
    columns : tuple of str
    content : str
        Digest of what the file was when the register was opened: another file has another reader.
    """
    del content
    return ParquetRows(path, columns)
