"""What was measured on one machine: costs of a search, a verification, an extraction, and bytes a subject.

`python -m benchmarks.plan_rates` measures them and writes the file that is shipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

F64 = npt.NDArray[np.float64]

FORMAT = 1
"""Version of the JSON form."""

SHIPPED = "rates.json"
"""File beside this module."""

MOST_BYTES = 1 << 20
"""Longest rates file that is read."""

LEAST_POINTS = 2
"""Sizes of gallery that a line through search times needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Costs on one core of the machine that was measured.

    Attributes
    ----------
    machine, date, subject : str
        Of the measurement; `subject` says what a subject's record held.
    subjects, seconds : float64 arrays (P,)
        Sizes of gallery, and CPU seconds of one search in each; P is 2 or more.
    verify_seconds : float
        CPU of a verification with templates given, the service's share included.
    extract_seconds : mapping of str to float
        CPU of one image by modality: "fingerprint", "iris", "face".
    samples : mapping of str to int
        Images of one subject by modality.
    enrolments_per_second : float
        That one database acknowledges, each durable.
    hot_bytes, stored_bytes, probe_bytes, reply_bytes : float
        A subject in memory; in the database without images; a probe and a reply on the wire.
    lost : float
        Share of the mates that pass the threshold and that the approximate stages lose.
    scores, fnmr : float64 arrays (M,)
        Share of mated persons below each fused score; both ascend.
    supported : float
        Fused score up to which non-mated data were counted.
    probes : int
        Mated persons behind `fnmr` and `lost`, 1 or more.
    """

    machine: str
    date: str
    subject: str
    subjects: F64
    seconds: F64
    verify_seconds: float
    extract_seconds: Mapping[str, float]
    samples: Mapping[str, int]
    enrolments_per_second: float
    hot_bytes: float
    stored_bytes: float
    probe_bytes: float
    reply_bytes: float
    lost: float
    scores: F64
    fnmr: F64
    supported: float
    probes: int

    def __post_init__(self) -> None:
        if len(self.subjects) != len(self.seconds) or len(self.subjects) < LEAST_POINTS:
            raise ArgumentError("Rates: expected search seconds at two or more sizes of gallery.")
        if (np.diff(self.subjects) <= 0).any() or not (self.seconds > 0).all():
            raise ArgumentError("Rates: expected ascending sizes of gallery and positive seconds.")
        if len(self.scores) != len(self.fnmr) or len(self.scores) < LEAST_POINTS:
            raise ArgumentError("Rates: expected the FNMR at two or more scores.")
        if (np.diff(self.scores) <= 0).any() or (np.diff(self.fnmr) < 0).any():
            raise ArgumentError("Rates: expected scores and their FNMR in ascending order.")
        positive = (self.verify_seconds, self.enrolments_per_second, self.hot_bytes, self.stored_bytes)
        if min(*positive, *self.extract_seconds.values()) <= 0 or not 0 <= self.lost <= 1:
            raise ArgumentError("Rates: expected positive costs and a loss from 0 to 1.")
        if self.probes < 1:
            raise ArgumentError("Rates: expected at least one mated person.")
        if set(self.extract_seconds) != set(self.samples):
            raise ArgumentError("Rates: expected samples and extraction of the same modalities.")

    def line(self) -> tuple[float, float]:
        """Return fixed seconds of a search and seconds a subject: least squares of the relative error."""
        weight = 1.0 / self.seconds
        design = np.stack([np.ones_like(self.subjects), self.subjects], axis=1) * weight[:, None]
        fixed, slope = np.linalg.lstsq(design, np.ones_like(self.seconds), rcond=None)[0]
        if fixed < 0:  # a cost cannot be negative: a line through the origin then
            return 0.0, float((self.subjects * weight).sum() / ((self.subjects * weight) ** 2).sum())
        if slope < 0:
            return float(weight.sum() / (weight**2).sum()), 0.0
        return float(fixed), float(slope)


def load_rates(path: Path | None = None) -> Rates:
    """Return the shipped rates, or those of a file.

    Raises
    ------
    ArgumentError
        If the file cannot be read or is no such file.
    """
    try:
        if path is None:
            text = (resources.files("matcher.plan") / SHIPPED).read_text(encoding="utf-8")
        else:
            if path.stat().st_size > MOST_BYTES:
                raise ArgumentError(f"{path}: too large for a file of rates.")
            text = path.read_text(encoding="utf-8")
        return rates_of(json.loads(text))
    except (OSError, ValueError) as error:
        raise ArgumentError(
            f"Rates: {path or SHIPPED} cannot be read ({type(error).__name__}).",
            hint="Make one with python -m benchmarks.plan_rates.",
        ) from error


def rates_of(value: Any) -> Rates:
    """Build from the plain JSON form; ArgumentError where a part is missing or wrong."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ArgumentError(f"Rates: expected a JSON object of format {FORMAT}.")
    try:
        return Rates(
            machine=str(value["machine"]),
            date=str(value["date"]),
            subject=str(value["subject"]),
            subjects=np.array(value["search"]["subjects"], np.float64),
            seconds=np.array(value["search"]["seconds"], np.float64),
            verify_seconds=float(value["verify_seconds"]),
            extract_seconds={str(k): float(v) for k, v in value["extract_seconds"].items()},
            samples={str(k): int(v) for k, v in value["samples"].items()},
            enrolments_per_second=float(value["enrolments_per_second"]),
            hot_bytes=float(value["hot_bytes"]),
            stored_bytes=float(value["stored_bytes"]),
            probe_bytes=float(value["probe_bytes"]),
            reply_bytes=float(value["reply_bytes"]),
            lost=float(value["lost"]),
            scores=np.array(value["mated"]["scores"], np.float64),
            fnmr=np.array(value["mated"]["fnmr"], np.float64),
            supported=float(value["mated"]["supported"]),
            probes=int(value["mated"]["probes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            f"Rates: a part is missing or of the wrong type ({type(error).__name__}: {error})."
        ) from error
