"""From the scores of a person's fingers to one score: likelihood ratios summed, and calibrated once more.

1. A finger with score u (-10 log10(FMR)) has the log-likelihood ratio 10 log10(floor + density * 10^(u/10)):
   its mated scores are spread evenly with `density`, but for a share `floor` of fingers that give nothing
   (poor skin, a wrong label), so one bad finger of a mate takes away no more than 10 log10(floor).
2. u above what the finger calibration's data support counts half: there only its tail model speaks.
3. The sum over the n fingers compared is mapped to -10 log10(P(a non-mated person reaches it)). The fingers
   of two persons are alike together (class, skin, sensor): the model gives them one common normal factor of
   correlation `correlation` (a one-factor Gaussian copula, Li 2000), fitted to real and synthetic persons.
4. People whose fingers are poor, or labelled wrongly, are poor in many fingers at once, which no product over
   fingers allows for. So the best finger alone may speak too: the false matches allowed are shared,
   `BEST_SHARE` for the best of n fingers (it pays 10 log10(n) besides), the rest for the sum. The larger
   claim counts.
5. The claim is at most the sum of the fingers' own scores, what independent fingers would allow, and above
   the table it grows no faster than the sum of the log-likelihood ratios does (FMR <= 1 / LR).

LIMITATIONS: seven real persons carry the correlation, and synthetic ones that share only class and ridge
period; the supported score says how far non-mated persons were counted, and above it a score is extrapolated.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, CalibrationMissingError
from matcher.score.arrays import interpolated
from matcher.score.tail import LOG10

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.integer[Any]]

FORMAT = 1
"""Version of the JSON form."""

FILE = "person-fingerprint.json"
"""The shipped calibration, beside those of the pairings."""

MAX_FINGERS_FUSED = 20
"""Fingers that one probe may bring: as many as a request has samples."""

EXTRAPOLATED_WEIGHT = 0.5
"""What a dB above the finger calibration's support counts in the sum."""

BEST_SHARE = 0.2
"""Share of the false matches allowed that the best finger alone may use; the sum pays 1 dB for it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the score of one finger says for a mate.

    Attributes
    ----------
    floor : float
        Share of a mate's fingers that score like a stranger's, above 0 and below 1.
    density : float
        Mated scores in one neper (4.34 dB) of the calibrated scale, above 0.
    support : float
        Calibrated score up to which the finger calibrations count non-mated comparisons.
    impression_cost : float
        What several comparisons of one finger cost, in units of 10 log10(their number).
    """

    floor: float
    density: float
    support: float
    impression_cost: float

    def __post_init__(self) -> None:
        if not (0.0 < self.floor < 1.0 and self.density > 0.0 and self.support > 0.0):
            raise ArgumentError(
                "Evidence: expected a floor within (0, 1) and a positive density and support."
            )
        if not self.impression_cost >= 1.0:
            raise ArgumentError("Evidence: several comparisons cost at least what a choice among them costs.")

    def log_likelihood_ratio(self, score: F64) -> F64:
        """Return 10 log10(LR) of calibrated finger scores, strictly increasing."""
        ratio: F64 = self._ratio(score, np.maximum(score - self.support, 0.0))
        return ratio

    def log_likelihood_ratio_of(self, score: float) -> float:
        """Return `log_likelihood_ratio` of one score, to the last bit: a verification has one or two."""
        return float(self._ratio(score, max(score - self.support, 0.0)))

    def _ratio(self, score: Any, beyond: Any) -> Any:
        counted = score - (1.0 - EXTRAPOLATED_WEIGHT) * beyond
        nepers = counted * LOG10 / 10.0
        return 10.0 / LOG10 * np.logaddexp(math.log(self.floor), math.log(self.density) + nepers)


