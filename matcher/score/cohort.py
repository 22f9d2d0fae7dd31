"""Scores on the scale of the records at hand: each sample's own strangers say how alike strangers are to it.

One face has many look-alikes, another none; a blurred photograph is like everything or like nothing. One
threshold for all gives the false matches to the first and refuses the mates of the second. So the raw score s
of two samples is normalised by both sides (adaptive symmetric normalisation: Auckenthaler, Carey &
Lloyd-Thomas, "Score normalization for text-independent speaker verification systems", Digital Signal
Processing 2000; Cumani et al., "Comparison of speaker recognition approaches for real applications",
Interspeech 2011):

    x = ((s - mean_i) / deviation_i + (s - mean_j) / deviation_j) / 2

with mean and deviation of the highest scores of i, and of j, among a cohort: samples of the same register.
No identities are needed: of thousands hardly one is a mate, and the two highest are left out. The strangers
of the register then say what x is worth as -10 log10(FMR), with a tail of generalised Pareto.

LIMITATIONS: mates among the pairs that are counted make the claim smaller, never larger; where they are many,
rates are counted less far, and the tail is longer. Twins, and families that register together, are
look-alikes of each other alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from matcher.score.calibration import Calibration
from matcher.score.person import F64
from matcher.score.tail import GeneralisedPareto, fit_generalised_pareto
from matcher.types import F32, I64

COHORT = 4096
"""Samples that each sample is compared with, evenly out of the register."""

FEWEST = 2048
"""Samples of one model below which nothing is normalised: 64 highest scores give mean and deviation."""

HIGHEST_SHARE = 1 / 32
"""Of a sample's scores with the cohort: those that give its mean and deviation."""

LEFT_OUT = 2
"""Highest scores of a sample that count for nothing: mates may be in the cohort."""

LEAST_DEVIATION = 0.5
"""Of the median deviation: below, a sample whose strangers are all alike would claim too much."""

LOWEST, WIDTH, BINS = -40.0, 0.02, 10_000
"""Histogram of normalised scores, -40 to 160: identical embeddings have about 100."""

KNOT_STEP = 0.5
"""Distance of knots of the calibration, dB."""

PURE_RATE = 1e-5
"""Rate of false matches down to which the pairs of a large register are counted; below, the tail speaks."""

MATES_SHARE = 2.5
"""Divided by the number of samples: the rate at which the first fit ends. Were every fourth sample a second
one of its person, a fifth of the pairs at that rate would be mates."""

CLEAR_DB = 70.0
"""Score by the first fit from which a pair is hardly a stranger's, in a register of any size."""

MATES_EACH_CLEAR = 3
"""Mates for each pair beyond `CLEAR_DB`: a third to a half of the mates of LFW lie there, at least."""

IMPURITY = 5
"""Rates are counted down to this many times the share of mates: they make them a fifth too high at most."""

COUNTED = 200
"""Pairs at least that reach the end of what is counted."""

MOST_TAIL_RATE = 0.1
"""Of pairs that a tail is fitted to."""

