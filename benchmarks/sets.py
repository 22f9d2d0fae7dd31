"""The real sets of prints that benchmarks and fits run over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.bars import data_root

UAREU = "UareU"
"""Title of the set that was least looked at."""


@dataclass(frozen=True, slots=True)
class Set:
    """A data set to evaluate: its title, layout and folder; `judged` ones make the means."""

    title: str
    dataset: str
    root: Path
    judged: bool


def real_sets() -> list[Set]:
    """Return the real sets that are at hand."""
    data = data_root()
    if data is None:
        return []
    fvc = [("fvc2002", "DB1_B"), ("fvc2002", "DB3_B"), ("fvc2004", "DB1_B"), ("fvc2004", "DB3_B")]
    sets = [Set(f"{y.upper()} {db}", "fvc", data / "fingerprint" / y / db, judged=True) for y, db in fvc]
    sets.append(Set(UAREU, "neurotechnology", data / "fingerprint" / "uareu", judged=False))
    return [s for s in sets if s.root.is_dir()]
