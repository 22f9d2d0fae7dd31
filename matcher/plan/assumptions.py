"""What a plan takes for granted: each a name, a value, a unit and a reason, and each may be changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from matcher.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Assumption:
    """One number that nobody measured here.

    Attributes
    ----------
    value : float
    unit : str
    why : str
        Where the number comes from.
    least, most : float
        Range outside which it makes no sense; both included.
    """

    value: float
    unit: str
    why: str
    least: float = 0.0
    most: float = math.inf


DEFAULTS: Mapping[str, Assumption] = MappingProxyType(
    {
        "peak_factor": Assumption(3.0, "times the mean", "eight working hours carry the day's requests", 1.0),
        "utilisation": Assumption(
            0.6, "of a core", "above it queues grow quickly (M/M/1: 2.5 service times)", 0.01, 1.0
        ),
        "replicas": Assumption(2.0, "copies", "one machine may fail without a loss of service", 1.0),
        "search_latency": Assumption(1.0, "s", "an enrolment officer waits for the answer", 0.001),
        "cores_per_machine": Assumption(32.0, "cores", "a common server", 1.0),
        "ram_per_machine": Assumption(256.0, "GB", "a common server", 1.0),
        "ram_share": Assumption(0.7, "of the RAM", "the rest is the system's and compaction's", 0.01, 1.0),
        "core_speed": Assumption(1.0, "times the measured core", "same core as measured", 0.01),
        "fpir": Assumption(0.001, "of searches", "false alarms that reviewers can decide", 1e-12, 1.0),
        "duplicate_share": Assumption(
            0.005, "of enrolments", "people who enrol again; differs much from country to country", 0.0, 1.0
        ),
        "images_kept": Assumption(1.0, "0 or 1", "needed to extract again with a later extractor", 0.0, 1.0),
        "image_bytes": Assumption(
            400_000.0, "B a subject", "two WSQ prints 15:1, two lossless eyes, one JPEG face", 0.0
        ),
        "verify_with_image": Assumption(
            1.0, "of verifications", "terminals send one finger's image, not a template", 0.0, 1.0
        ),
        "enrol_with_image": Assumption(1.0, "of enrolments", "registration clients send images", 0.0, 1.0),
        "audit_bytes": Assumption(300.0, "B a request", "one log entry, kept for ever"),
        "years": Assumption(5.0, "years", "the time that the disks are planned for", 0.0),
        "store_partitions_spare": Assumption(
            0.5, "of a database's commits", "the other half is left to backups and catching up", 0.01, 1.0
        ),
    }
)
"""By name."""


def changed(settings: Iterable[str]) -> dict[str, Assumption]:
    """Return the assumptions with some values replaced.

    Parameters
    ----------
    settings : iterable of str
        NAME=VALUE.

    Raises
    ------
    ArgumentError
        If a name is unknown, or a value no number or out of its range.
    """
    result = dict(DEFAULTS)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if name not in result or not equals:
            raise ArgumentError(
                f"--set {setting!r}: expected NAME=VALUE.", hint=f"Names: {', '.join(sorted(result))}."
            )
        try:
            value = float(text)
        except ValueError as error:
            raise ArgumentError(f"--set {name}: expected a number, got {text!r}.") from error
        old = result[name]
        if not (math.isfinite(value) and old.least <= value <= old.most):
            most = "no limit" if math.isinf(old.most) else f"{old.most:g}"
            raise ArgumentError(f"--set {name}: expected {old.least:g} to {most} {old.unit}, got {text}.")
        result[name] = replace(old, value=value, why="as you said")
    return result
