"""The decision on an iris comparison in whole numbers: what three parties compute, and anybody can check.

With cd = agreements - disagreements and md = bits valid in both codes of `bits` bits:

    match  <=>  scale * cd > slope * md + offset  and  md >= minimum                                   (1)

There are two ways to such integers.

`fitted_rule`: a score of its own, (cd - md / 4) / bits, at least 0, with its own calibration, whose promise
is the rule's. Take cd of mates and of others as normal, of means mu * md and 0 and of one variance in
proportion to md: their likelihood ratio is constant along cd = (mu / 2) md + b. mu is 0.58 on MMU2, which
makes 0.29 (what else speaks for 1/4: docs/private-matching.md).

`rule_for`: the plain matcher's own score cd / sqrt(md * bits) (`matcher.score.iris`) and "raw > tau": the
offset is the least one for which the line slope * md + offset lies on or above scale * tau * sqrt(bits * md)
at every md from `minimum` to `bits`. So whatever (1) accepts, the plain rule accepts: the false match rate
of (1) is at most the one that the plain calibration states for tau. What is lost lies between the root and
its tangent.

Widths. Let X = scale * cd - slope * md - offset - 1, so that (1) asks for X >= 0. X is linear, and
(cd, md) lies in the triangle |cd| <= md <= bits, so X lies between its values at the corners (0, 0),
(bits, bits) and (-bits, bits). `width` is the least W with -2^(W-1) <= X < 2^(W-1) there: modulo 2^W, bit
W - 1 of X is its sign. `md_width` is the least with md < 2^md_width.

`narrow` rules have W <= 16: X comes from shares modulo 2^16 as it is. Others need scale = 2^f and W <= 16 +
f: then scale * cd modulo 2^W depends on cd modulo 2^16 alone, and md is lifted (`matcher.privacy.lift`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

Bools = npt.NDArray[np.bool_]

SHARE_BITS = 16
"""Width of the shares of irises: inner products are known modulo 2^16."""

MAX_BITS = 1 << 14
"""Most code bits, so that |cd| < 2^15."""

MAX_WIDTH = 32

LEAST_WIDTH = 3
"""Of any number whose sign is asked for: the sum of its summands needs a place below the sign."""

MAX_NARROW_SCALE = 15

WIDE_FRACTION = 8
"""f of wide rules, bits: the slope's step is 1/256."""

FITTED_SCALE, FITTED_SLOPE = 4, 1
"""Of `fitted_rule`: cd - md / 4 (`tools/recalibrate_private.py --slopes`)."""

SLOPE_TOLERANCE = 0.015
"""How far a narrow rule's slope may lie from the wanted one; the offset makes up for it."""

MINIMUM_DIVISOR = 8
"""An eighth of the bits must be valid in both codes: the plain matcher's own rule (`IRIS_MINIMUM_SHARE`)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The integers of (1).

    Attributes
    ----------
    bits : int
        Code bits, 1 to 16,384: the largest md there can be.
    scale, slope : int
        Above 0; at least 0.
    offset : int
        At least 0: md = 0 never matches, whatever the minimum.
    minimum : int
        Least md, 1 to `bits`.
    """

    bits: int
    scale: int
    slope: int
    offset: int
    minimum: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MAX_BITS:
            raise ArgumentError(f"Rule.bits: expected 1 to {MAX_BITS}, got {self.bits}.")
        if self.scale < 1 or self.slope < 0 or self.offset < 0:
            raise ArgumentError("Rule: expected a scale above 0, a slope and an offset of at least 0.")
        if not 1 <= self.minimum <= self.bits:
            raise ArgumentError(f"Rule.minimum: expected 1 to {self.bits}, got {self.minimum}.")
        if self.narrow:
            return
        if self.scale & (self.scale - 1) or self.width > min(MAX_WIDTH, SHARE_BITS + self.fraction):
            raise ArgumentError(
                f"Rule: {self.width} bits are too wide for shares of {SHARE_BITS} bits.",
                hint="Take a smaller scale, or a power of two.",
            )

    @property
    def fraction(self) -> int:
        """Whole part of log2(scale)."""
        return self.scale.bit_length() - 1

    @property
    def width(self) -> int:
        """W: bits of X with its sign, at least `LEAST_WIDTH`."""
        return _width(self.bits, self.scale, self.slope, self.offset)

    @property
    def narrow(self) -> bool:
        """Whether X fits in shares as they are."""
        return self.width <= SHARE_BITS

    @property
    def md_width(self) -> int:
        """Bits of md."""
        return self.bits.bit_length()

    def matches(self, cd: npt.NDArray[np.integer], md: npt.NDArray[np.integer]) -> Bools:
        """Return the plain decisions: what the three parties' must equal, pair by pair.

        Parameters
        ----------
        cd, md : integer arrays of one shape
        """
        cd, md = cd.astype(np.int64), md.astype(np.int64)
        decided: Bools = (self.scale * cd > self.slope * md + self.offset) & (md >= self.minimum)
        return decided


