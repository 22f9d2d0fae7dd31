"""The table at the end of a demonstration."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from matcher.demo.claims import Claim
from matcher.demo.findings import Findings
from matcher.demo.people import Population
from matcher.score.decision import DEFAULT_FMR, DEFAULT_FPIR
from matcher.types import Modality


def print_report(
    console: Console, population: Population, found: Findings, verdicts: Sequence[Claim]
) -> None:
    """Print counts and rates, the time of each call, and each claim."""
    counts = Table(title=f"matcher demo: {population.title}", title_justify="left", box=None)
    for name in ("what", "value", "of what"):
        counts.add_column(name, justify="right" if name == "value" else "left")
    for row in count_rows(population, found):
        counts.add_row(*row)
    times = Table(title="calls, as the client sees them", title_justify="left", box=None)
    for name in ("call", "answered", "median ms", "p99 ms"):
        times.add_column(name, justify="left" if name == "call" else "right")
    for call in time_rows(found):
        times.add_row(*call)
    for table in (counts, times):
        console.print(table)
        console.print()
    for claim in verdicts:
        verdict = "holds" if claim.held else "FAILS"
        console.print(f"{verdict}: {claim.text} ({claim.found})", soft_wrap=True, highlight=False)


def count_rows(population: Population, found: Findings) -> list[tuple[str, str, str]]:
    """Return the counts and rates as text: what, value, of what."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(found.failures.items()))
    return [
        ("samples", str(population.sample_count), population.title),
        ("subjects enrolled", str(found.enrolled), f"of {found.subjects_sent} sent"),
        ("samples enrolled", str(found.samples_enrolled), "one template each"),
        ("failures to extract", str(sum(found.failures.values())), reasons or "none"),
        *(row for modality in found.verified for row in modality_rows(found, modality)),
        (
            "identification hits, first of the list",
            rate(found.hits, found.mated_searches),
            f"{found.hits} of {found.mated_searches} searches by enrolled people",
        ),
        (
            f"false positives at FPIR {DEFAULT_FPIR:g}, score {found.search_threshold:.1f}",
            rate(found.false_positives, found.stranger_searches),
            f"{found.false_positives} of {found.stranger_searches} searches by strangers",
        ),
    ]


def modality_rows(found: Findings, modality: Modality) -> list[tuple[str, str, str]]:
    """Return the error rates of the single samples of one modality as text."""
    one, name = found.verified[modality], modality.name.lower()
    return [
        (
            f"FNMR at FMR {DEFAULT_FMR:g}, one {name}",
            rate(one.false_non_matches, one.mated),
            f"{one.false_non_matches} of {one.mated} mated verifications",
        ),
        (
            f"FMR at score {found.verification_threshold:.1f}, one {name}",
            rate(one.false_matches, one.non_mated),
            f"{one.false_matches} of {one.non_mated} non-mated verifications",
        ),
    ]


def time_rows(found: Findings) -> list[tuple[str, str, str, str]]:
    """Return each call's count, median and 99th percentile as text."""
    return [
        (name, str(len(times)), f"{percentile(times, 0.5):.1f}", f"{percentile(times, 0.99):.1f}")
        for name, times in found.times.items()
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed (nearest rank)."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def rate(count: int, trials: int) -> str:
    """Return a share as text."""
    return f"{count / trials:.2%}" if trials else "none"
