"""From a picture to the template of the face in it. The spine: each line is a stage."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from matcher.face.align import aligned, look_again
from matcher.face.detect import DEFAULT_DETECTOR, Detector, Faces, load_detector
from matcher.face.model import DEFAULT_MODEL, FaceModel, load_face_model
from matcher.face.quality import assess
from matcher.face.select import choose, order
from matcher.face.trace import Trace
from matcher.face.types import FaceTemplate
from matcher.sample_quality import SampleQuality
from matcher.types import F32, ColourImage

STEPS = 127
"""Largest magnitude of a stored value: an embedding's largest becomes this."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One face of a picture.

    Attributes
    ----------
    template : FaceTemplate
    box : tuple of float
        Left, top, width, height, px of the picture.
    score : float
        Of the detector, 0 to 1.
    quality : SampleQuality
        In its parts; `quality.overall` is the template's.
    """

    template: FaceTemplate
    box: tuple[float, float, float, float]
    score: float
    quality: SampleQuality


def extract(
    image: ColourImage,
    *,
    model: str | os.PathLike[str] | FaceModel = DEFAULT_MODEL,
    detector: str | Detector = DEFAULT_DETECTOR,
    single: bool = False,
    trace: Trace | None = None,
) -> FaceTemplate:
    """Find the face in a picture and make its template.

    Parameters
    ----------
    image : ColourImage
        Upright; see `matcher.image.colour.read_colour`.
    model : str, path or FaceModel
        Name of a shipped manifest, path of one's own, or a model that is loaded already.
    detector : str or Detector
        "yunet", "centerface", or whatever finds faces.
    single : bool
        Whether a second face of like size is a failure. Else the most prominent one is taken: the largest,
        a face away from the middle of the picture counting less.
    trace : Trace, optional
        Collects every intermediate.

    Returns
    -------
    FaceTemplate

    Raises
    ------
    NoFaceError, SeveralFacesError, FaceTooSmallError
        Failures to extract, with a reason code.
    ModelMissingError
        If a model is not at hand: `matcher models fetch`. Nothing is fetched here.
    ModelCorruptError, ModelManifestError, ModelRuntimeError, ArgumentError

    Notes
    -----
    Detection by five points; a second look at the face upright in two sizes, and at its mirror image; a
    similarity (Umeyama, TPAMI 1991) to the model's points; its embedding, with flip where the manifest says
    so, of length 1, rounded to int8.
    LIMITATIONS: faces within about 45 degrees of upright and 60 of frontal.
    """
    network, finder = _model(model), _detector(detector)
    faces = finder.find(image.pixels)
    if trace is not None:
        _record_faces(trace, faces)
    chosen = choose(faces, image.width, image.height, single=single)
    return _templates(image, faces, [chosen], finder, network, trace)[0][0]


def extract_all(
    image: ColourImage,
    *,
    model: str | os.PathLike[str] | FaceModel = DEFAULT_MODEL,
    detector: str | Detector = DEFAULT_DETECTOR,
    trace: Trace | None = None,
) -> list[FoundFace]:
    """Find every face in a picture that is large enough, the most prominent one first; maybe none.

    Parameters, and what is raised, as in `extract`; no face is no failure here.
    """
    network, finder = _model(model), _detector(detector)
    faces = finder.find(image.pixels)
    if trace is not None:
        _record_faces(trace, faces)
    rows = order(faces, image.width, image.height)
    made = _templates(image, faces, rows, finder, network, trace)
    return [
        FoundFace(template, tuple(faces.boxes[row].tolist()), float(faces.scores[row]), quality)
        for (template, quality), row in zip(made, rows, strict=True)
    ]


def _templates(
    image: ColourImage,
    faces: Faces,
    rows: list[int],
    finder: Detector,
    network: FaceModel,
    trace: Trace | None,
) -> list[tuple[FaceTemplate, SampleQuality]]:
    """Return the templates and qualities of some faces: aligned one by one, embedded together."""
    if not rows:
        return []
    points = [look_again(image.pixels, faces.points[row].astype(np.float64), finder) for row in rows]
    crops = np.stack([aligned(image.pixels, face, network.manifest) for face in points])
    embeddings = network.embed(crops)
    qualities = [
        assess(image.pixels, face, float(faces.scores[row])) for face, row in zip(points, rows, strict=True)
    ]
    if trace is not None:
        trace.record("chosen", np.array(rows, np.int64))
        trace.record("points", np.stack(points))
        trace.record("crops", crops)
        trace.record("embeddings", embeddings)
    return [
        (template_of(embedding, network.id, quality.overall), quality)
        for embedding, quality in zip(embeddings, qualities, strict=True)
    ]


def assess_trace(image: ColourImage, trace: Trace) -> SampleQuality:
    """Return the quality, in its parts, of the first face that was extracted with a trace.

    Raises
    ------
    KeyError
        If the extraction did not come so far.
    """
    row = int(trace["chosen"][0])
    return assess(image.pixels, trace["points"][0], float(trace["scores"][row]))


def template_of(embedding: F32, model_id: str, quality: int = 0) -> FaceTemplate:
    """Return an embedding of length 1, float32 (D,), as it is stored: int8 with one scale.

    The loss: each value moves by at most half of the largest one's 127th part. Cosines between random
    embeddings of 128 dimensions move by 1e-3 at most times, by 6e-3 at worst.
    """
    scale = float(np.abs(embedding).max()) / STEPS
    values = np.rint(embedding / np.float32(scale)).clip(-STEPS, STEPS).astype(np.int8)
    return FaceTemplate(values, scale, model_id, quality)


def _model(model: str | os.PathLike[str] | FaceModel) -> FaceModel:
    return model if isinstance(model, FaceModel) else load_face_model(model)


def _detector(detector: str | Detector) -> Detector:
    return load_detector(detector) if isinstance(detector, str) else detector


def _record_faces(trace: Trace, faces: Faces) -> None:
    trace.record("boxes", faces.boxes)
    trace.record("scores", faces.scores)
    trace.record("points_found", faces.points)
