"""A sample of a probe in the form of each extractor, and which of them is compared with whose templates.

Where a gallery holds templates of several generations, an image that is searched for was read by each of
their extractors: every stored sample is compared with the form of its own extractor, or one that has a
calibration with it, and so once. What no form compares with is passed by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from matcher.errors import ComparisonError
from matcher.gallery.columns import Bools
from matcher.template.modality import Template

if TYPE_CHECKING:
    from matcher.gallery.gather import Batch
    from matcher.gallery.search import Calibration, Comparer


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One sample of a probe, prepared.

    Attributes
    ----------
    prepared : object
        What the scorer reads.
    position : int
    extractor : str
    source : Template or None
    others : tuple of Probe
        The same sample by other extractors.
    """

    prepared: Any
    position: int
    extractor: str
    source: Template | None = None
    others: tuple[Probe, ...] = ()


class Pairing(NamedTuple):
    """What the templates of one extractor are compared with.

    Attributes
    ----------
    probe : Probe
        The form of the probe.
    calibration : Calibration
        Of the two.
    """

    probe: Probe
    calibration: Calibration


def pairing(scorer: Comparer, probe: Probe, extractor: str) -> Pairing:
    """Return what the templates of an extractor are compared with: the form of their own, if there is one.

    Raises
    ------
    CalibrationMissingError, ModelsDifferError
        If no form compares with them.
    """
    if not probe.others:
        return Pairing(probe, scorer.calibration(probe.extractor, extractor))
    forms = sorted((probe, *probe.others), key=lambda form: form.extractor != extractor)
    refusal: ComparisonError | None = None
    for form in forms:
        try:
            return Pairing(form, scorer.calibration(form.extractor, extractor))
        except ComparisonError as error:
            refusal = refusal or error
    assert refusal is not None  # there is at least one form
    raise refusal


def pairings(scorer: Comparer, probe: Probe, extractors: Sequence[str]) -> list[Pairing | None]:
    """Return a `pairing` for each extractor, None where no form compares.

    Raises
    ------
    CalibrationMissingError, ModelsDifferError
        If there are extractors, and the probe compares with none of them.
    """
    found: list[Pairing | None] = []
    refusal: ComparisonError | None = None
    for extractor in extractors:
        try:
            found.append(pairing(scorer, probe, extractor))
        except ComparisonError as error:
            refusal = refusal or error
            found.append(None)
    if refusal is not None and not any(found):
        raise refusal
    return found


def reached(pairs: Sequence[Pairing | None], batch: Batch) -> Bools:
    """Return which rows of a batch the probe compares with, bool (r,)."""
    if all(pairs):
        return np.ones(len(batch), np.bool_)
    return np.array([pair is not None for pair in pairs])[batch.extractor]
