"""Raw scores to one scale: score = -10 * log10(FMR), checked against the data that it was made from.

40 means that one non-mated comparison in 10,000 scores this high. A calibration belongs to one pairing of
extractors and one scorer. It holds

1. knots of the empirical curve raw -> -10 log10(count(non-mated >= raw) / N), linear between them,
2. the support limit: the highest raw score that at least 10 non-mated comparisons reach,
3. a tail model for what lies above (`matcher.score.tail`: generalised Pareto; `matcher.score.tail_binomial`:
   the highest of binomials, for irises), joined without a step to the last knot by its conditional survival;
   a score from it is marked extrapolated.

The map is strictly increasing from `floor` on, so no ranking is lost by it.

LIMITATIONS: non-mated comparisons share fingers and are not independent; the file states an interval of the
FMR at the support limit from a bootstrap over fingers. The rate holds for people and sensors like
those it names; it is a mean over their prints, and sparse or crowded ones may lie off it.
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
from matcher.score.tail import F64, GeneralisedPareto, Tail
from matcher.score.tail_binomial import BinomialMaximum
from matcher.types import Score

FORMAT = 1
"""Version of the JSON form."""

SUPPORT_EXCEEDANCES = 10
"""Non-mated scores that must reach a score for the data to support its FMR (DESIGN, "One score scale")."""

Bools = npt.NDArray[np.bool_]


def threshold_for_fmr(fmr: float) -> float:
    """Return the calibrated score to ask for so that a comparison falsely matches at rate `fmr`.

    For a search over N subjects ask for `fmr = fpir / N`.

    Raises
    ------
    ArgumentError
        If `fmr` is not above 0 and at most 1.
    """
    if not 0.0 < fmr <= 1.0:
        raise ArgumentError(f"FMR: expected a rate above 0 and at most 1, got {fmr}.")
    return -10.0 * math.log10(fmr) + 0.0  # + 0.0: no negative zero


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A strictly increasing map from raw scores to -10 log10(FMR).

    Attributes
    ----------
    pairing : tuple of str
        The extractors of probe and candidate; either order.
    scorer : str
        Id of the scorer whose raw scores these are.
    knot_raw, knot_score : float64 array (k,)
        Both strictly increasing; `knot_score[0]` is 0 at the lowest raw score there can be (`floor`).
    tail : Tail
        Model above the last knot, which is the support limit.
    non_mated : int
        Comparisons that the knots were made from.
    provenance : dict
        What the data were, with intervals and the check of the tail; plain JSON values, part of the id.
    """

    pairing: tuple[str, str]
    scorer: str
    knot_raw: F64
    knot_score: F64
    tail: Tail
    non_mated: int
    provenance: dict[str, Any] = field(default_factory=dict)
    id: str = field(init=False)
    _joint: F64 = field(init=False, repr=False)
    """Survival at the support limit, where the tail model takes over: shape (1,), log10."""

    def __post_init__(self) -> None:
        raw, score = self.knot_raw, self.knot_score
        if raw.ndim != 1 or raw.shape != score.shape or len(raw) < 2:
            raise ArgumentError("Calibration: expected two equally long arrays of at least two knots.")
        if not (np.isfinite(raw).all() and np.isfinite(score).all()):
            raise ArgumentError("Calibration: expected finite knots.")
        if (np.diff(raw) <= 0).any() or (np.diff(score) <= 0).any() or score[0] != 0.0:
            raise ArgumentError("Calibration: expected knots that rise strictly from a score of 0.")
        if self.tail.threshold > raw[-1]:
            raise ArgumentError("Calibration: expected a tail that starts at or below the support limit.")
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
        object.__setattr__(self, "id", f"{pairing_slug(*self.pairing)}-{digest[:12]}")
        object.__setattr__(self, "_joint", self.tail.log10_survival(raw[-1:]))

    @property
    def floor(self) -> float:
        """Lowest raw score there can be; its score is 0 (FMR 1)."""
        return float(self.knot_raw[0])

    @property
    def support_raw(self) -> float:
        """Highest raw score that the non-mated data support."""
        return float(self.knot_raw[-1])

    @property
    def support_score(self) -> float:
        """Calibrated score at the support limit."""
        return float(self.knot_score[-1])

    def scores(self, raw: npt.NDArray[np.floating[Any]]) -> tuple[F64, Bools]:
        """Return the calibrated scores of `raw` and which of them come from the tail model.

        Parameters
        ----------
        raw : float array (n,)
            What the scorer gave. Below `floor` the score is 0.

        Returns
        -------
        values : float64 array (n,)
        extrapolated : bool array (n,)

        Raises
        ------
        ArgumentError
            If a raw score is not a finite number.
        """
        r = np.asarray(raw, dtype=np.float64)
        if not np.isfinite(r).all():
            raise ArgumentError("Calibration: expected finite raw scores.")
        values = interpolated(r, self.knot_raw, self.knot_score)
        beyond: Bools = r > self.support_raw
        if beyond.any():
            values[beyond] = self.support_score + 10.0 * (self._joint - self.tail.log10_survival(r[beyond]))
        return values, beyond

    def score(self, raw: float) -> Score:
        """Return one raw score, calibrated."""
        values, extrapolated = self.scores(np.array([raw], dtype=np.float64))
        return Score(float(values[0]), float(raw), self.id, bool(extrapolated[0]))

    def raw_at(self, value: float) -> float:
        """Return the raw score whose calibrated score is `value` (the inverse of `score`), `value` >= 0."""
        if not (math.isfinite(value) and value >= 0.0):
            raise ArgumentError(f"Calibrated score: expected a finite number of 0 or above, got {value}.")
        if value <= self.support_score:
            return float(np.interp(value, self.knot_score, self.knot_raw))
        return self.tail.raw_at(float(self._joint[0]) - (value - self.support_score) / 10.0)

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form; holds quantiles of scores, no sample and no name of one."""
        return {
            "format": FORMAT,
            "pairing": sorted(self.pairing),
            "scorer": self.scorer,
            "non_mated": self.non_mated,
            "knots": {"raw": self.knot_raw.tolist(), "score": self.knot_score.tolist()},
            "tail": self.tail.to_json(),
            "provenance": self.provenance,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Calibration:
        """Build from the plain JSON form.

        Raises
        ------
        ArgumentError
            If the form is newer than this program, a key is missing, or the content is no calibration.
        """
        if value.get("format") != FORMAT:
            raise ArgumentError(f"Calibration: expected format {FORMAT}, got {value.get('format')}.")
        try:
            return cls(
                pairing=(value["pairing"][0], value["pairing"][1]),
                scorer=value["scorer"],
                knot_raw=np.array(value["knots"]["raw"], dtype=np.float64),
                knot_score=np.array(value["knots"]["score"], dtype=np.float64),
                tail=_tail_of(value["tail"]),
                non_mated=value["non_mated"],
                provenance=value["provenance"],
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError(f"Calibration: a part is missing or of the wrong type ({error}).") from error


def _tail_of(value: dict[str, Any]) -> Tail:
    """Build a tail from its plain JSON form; one without a model's name is a generalised Pareto."""
    model = value.get("model")
    if model is None:
        return GeneralisedPareto(value["threshold_raw"], value["scale"], value["shape"])
    if model == BinomialMaximum.kind:
        return BinomialMaximum(value["threshold_raw"], value["degrees"], value["rotations"])
    raise ArgumentError(f"Calibration: the tail model {model!r} is unknown.")


