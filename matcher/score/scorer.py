"""Fingerprint scoring as the gallery sees it: `matcher.gallery.search.Scorer`."""

from __future__ import annotations

from collections.abc import Sequence

from matcher.fingerprint.descriptor import DescriptorProbe, FingerprintDescriptor, admit, describe, prepare
from matcher.fingerprint.packed import expanded, is_packed, packed
from matcher.fingerprint.resident import resident
from matcher.score.calibration import Calibration, load_calibration
from matcher.score.fingerprint import FingerprintProbe, score_among, score_many
from matcher.types import F32, I64, U64, FingerprintTemplate


class FingerprintScorer:
    """The C++ minutia scorer with the shipped calibrations."""

    def resident(self, template: FingerprintTemplate) -> U64:
        """Return the form that `score` reads as a candidate: uint64 array (W,)."""
        return resident(template)

    def prepare(self, source: FingerprintTemplate | U64) -> FingerprintProbe:
        """Return the probe form of a template or of its resident form."""
        return FingerprintProbe(source)

    def score(self, probe: FingerprintProbe, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""
        return score_many(probe, words, offsets, rows=rows, threads=threads)

    def among(self, forms: Sequence[U64], share: float, least: float) -> F32:
        """Return the raw scores of prints with each other; see `matcher.score.fingerprint.score_among`."""
        return score_among(forms, share, least)

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""
        return load_calibration(probe_extractor, candidate_extractor)


class PackedFingerprintScorer(FingerprintScorer):
    """The same scores of candidates that take an eighth of the memory; each is expanded when it is compared,
    which takes 40 us: for a gallery that a shortlist is searched of.
    """

    def resident(self, template: FingerprintTemplate) -> U64:
        """Return the form that lies in memory: uint64 array (W,)."""
        return packed(template)

    def admit(self, words: Sequence[U64]) -> list[tuple[FingerprintDescriptor, U64]]:
        """Return what the shortlist keeps of forms that lie in memory, and each one `widened`."""
        return admit(words)

    def describe(self, template: FingerprintTemplate) -> FingerprintDescriptor:
        """Return what the shortlist keeps of a template."""
        return describe(template)

    def describe_probe(self, template: FingerprintTemplate) -> DescriptorProbe:
        """Return what the shortlist is asked with."""
        return prepare(template)

    def widened(self, words: U64) -> U64:
        """Return the form of eight times the size that is compared eight times as fast."""
        return expanded(words) if is_packed(words) else words

    def prepare(self, source: FingerprintTemplate | U64) -> FingerprintProbe:
        """Return the probe form of a template, or of its packed or resident form."""
        if not isinstance(source, FingerprintTemplate) and is_packed(source):
            return FingerprintProbe(expanded(source))
        return FingerprintProbe(source)
