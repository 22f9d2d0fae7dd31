"""Synthetic people by the million: two or ten fingers, two irises, a face; seeded, any range at once.

`Population(seed).subjects(begin, end)` and `.probes(begin, end)` give the same people whoever asks: each
draws from streams that its number names. `write_population` and `PopulationFolder` keep them on disk.

Prints are minutiae, no images (`kernels/`): a flow of ridges (`flow`), the minutiae that it demands and
pairs of them beside (`finger`), a capture (`capture`). `tools/fit_population.py` holds them against real
prints and writes the settings (`population_prints.json`) with both sides' statistics.

LIMITATIONS: see "Synthetic populations" in the README. Numbers of the streams are the same on every machine;
sines and logarithms may differ in their last bit between machines, and a coordinate that lies on a rounding
edge then by one pixel.
"""

from .folder import Order, PopulationFolder, write_population
from .people import Absence, People, Sex
from .population import ALL_FINGERS, INDEX_FINGERS, Population, SyntheticPerson
from .print_settings import PrintSettings, fitted_settings
from .prints import Prints

__all__ = [
    "Population",
    "SyntheticPerson",
    "PopulationFolder",
    "Order",
    "write_population",
    "Prints",
    "People",
    "Sex",
    "Absence",
    "PrintSettings",
    "fitted_settings",
    "INDEX_FINGERS",
    "ALL_FINGERS",
]
