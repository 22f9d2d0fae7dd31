"""Iris scoring as the gallery sees it: the same methods as `matcher.score.scorer.FingerprintScorer`, and the
search code, which is all of an eye that lies in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matcher.iris.types import IrisTemplate
from matcher.score.calibration import Calibration, load_calibration
from matcher.score.iris import IrisProbe, score_among, score_many, search_score_many
from matcher.score.iris_record import SEARCH_WORDS, resident, residents, search_records
from matcher.score.iris_search import search
from matcher.template.iris_codec import decode_codes
from matcher.types import F32, I64, U64

SEARCH = "/search"
"""What follows the extractor's name in the pairing of a calibration for search codes."""


def search_calibration(extractor: str) -> Calibration:
    """Return the calibration of search codes of an extractor; CalibrationMissingError where there is none."""
    return load_calibration(extractor + SEARCH, extractor + SEARCH)


class IrisSearchScorer:
    """Search codes: `matcher.gallery.search.SearchScorer`."""

    def resident(self, template: IrisTemplate) -> U64:
        """Return the form that lies in memory: a search record, uint64 array (64,)."""
        record: U64 = search_records(template.search_code[None], template.search_mask[None])[0]
        return record

    def score(self, probe: IrisProbe, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe's search code with each of `rows`."""
        places = offsets[rows] // SEARCH_WORDS
        whole = len(words) // SEARCH_WORDS * SEARCH_WORDS
        records = words[:whole].reshape(-1, SEARCH_WORDS)
        return search_score_many(probe, records, rows=places, threads=threads)

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""
        return load_calibration(probe_extractor + SEARCH, candidate_extractor + SEARCH)

    def least(
        self,
        probes: Sequence[IrisProbe],
        words: U64,
        count: int,
        allowed: U64 | None,
        raw: float,
        sure: float,
        most: int,
        threads: int,
    ) -> list[tuple[I64, F32]]:
        """Return of each probe the rows that reach a raw score; see `matcher.score.iris_search.search`."""
        records = words[: count * SEARCH_WORDS].reshape(count, SEARCH_WORDS)
        hits = search(
            np.stack([probe.words[:SEARCH_WORDS] for probe in probes]),
            records,
            reliable_raw=sure,
            least_raw=raw,
            most=most,
            bitmap=allowed,
            threads=threads,
        )
        return [hits.of(number) for number in range(len(probes))]


class IrisScorer:
    """The C++ iris comparison, full codes, with the shipped calibrations."""

    def __init__(self) -> None:
        self.quick = IrisSearchScorer()

    def resident(self, template: IrisTemplate) -> U64:
        """Return the form that `score` reads as a candidate: uint64 array (576,)."""
        return resident(template)

    def both(self, templates: Sequence[IrisTemplate]) -> list[tuple[U64, U64]]:
        """Return the form that lies in memory and the resident form of each of at least one template."""
        names = ("code", "mask", "search_code", "search_mask")
        forms = residents(*(np.stack([getattr(template, name) for template in templates]) for name in names))
        return [(form[:SEARCH_WORDS].copy(), form) for form in forms]

    def stored(self, templates: Sequence[bytes]) -> list[U64]:
        """Return the resident forms of stored templates; what is wrong with one is raised as by `decode`."""
        return list(residents(*decode_codes(templates)))

    def prepare(self, source: IrisTemplate | U64) -> IrisProbe:
        """Return the probe form of a template or of its resident form."""
        return IrisProbe(source)

    def score(self, probe: IrisProbe, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""
        return score_many(probe, words, offsets, rows=rows, threads=threads)

    def among(self, forms: Sequence[U64], share: float, least: float) -> F32:
        """Return the raw scores of some eyes with each other, whatever the limits: there is one direction."""
        return score_among(forms)

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""
        return load_calibration(probe_extractor, candidate_extractor)