def fitted_raw(
    cd: npt.NDArray[np.floating[Any]], md: npt.NDArray[np.floating[Any]], bits: int
) -> npt.NDArray[np.floating[Any]]:
    """Return the score that `fitted_rule` has a threshold of: at least 0, and 0 where too few bits are valid.

    Parameters
    ----------
    cd, md : float arrays of one shape
        Agreements less disagreements, and bits valid in both.
    bits : int
    """
    raw = (cd - md * (FITTED_SLOPE / FITTED_SCALE)) / bits
    found: npt.NDArray[np.floating[Any]] = np.where(md >= least_common(bits), np.maximum(raw, 0.0), 0.0)
    return found


def fitted_rule(threshold: float, bits: int) -> Rule:
    """Return the rule that stands for "`fitted_raw` >= threshold", or a hair more.

    Parameters
    ----------
    threshold : float
        Above 0 and at most 1; from the calibration of this score by `raw_at(score)`.
    bits : int
        Of the code, 8 to 16,384.

    Raises
    ------
    ArgumentError
        If a value is outside its range.
    """
    if not 0.0 < threshold <= 1.0:
        raise ArgumentError(f"fitted_rule: expected a threshold above 0 and at most 1, got {threshold}.")
    _check_bits(bits)
    # "scale * cd - slope * md >= least" in whole numbers, which (1) asks for with ">".
    least = math.ceil(threshold * bits * FITTED_SCALE)
    return Rule(bits, FITTED_SCALE, FITTED_SLOPE, least - 1, least_common(bits))


def least_common(bits: int) -> int:
    """Return how many bits must be valid in both codes."""
    return -(-bits // MINIMUM_DIVISOR)


def rule_for(threshold: float, bits: int, typical_share: float) -> Rule:
    """Return the rule that stands for "plain raw score > threshold".

    Parameters
    ----------
    threshold : float
        tau, a raw score of `matcher.score.iris`, above 0 and at most 1; from the plain calibration by
        `raw_at(score)`.
    bits : int
        Of the code, 8 to 16,384.
    typical_share : float
        Share of bits that is typically valid in both codes: there the line touches the root. Above 0, at
        most 1.

    Raises
    ------
    ArgumentError
        If a value is outside its range.
    """
    if not 0.0 < threshold <= 1.0 or not 0.0 < typical_share <= 1.0:
        raise ArgumentError("rule_for: expected a threshold and a share above 0 and at most 1.")
    _check_bits(bits)
    # The root's tangent at md = share * bits has this slope.
    wanted = threshold / (2.0 * math.sqrt(typical_share))
    for scale in range(1, MAX_NARROW_SCALE + 1):
        slope = round(wanted * scale)
        parts = _tight(threshold, bits, scale, slope)
        if abs(slope / scale - wanted) <= SLOPE_TOLERANCE and _width(*parts[:4]) <= SHARE_BITS:
            return Rule(*parts)
    return Rule(*_tight(threshold, bits, 1 << WIDE_FRACTION, round(wanted * (1 << WIDE_FRACTION))))


def _check_bits(bits: int) -> None:
    if not MINIMUM_DIVISOR <= bits <= MAX_BITS:
        raise ArgumentError(f"bits: expected {MINIMUM_DIVISOR} to {MAX_BITS}, got {bits}.")


def _width(bits: int, scale: int, slope: int, offset: int) -> int:
    """Return the bits of X with its sign, from its values at the corners of the triangle."""
    corners = [scale * cd - slope * md - offset - 1 for cd, md in ((0, 0), (bits, bits), (-bits, bits))]
    needed = 1 + max(x.bit_length() if x >= 0 else (-x - 1).bit_length() for x in corners)
    return max(needed, LEAST_WIDTH)


def _tight(threshold: float, bits: int, scale: int, slope: int) -> tuple[int, int, int, int, int]:
    """Return the parts of a rule with the least offset that keeps the line on or above the root."""
    minimum = least_common(bits)
    md = np.arange(minimum, bits + 1, dtype=np.float64)
    above = scale * threshold * np.sqrt(md * bits) - slope * md
    return bits, scale, slope, max(0, math.ceil(float(above.max()))), minimum
