"""`matcher demo --private`: three parties on loopback search irises that none of them can read."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer

EXIT_CLAIM_FAILED = 1
"""Exit status where a claim does not hold."""

EYES, PROBES = 10_000, 20
"""Eyes enrolled; mates and strangers searched for, as many of each."""


def demo_private(scratch: Path) -> None:
    """Run the demonstration and print what it found."""
    from matcher.privacy.demo import demonstrate

    start = time.monotonic()
    print("Three parties on loopback. Semi-honest, no two collude: docs/private-matching.md.", flush=True)
    found = demonstrate(
        scratch, EYES, PROBES, lambda text: print(f"  ... {text}", file=sys.stderr, flush=True)
    )
    print("\n".join(found.lines))
    for claim in found.claims:
        print(f"{'holds' if claim.held else 'DOES NOT HOLD'}: {claim.text} ({claim.found})")
    print(f"{time.monotonic() - start:.0f} s in all")
    if not all(claim.held for claim in found.claims):
        raise typer.Exit(EXIT_CLAIM_FAILED)