@dataclass(frozen=True, slots=True, eq=False)
class PersonCalibration:
    """Sums of log-likelihood ratios to -10 log10(FMR) of persons.

    Attributes
    ----------
    evidence : Evidence
    correlation : float
        Of the common factor of two persons' fingers, 0 to below 1.
    sums, scores : tuple of float64 arrays
        Knots for 2, 3 ... fingers: sum of log-likelihood ratios and score, both strictly increasing.
    supported : tuple of float
        For 2, 3 ... fingers: score that at least 10 of the non-mated comparisons of persons support.
    provenance : dict
        What the data were; plain JSON values, part of the id.
    """

    evidence: Evidence
    correlation: float
    sums: tuple[F64, ...]
    scores: tuple[F64, ...]
    supported: tuple[float, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.correlation < 1.0:
            raise ArgumentError(
                f"Person calibration: expected a correlation below 1, got {self.correlation}."
            )
        if not len(self.sums) == len(self.scores) == len(self.supported) == MAX_FINGERS_FUSED - 1:
            raise ArgumentError(f"Person calibration: expected tables for 2 to {MAX_FINGERS_FUSED} fingers.")
        for total, score in zip(self.sums, self.scores, strict=True):
            if total.shape != score.shape or len(total) < 2 or score[0] != 0.0:
                raise ArgumentError("Person calibration: expected knots that start at a score of 0.")
            if (np.diff(total) <= 0).any() or (np.diff(score) <= 0).any():
                raise ArgumentError("Person calibration: expected knots that rise strictly.")
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
        object.__setattr__(self, "id", f"person-{digest[:12]}")

    def score(self, ratios: F64, allowed: F64, best: F64, fingers: Counts) -> F64:
        """Return the score of each person.

        Parameters
        ----------
        ratios : float64 array (S,)
            Sum of the log-likelihood ratios of the fingers compared.
        allowed : float64 array (S,)
            Sum of their calibrated scores: the claim stays at or below.
        best : float64 array (S,)
            Highest of their calibrated scores.
        fingers : integer array (S,)
            How many were compared, 0 to 20; 0 gives 0, and 1 the finger's own score.
        """
        result = np.where(fingers == 1, allowed, 0.0)
        for n in (np.flatnonzero(np.bincount(fingers)[2:]) + 2).tolist():
            at = np.flatnonzero(fingers == n)
            result[at] = claim(ratios[at], allowed[at], best[at], n, self.sums[n - 2], self.scores[n - 2])
        return result

    def extrapolated(self, scores: F64, fingers: Counts) -> Bools:
        """Return which scores of two or more fingers lie above what non-mated persons support."""
        limits = np.array([np.inf, np.inf, *self.supported])
        above: Bools = scores > limits[fingers]
        return above

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form; holds parameters and quantiles, no sample and no name of one."""
        return {
            "format": FORMAT,
            "evidence": {
                "floor": self.evidence.floor,
                "density": self.evidence.density,
                "support": self.evidence.support,
                "impression_cost": self.evidence.impression_cost,
            },
            "correlation": self.correlation,
            "fingers": {
                str(n): {"sum": total.tolist(), "score": score.tolist(), "supported": supported}
                for n, (total, score, supported) in enumerate(
                    zip(self.sums, self.scores, self.supported, strict=True), 2
                )
            },
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> PersonCalibration:
        """Build from the plain JSON form.

        Raises
        ------
        ArgumentError
            If the form is newer than this program, a key is missing, or the content is no calibration.
        """
        if value.get("format") != FORMAT:
            raise ArgumentError(f"Person calibration: expected format {FORMAT}, got {value.get('format')}.")
        try:
            tables = [value["fingers"][str(n)] for n in range(2, MAX_FINGERS_FUSED + 1)]
            return cls(
                evidence=Evidence(**value["evidence"]),
                correlation=value["correlation"],
                sums=tuple(np.array(t["sum"], dtype=np.float64) for t in tables),
                scores=tuple(np.array(t["score"], dtype=np.float64) for t in tables),
                supported=tuple(float(t["supported"]) for t in tables),
                provenance=value["provenance"],
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError(
                f"Person calibration: a part is missing or of the wrong type ({error})."
            ) from error


def claim(ratios: F64, allowed: F64, best: F64, fingers: int, sums: F64, scores: F64) -> F64:
    """Return the scores of persons compared in `fingers` fingers, 2 or more, by one table (knots)."""
    joint = interpolated(ratios, sums, scores) + np.maximum(ratios - sums[-1], 0.0)
    joint += 10.0 * np.log10(1.0 - BEST_SHARE)
    alone = best + 10.0 * np.log10(BEST_SHARE / fingers)
    claimed: F64 = np.maximum(np.minimum(np.maximum(joint, alone), allowed), 0.0)
    return claimed


@lru_cache(maxsize=1)
def load_person_calibration() -> PersonCalibration:
    """Return the shipped calibration of persons.

    Raises
    ------
    CalibrationMissingError
        If the file is not there.
    """
    path = resources.files("matcher.score") / "data" / FILE
    if not path.is_file():
        raise CalibrationMissingError(
            "The calibration of persons is missing.", hint="Make it with python -m tools.fit_fusion."
        )
    return PersonCalibration.from_json(json.loads(path.read_text(encoding="utf-8")))
