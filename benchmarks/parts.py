"""The parts of the figures: what can be measured on its own, each a module of rows and their bars."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from benchmarks import (
    figures_beside,
    figures_dedup,
    figures_face,
    figures_fingerprint,
    figures_gallery,
    figures_iris,
    figures_losses,
    figures_population,
    figures_privacy,
    figures_sealed,
    figures_service,
    figures_shortlist,
    figures_store,
)

PARTS: Mapping[str, ModuleType] = {
    "fingerprint": figures_fingerprint,
    "iris": figures_iris,
    "face": figures_face,
    "population": figures_population,
    "store": figures_store,
    "gallery": figures_gallery,
    "beside": figures_beside,
    "shortlist": figures_shortlist,
    "losses": figures_losses,
    "dedup": figures_dedup,
    "privacy": figures_privacy,
    "service": figures_service,
    "sealed": figures_sealed,
}
"""In the order of the tables: each has `BARS`, and all but the first, the trunk, a `measure`."""

TRUNK = "fingerprint"
"""Its figures are at the top of a file of figures, the others' below their names."""
