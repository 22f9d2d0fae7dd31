"""Iris scoring as the gallery sees it: the same methods as `matcher.score.scorer.FingerprintScorer`."""

from __future__ import annotations

from matcher.iris.types import IrisTemplate
from matcher.score.calibration import Calibration, load_calibration
from matcher.score.iris import IrisProbe, score_many
from matcher.score.iris_record import resident
from matcher.types import F32, I64, U64

SEARCH = "/search"
"""What follows the extractor's name in the pairing of a calibration for search codes."""


def search_calibration(extractor: str) -> Calibration:
    """Return the calibration of search codes of an extractor; CalibrationMissingError where there is none."""
    return load_calibration(extractor + SEARCH, extractor + SEARCH)


class IrisScorer:
    """The C++ iris comparison, full codes, with the shipped calibrations."""

    def resident(self, template: IrisTemplate) -> U64:
        """Return the form that `score` reads as a candidate: uint64 array (576,)."""
        return resident(template)

    def prepare(self, source: IrisTemplate | U64) -> IrisProbe:
        """Return the probe form of a template or of its resident form."""
        return IrisProbe(source)

    def score(self, probe: IrisProbe, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""
        return score_many(probe, words, offsets, rows=rows, threads=threads)

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""
        return load_calibration(probe_extractor, candidate_extractor)
