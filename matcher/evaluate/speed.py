"""Comparisons a second on one core: 1:N searches over the set's own templates.

One search prepares a probe once and scores N candidates with it, on one thread. The candidates are the
samples of other identities, as almost all are in a real search, repeated in memory until there are 10,000:
a small set by itself would lie in the processor's cache. All CPU time of the search counts, the preparation
of the probe included; no candidate is skipped, and scorer and settings are those of the error rates.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from matcher.evaluate.modality import I64, U64, Gallery, Modality

CANDIDATES = 10_000
"""Candidates of one search."""

PROBES = 8
"""Searches, with probes evenly spread over the set."""


WARM_CANDIDATES = 100
"""Candidates of the first search, which is not timed."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured.

    Attributes
    ----------
    comparisons_per_second : float
        Candidates over CPU time, all searches together.
    searches, candidates : int
        Number of searches, candidates of each.
    """

    comparisons_per_second: float
    searches: int
    candidates: int


def measure_speed(
    modality: Modality,
    templates: list[object],
    residents: list[U64],
    codes: I64,
    *,
    candidates: int = CANDIDATES,
    probes: int = PROBES,
) -> Speed | None:
    """Time searches; None where no sample has a sample of another identity to be compared with.

    Parameters
    ----------
    modality : Modality
    templates, residents : list
        Of n samples, both forms.
    codes : int64 array (n,)
        Identity of each.
    """
    if len(np.unique(codes)) < 2:
        return None
    copies = -(-2 * candidates // len(residents))
    gallery = Gallery.of(residents * copies)
    owners = np.tile(codes, copies)
    chosen = np.unique(np.linspace(0, len(templates) - 1, min(probes, len(templates))).astype(int))
    # Not counted: loads the code.
    modality.scorer(templates[0])(gallery, np.arange(min(WARM_CANDIDATES, len(gallery))), 1)
    nanoseconds = done = 0
    for place in chosen.tolist():
        rows = np.flatnonzero(owners != codes[place])[:candidates].astype(np.int64)
        start = time.process_time_ns()
        scores = modality.scorer(templates[place])(gallery, rows, 1)
        nanoseconds += time.process_time_ns() - start
        done += len(scores)
    return Speed(done / (max(nanoseconds, 1) / 1e9), len(chosen), done // len(chosen))
