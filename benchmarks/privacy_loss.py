"""What the private rule loses against the plain matcher: error rates of both over all pairs of a set.

Both thresholds are swept: the plain raw score, and the offset of the private rule at its scale and slope. A
pair's private score is the largest scale * cd - slope * md over the rotations with enough valid bits: the
rule accepts exactly where it exceeds the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.datasets.protocol import Pairs, pairs
from matcher.evaluate.rates import ScoreOrder, fnmr_at_fmr
from matcher.evaluate.run import Evaluation
from matcher.face.types import FaceTemplate
from matcher.privacy.encode import IrisForm, encoded_bits, encoded_face, unpacked
from matcher.privacy.products import MAX_REACH
from matcher.privacy.rule import Rule

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

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


def rate(listed: Pairs, there: npt.NDArray[np.bool_], scores: F32, fmr: str) -> float | None:
    """Return FNMR at an FMR; failures to extract are misses.

    Parameters
    ----------
    listed : Pairs
        Of all samples.
    there : bool array (n,)
        Which samples have a template.
    scores : float32 array (N, N)
        Of those that have one.
    """
    place = np.cumsum(there) - 1
    good = there[listed.probe] & there[listed.reference]
    values = scores[place[listed.probe[good]], place[listed.reference[good]]]
    mated = listed.mated[good]
    failed = int((listed.mated & ~good).sum())
    return fnmr_at_fmr(ScoreOrder.of(values[~mated], values[mated]).count(failed=failed), fmr)


def face_loss(people: int, fmr: str = "1e-3") -> dict[str, Any]:
    """Return FNMR of the plain cosine and of whole-number products, on generated embeddings."""
    sides = [generate_embeddings(people, seed=7, sample=k) for k in (0, 1)]
    # As templates keep them: int8 with one scale; that alone is the plain side.
    stored = [
        FaceTemplate(v, 1.0, "0" * 64)
        for side in sides
        for v in np.rint(side * (127.0 / np.abs(side).max(axis=1, keepdims=True))).astype(np.int8)
    ]
    plain, private = face_scores(stored)
    mated = np.eye(people, dtype=bool)
    rates = []
    for scores in (plain[:people, people:], private[:people, people:]):
        rates.append(fnmr_at_fmr(ScoreOrder.of(scores[~mated], scores[mated]).count(), fmr))
    return {"embeddings": "generated", "people": people, "fmr": fmr} | _sides(*rates)


def face_loss_of_set(evaluation: Evaluation, fmr: str = "1e-3") -> dict[str, Any]:
    """Return the same over all pairs of an evaluated set of pictures; failures to extract are misses."""
    templates = [item.template for item in evaluation.extractions.items if item.template is not None]
    there, listed = ~evaluation.extractions.failed, pairs(evaluation.dataset)
    rates = [rate(listed, there, scores, fmr) for scores in face_scores(templates)]
    found = {"images": len(there), "mated": int(listed.mated.sum()), "fmr": fmr}
    return found | _sides(*rates)


def face_scores(templates: Sequence[FaceTemplate]) -> tuple[F64, F64]:
    """Return cosines of stored values, and the inner products that parties compute: (N, N) each, exact."""
    values = np.array([t.values for t in templates], np.float64)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    whole = np.array([encoded_face(t) for t in templates]).view(np.int32).astype(np.float64)
    return unit @ unit.T, whole @ whole.T


def _sides(plain: float | None, private: float | None) -> dict[str, Any]:
    return {"plain_fnmr": plain, "private_fnmr": private}
