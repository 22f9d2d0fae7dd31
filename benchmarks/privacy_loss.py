"""What the private rule loses against the plain matcher: error rates of both over all pairs of a set.

Both thresholds are swept: the plain raw score, and the offset of the private rule at its scale and slope. A
pair's private score is the largest scale * cd - slope * md over the rotations with enough valid bits: the
rule accepts exactly where it exceeds the offset.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.datasets.protocol import Pairs
from matcher.evaluate.rates import ScoreOrder, fnmr_at_fmr
from matcher.face.types import FaceTemplate
from matcher.privacy.encode import IrisForm, encoded_bits, encoded_face, unpacked
from matcher.privacy.products import MAX_REACH
from matcher.privacy.rule import Rule

F32 = npt.NDArray[np.float32]

NOTHING = -1e9
"""Score of a pair without a rotation of enough valid bits."""


def codes_of(templates: list[Any], form: IrisForm, full: bool) -> tuple[F32, F32]:
    """Return signed codes and masks, (N, numbers) each, as the parties would share them."""
    codes, masks = [], []
    for template in templates:
        code = template.code.view(np.uint8) if full else template.search_code
        mask = template.mask.view(np.uint8) if full else template.search_mask
        found = encoded_bits(unpacked(code), unpacked(mask), pairs=form.pairs)
        codes.append(found.code.view(np.int16).astype(np.float32))
        masks.append(found.mask.astype(np.float32))
    return np.array(codes), np.array(masks)


def private_scores(templates: list[Any], form: IrisForm, rule: Rule, full: bool) -> F32:
    """Return the private score of every two templates, (N, N), row the probe; sums below 2^24 are exact."""
    codes, masks = codes_of(templates, form, full)
    best = np.full((len(codes), len(codes)), NOTHING, np.float32)
    for turn in range(-MAX_REACH, MAX_REACH + 1):
        cd = np.roll(codes, -turn * (codes.shape[1] // 256), axis=1) @ codes.T
        md = form.mask_unit * (np.roll(masks, -turn * (masks.shape[1] // 256), axis=1) @ masks.T)
        score = np.float32(rule.scale) * cd - np.float32(rule.slope) * md
        best = np.maximum(best, np.where(md >= rule.minimum, score, np.float32(NOTHING)))
    return best


def rate(pairs: Pairs, there: npt.NDArray[np.bool_], scores: F32, fmr: str) -> float | None:
    """Return FNMR at an FMR; failures to extract are misses.

    Parameters
    ----------
    pairs : Pairs
        Of all samples.
    there : bool array (n,)
        Which samples have a template.
    scores : float32 array (N, N)
        Of those that have one.
    """
    place = np.cumsum(there) - 1
    good = there[pairs.probe] & there[pairs.reference]
    values = scores[place[pairs.probe[good]], place[pairs.reference[good]]]
    mated = pairs.mated[good]
    failed = int((pairs.mated & ~good).sum())
    return fnmr_at_fmr(ScoreOrder.of(values[~mated], values[mated]).count(failed=failed), fmr)


def face_loss(people: int, fmr: str = "1e-3") -> dict[str, Any]:
    """Return TAR of the plain cosine and of whole-number products, on generated embeddings."""
    sides = [generate_embeddings(people, seed=7, sample=k) for k in (0, 1)]
    # As templates keep them: int8 with one scale; that alone is the plain side.
    stored = [
        np.rint(side * (127.0 / np.abs(side).max(axis=1, keepdims=True))).astype(np.int8) for side in sides
    ]
    unit = [v / np.linalg.norm(v.astype(np.float64), axis=1, keepdims=True) for v in stored]
    whole = [
        np.array([encoded_face(FaceTemplate(v, 1.0, "0" * 64)) for v in side])
        .view(np.int32)
        .astype(np.float64)
        for side in stored
    ]
    rates = []
    for one, two in (unit, whole):
        scores = (one @ two.T).astype(np.float64)
        mated = np.eye(people, dtype=bool)
        order = ScoreOrder.of(scores[~mated], scores[mated])
        rates.append(fnmr_at_fmr(order.count(), fmr))
    return {
        "embeddings": "generated",
        "people": people,
        "fmr": fmr,
        "plain_fnmr": rates[0],
        "private_fnmr": rates[1],
    }
