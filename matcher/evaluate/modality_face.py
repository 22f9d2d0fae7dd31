"""Faces in an evaluation: the pipeline and the scorer that the engine uses, with any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matcher.errors import ArgumentError
from matcher.evaluate.modality import F32, I64, U64, Gallery
from matcher.score.calibration import Calibration
from matcher.types import Modality as Kind

EXTRACTOR = "numba"
"""What `--extractor` says where nobody does; faces are told apart by their model."""


@dataclass(frozen=True, slots=True)
class FaceModality:
    """Faces, by one model: the most prominent face of each picture.

    Attributes
    ----------
    extractor : str
        Name of a shipped manifest, or path of one.
    extractor_id : str
        Id of the model.
    """

    extractor: str
    extractor_id: str
    name: str = field(default="face", init=False)

    def warm(self) -> None:
        """Compile the kernels, load the models."""
        from matcher.face.detect import DEFAULT_DETECTOR, load_detector
        from matcher.face.model import load_face_model
        from matcher.face.warm import warm

        warm()
        load_detector(DEFAULT_DETECTOR)
        load_face_model(self.extractor)

    def read(self, path: Path) -> Any:
        """Return the picture in a file, which may be a record of one face."""
        from matcher.formats.faces import face_file
        from matcher.image.colour import read_colour
        from matcher.image.load import load_bytes

        return read_colour(face_file(load_bytes(path)))

    def extract(self, image: Any) -> Any:
        """Return the template of a picture."""
        from matcher.face.extract import extract

        return extract(image, model=self.extractor)

    def stored_bytes(self, template: Any) -> int:
        """Return the size of the stored form."""
        from matcher.template.face_codec import encode_face

        return len(encode_face(template))

    def resident(self, template: Any) -> U64:
        """Return the form that candidates have in memory."""
        words: U64 = self._scorer().resident(template)
        return words

    def scorer(self, template: Any) -> Callable[[Gallery, I64, int], F32]:
        """Return the prepared probe."""
        scorer = self._scorer()
        probe = scorer.prepare(template)

        def score(gallery: Gallery, rows: I64, threads: int) -> F32:
            scores: F32 = scorer.score(probe, gallery.words, gallery.offsets, rows, threads)
            return scores

        return score

    def calibration(self) -> Calibration:
        """Return the calibration of the model."""
        found: Calibration = self._scorer().calibration(self.extractor_id, self.extractor_id)
        return found

    def _scorer(self) -> Any:
        from matcher.score.scorers import default_scorers

        return default_scorers()[Kind.FACE]


def face_modality(extractor: str, model: str | None) -> FaceModality:
    """Return the modality with a model, which is loaded.

    Parameters
    ----------
    extractor : str
        As given for fingerprints; faces have one pipeline.
    model : str, optional
        Name of a shipped manifest or path of one; the default model where nobody says.

    Raises
    ------
    ArgumentError
        If either is unknown.
    ModelMissingError
        If the model is not at hand; the error names the command that fetches it.
    """
    from matcher.face.model import DEFAULT_MODEL, load_face_model

    if extractor != EXTRACTOR:
        raise ArgumentError("--extractor: faces have one; choose the model with --model.")
    chosen = model or DEFAULT_MODEL
    return FaceModality(chosen, load_face_model(chosen).id)