TAIL_SPAN = 10.0
"""Of rates, that the tail is fitted to: the decade before its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Highest:
    """The highest scores of samples with a cohort, but for the `LEFT_OUT` highest.

    Attributes
    ----------
    count : int
        Of the scores, for each sample.
    mean, deviation : float64 array (n,)
        Of them.
    most, least, following : float64 array (n,)
        Highest and lowest of them, and the one that follows.
    """

    count: int
    mean: F64
    deviation: F64
    most: F64
    least: F64
    following: F64

    def without(self, sample: I64, score: F64) -> tuple[F64, F64]:
        """Return mean and deviation as they were if a score that counts, or is left out, were not there.

        Parameters
        ----------
        sample : int64 array (h,)
        score : float64 array (h,)
            Scores of those samples with the cohort, `least` or higher.
        """
        gone, come = np.minimum(score, self.most[sample]), self.following[sample]
        mean = self.mean[sample]
        changed = mean + (come - gone) / self.count
        squares = self.deviation[sample] ** 2 + mean**2 + (come**2 - gone**2) / self.count
        deviation: F64 = np.sqrt(np.maximum(squares - changed**2, 0.0))
        return changed, deviation


def highest_scores(scores: F32) -> Highest:
    """Return what the highest scores of each sample with a cohort are like.

    Parameters
    ----------
    scores : float32 array (n, M)
        Raw; -1 where a score does not count. M is 64 at least.
    """
    kept = max(round(HIGHEST_SHARE * scores.shape[1]), 2)
    first = scores.shape[1] - LEFT_OUT - kept - 1
    ordered = np.sort(np.partition(scores, first, axis=1)[:, first:], axis=1).astype(np.float64)
    highest = ordered[:, 1 : kept + 1]
    return Highest(
        kept, highest.mean(axis=1), highest.std(axis=1), highest[:, -1], highest[:, 0], ordered[:, 0]
    )


def normalised(raw: F64 | F32, mean: F64, deviation: F64, its_mean: F64, its_deviation: F64) -> F64:
    """Return normalised scores; the arguments broadcast."""
    wide = np.asarray(raw, np.float64)
    found: F64 = 0.5 * ((wide - mean) / deviation + (wide - its_mean) / its_deviation)
    return found


def counted(scores: F64) -> I64:
    """Return how many normalised scores lie in each bin of the histogram, int64 (BINS,)."""
    places = np.clip((scores - LOWEST) / WIDTH, 0, BINS - 1).astype(np.int64)
    return np.bincount(places.ravel(), minlength=BINS).astype(np.int64)


def register_calibration(counts: I64, samples: int, pairing: str, scorer: str, model: str) -> Calibration:
    """Return what a normalised score is worth in a register.

    Mates are among the pairs. A first fit ends where they cannot matter though every fourth sample had one;
    how many lie far above what it expects of strangers says where the second, and last, may end.

    Parameters
    ----------
    counts : int64 array (BINS,)
        Pairs of samples of different records, by normalised score.
    samples : int
        Of the register.
    pairing, scorer, model : str
        For the calibration's name.

    Raises
    ------
    ArgumentError
        If the scores carry no tail.
    """
    total = int(counts.sum())
    least = max(PURE_RATE, COUNTED / max(total, 1))
    careful = max(least, MATES_SHARE / samples)
    raw, _, tail = _fitted(counts, careful)
    joint = float(tail.log10_survival(raw[-1:])[0])
    far = tail.raw_at(joint - CLEAR_DB / 10.0 - math.log10(careful))
    clear = int(counts[math.ceil((far - LOWEST) / WIDTH) :].sum())
    pure = min(max(least, IMPURITY * MATES_EACH_CLEAR * clear / total), careful)
    raw, score, tail = _fitted(counts, pure)
    stated = {
        "model": model,
        "normalised_by": {"cohort": COHORT, "highest_share": HIGHEST_SHARE, "left_out": LEFT_OUT},
        "samples": samples,
        "counted_to_rate": pure,
        "tail_model": tail.model,
    }
    return Calibration((pairing, pairing), scorer, raw, score, tail, total, stated)


def _fitted(counts: I64, pure: float) -> tuple[F64, F64, GeneralisedPareto]:
    """Return knots (normalised score, dB) down to a rate of false matches, and the tail from there on."""
    total = int(counts.sum())
    reached = np.cumsum(counts[::-1])[::-1]
    edges = LOWEST + WIDTH * np.arange(BINS)
    last = int(np.flatnonzero(reached >= pure * total)[-1])
    raw, score = [float(edges[np.flatnonzero(reached == total)[-1]])], [0.0]
    for place in range(1, last + 1):
        value = -10.0 * math.log10(reached[place] / total)
        if value >= score[-1] + KNOT_STEP:
            raw.append(float(edges[place]))
            score.append(value)
    begin = int(np.flatnonzero(reached >= min(pure * TAIL_SPAN, MOST_TAIL_RATE) * total)[-1])
    end = round((raw[-1] - LOWEST) / WIDTH)
    middles = np.repeat(edges[begin:end] + WIDTH / 2, counts[begin:end])
    tail = fit_generalised_pareto(
        middles, float(edges[begin]), censored_above=raw[-1], censored_count=int(reached[end])
    )
    return np.array(raw), np.array(score), tail
