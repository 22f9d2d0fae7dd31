"""Figures that must hold, and where the real data are that they are measured on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure that must hold."""

    key: str
    text: str
    limit: float
    at_least: bool = False

    def met(self, value: float | None) -> bool | None:
        """Return whether `value` holds; None where it was not measured."""
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


def data_root() -> Path | None:
    """Return the folder of real data: `MATCHER_DATA`, or `../shared/data` beside the checkout."""
    candidates = (os.environ.get("MATCHER_DATA"), str(machine.ROOT.parent / "shared" / "data"))
    return next((Path(c) for c in candidates if c and Path(c).is_dir()), None)
