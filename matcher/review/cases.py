"""The queue: a case for each pair of a run, what needs eyes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matcher.errors import ArgumentError

MAX_CASES = 1_000_000
"""Most pairs that are loaded."""

SURE_DB = 30.0
"""dB above the threshold from which a pair without troubles is at the end of the queue."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pair of records to be decided.

    Attributes
    ----------
    number : int
        Row of the pair in `pairs.parquet`: stays the same in whatever order cases are shown.
    probe, candidate : str
        Ids of the records.
    score, threshold : float
        dB.
    verdict, rule : str
        See `matcher.dedup.decide`.
    troubles : tuple of str
    parts, warnings : tuple of mapping
        As in `pairs.parquet`.
    """

    number: int
    probe: str
    candidate: str
    score: float
    threshold: float
    verdict: str
    rule: str
    troubles: tuple[str, ...]
    parts: tuple[Mapping[str, Any], ...]
    warnings: tuple[Mapping[str, Any], ...]

    @property
    def margin(self) -> float:
        """dB above the threshold, negative below."""
        return self.score - self.threshold

    @property
    def compared(self) -> tuple[Mapping[str, Any], ...]:
        """The parts that were compared, the best first."""
        used = [part for part in self.parts if part["use"] == "USED"]
        return tuple(sorted(used, key=lambda part: -part["score"]))

    @property
    def urgency(self) -> tuple[bool, bool, float]:
        """Sorts the queue: troubles, then what is not sure, then by how near the threshold it is."""
        return (not self.troubles, self.margin > SURE_DB, abs(self.margin))


def load_cases(out: Path) -> list[Case]:
    """Return the cases of a run, the most urgent first.

    Parameters
    ----------
    out : Path
        Folder that `matcher dedup` wrote.

    Raises
    ------
    ArgumentError
        If there is no table of pairs, or it holds too many.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(out / "pairs.parquet")
    except (OSError, pa.ArrowException) as error:
        raise ArgumentError(
            f"Review: pairs.parquet cannot be read ({type(error).__name__}).",
            hint="Give the folder that `matcher dedup` wrote.",
        ) from None
    if "threshold" not in table.column_names:
        raise ArgumentError(
            "Review: pairs.parquet is of an earlier version.",
            hint="Run `matcher dedup` again into this folder.",
        )
    if table.num_rows > MAX_CASES:
        raise ArgumentError(f"Review: expected at most {MAX_CASES} pairs, got {table.num_rows}.")
    cases = [
        Case(
            number,
            row["probe_id"],
            row["candidate_id"],
            row["score"],
            row["threshold"],
            row["verdict"],
            row["rule"],
            tuple(row["troubles"]),
            tuple(row["parts"]),
            tuple(row["warnings"]),
        )
        for number, row in enumerate(table.to_pylist())
    ]
    return sorted(cases, key=lambda case: (*case.urgency, case.number))