def pairing_slug(probe_extractor: str, candidate_extractor: str) -> str:
    """Return the pairing as a file name: the same for both orders ("numba/1" with "iso": `iso--numba-1`)."""
    names = sorted((probe_extractor, candidate_extractor))
    return "--".join("".join(c if c.isalnum() else "-" for c in name) for name in names)


@lru_cache(maxsize=64)
def load_calibration(probe_extractor: str, candidate_extractor: str) -> Calibration:
    """Return the checked calibration of a pairing of extractors; the order does not matter.

    Raises
    ------
    CalibrationMissingError
        If there is none: these two extractors do not compare.
    """
    name = f"{pairing_slug(probe_extractor, candidate_extractor)}.json"
    path = resources.files("matcher.score") / "data" / name
    if not path.is_file():
        raise CalibrationMissingError(
            f'No calibration for templates of "{probe_extractor}" against "{candidate_extractor}".',
            hint="Extract both images with one extractor that has one, or make and check a calibration with "
            "tools/fit_calibration.py.",
        )
    calibration = Calibration.from_json(json.loads(path.read_text(encoding="utf-8")))
    if sorted(calibration.pairing) != sorted((probe_extractor, candidate_extractor)):
        raise CalibrationMissingError(
            f'The file {name} is for another pairing than "{probe_extractor}" with "{candidate_extractor}".',
            hint="Name extractors so that they differ in letters and digits.",
        )
    return calibration
