"""Face scoring as the gallery sees it: the same methods as `matcher.score.scorer.FingerprintScorer`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.errors import ModelsDifferError
from matcher.face.types import FaceTemplate
from matcher.score.calibration import Calibration
from matcher.score.face import FaceProbe, embeddings, resident, score, score_many
from matcher.score.face_calibration import load_face_calibration
from matcher.score.face_stated import Stated
from matcher.types import F32, I64, U64, Score


class FaceScorer:
    """The cosine of two embeddings, with the calibration of their model."""

    def resident(self, template: FaceTemplate) -> U64:
        """Return the form that `score` reads as a candidate: uint64 array (1 + ceil(D / 8),)."""
        return resident(template)

    def prepare(self, source: FaceTemplate | U64) -> FaceProbe:
        """Return the probe form of a template or of its resident form."""
        return FaceProbe(source)

    def embeddings(self, words: U64) -> npt.NDArray[np.int8]:
        """Return the values in resident forms of one model, int8 (n, D) of uint64 (n, W)."""
        return embeddings(words)

    def score(self, probe: FaceProbe, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""
        return score_many(probe, words, offsets, rows=rows, threads=threads)

    def calibration(self, probe_model: str, candidate_model: str, stated: Stated = ()) -> Calibration:
        """Return the calibration of a model; where it has none, one of what its owner states.

        Raises
        ------
        ModelsDifferError
            If the two models are not one: their embeddings never compare.
        CalibrationMissingError
            If the model has none.
        """
        if probe_model != candidate_model:
            raise ModelsDifferError(
                "The probe's embedding is of another model than the candidate's.",
                hint="Extract both pictures with one model: embeddings of different models never compare.",
            )
        return load_face_calibration(probe_model, stated)


def compare_faces(probe: FaceTemplate, candidate: FaceTemplate, stated: Stated = ()) -> Score:
    """Compare two faces, 1:1.

    Parameters
    ----------
    probe, candidate : FaceTemplate
    stated : tuple of (rate, cosine)
        `Manifest.stated`, where the model is at hand: decides if it has no calibration.

    Returns
    -------
    Score
        -10 log10(FMR): 40 means that one non-mated comparison in 10,000 scores this high.

    Raises
    ------
    ModelsDifferError
        If they are of two models.
    CalibrationMissingError
        If their model has no calibration and nothing is stated.
    """
    scorer = FaceScorer()
    calibration = scorer.calibration(probe.model, candidate.model, stated)
    return calibration.score(score(FaceProbe(probe), resident(candidate)))
