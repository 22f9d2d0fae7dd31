"""Synthetic people by the million: two or ten fingers, two irises, a face; seeded, any range at once."""

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
