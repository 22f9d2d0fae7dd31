"""Places of mates on a shortlist, and how many of them it loses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

NORMAL_95 = 1.959964
"""Deviation of the normal distribution within which 95 % lie."""


def wilson(count: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; impressions of one finger make it too narrow."""
    share, z2 = count / trials, NORMAL_95**2
    middle = share + z2 / (2 * trials)
    spread = NORMAL_95 * np.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    return max(float((middle - spread) / scale), 0.0), float((middle + spread) / scale)


@dataclass(slots=True)
class Ranks:
    """Places of accepted mates, as shares of the subjects, by set."""

    places: dict[str, list[float]] = field(default_factory=dict)

    def add(self, title: str, place: float) -> None:
        """Take in a mate whose place is that share."""
        self.places.setdefault(title, []).append(place)

    def lost(self, share: float) -> dict[str, dict[str, Any]]:
        """Return what a shortlist of that share loses."""
        real = [p for title, found in self.places.items() if title != "synthetic" for p in found]
        groups = {**self.places, "real": real, "all": [p for found in self.places.values() for p in found]}
        result = {}
        for title, found in groups.items():
            count = int((np.array(found) > share).sum())
            low, high = wilson(count, len(found)) if found else (0.0, 1.0)
            result[title] = {"mates": len(found), "lost": count, "interval": [low, high]}
        return result
