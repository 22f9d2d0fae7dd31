"""`matcher extract` and `matcher compare` for faces: pictures, records and templates in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from matcher.cli.clients import EXIT_NO_MATCH
from matcher.cli.connection import print_answer
from matcher.cli.decisions import print_decision, title
from matcher.cli.files import check_modality, naming, read_file, write_file, write_trace
from matcher.errors import ArgumentError
from matcher.face.types import FaceTemplate
from matcher.types import U8, Modality

if TYPE_CHECKING:
    from matcher.face.extract import FoundFace
    from matcher.face.trace import Trace
    from matcher.score.face_stated import Stated
    from matcher.types import ColourImage


@dataclass(frozen=True, slots=True, eq=False)
class FaceFile:
    """The one face of a file; its aligned crop, uint8 (h, w, 3), where it came from a picture."""

    template: FaceTemplate
    crop: U8 | None = None


def extract_face(
    path: Path,
    *,
    every: bool,
    model: str | None,
    out: Path | None,
    plot: Path | None,
    trace_file: Path | None,
    as_json: bool,
) -> None:
    """Find the face of a picture, or every face, write what was asked for, say what was found."""
    from matcher.face.extract import FoundFace, assess_trace, extract, extract_all
    from matcher.face.plot import plot_faces
    from matcher.face.trace import Trace

    if every and out is not None and out.suffix:
        raise ArgumentError("--out: expected a folder with --all, each face is a file there.")
    network, trace = _model(model), Trace()
    image = _picture(path)
    with naming(path):
        if every:
            faces = extract_all(image, model=network, trace=trace)
        else:
            template = extract(image, model=network, trace=trace)
            row = int(trace["chosen"][0])
            quality = assess_trace(image, trace)
            faces = [FoundFace(template, _box(trace, row), float(trace["scores"][row]), quality)]
    if out is not None:
        _write(faces, out, path.stem, every)
    if plot is not None:
        plot_faces(image, trace, plot, _summary(faces, trace))
    if trace_file is not None:
        write_trace(trace_file, trace)
    answer = {
        "faces": [_describe(face) for face in faces],
        "faces_seen": len(trace["boxes"]),
        "width": image.pixels.shape[1],
        "height": image.pixels.shape[0],
        "model": network.id,
    }
    text = "\n".join([_summary(faces, trace), *(_line(face) for face in faces)])
    print_answer(as_json, answer, text)


def compare_faces(
    probe: Path, candidate: Path, *, fmr: float | None, model: str | None, plot: Path | None, as_json: bool
) -> None:
    """Compare the faces of two files and say whether they match."""
    from matcher.face.plot import plot_pair
    from matcher.score.decision import decide, threshold_for_verification
    from matcher.score.face_scorer import compare_faces as compare

    threshold = threshold_for_verification(fmr, None)
    if model is not None:
        _model(model)  # What is wrong with it is not the pictures' fault.
    one, other = (_read_side(path, model) for path in (probe, candidate))
    decision = decide(compare(one.template, other.template, _stated(model, one.template.model)), threshold)
    if plot is not None:
        plot_pair(one.crop, other.crop, plot, title(decision))
    cosine = float(one.template.vector() @ other.template.vector())
    print_decision(decision, as_json, cosine=round(cosine, 6))
    if not decision.accepted:
        raise typer.Exit(EXIT_NO_MATCH)


def _model(model: str | None) -> Any:
    from matcher.face.model import DEFAULT_MODEL, load_face_model

    return load_face_model(model or DEFAULT_MODEL)


def _stated(model: str | None, model_id: str) -> Stated:
    """Return what the manifest of --model states of the model that made the templates."""
    if model is None:
        return ()
    network = _model(model)
    return network.manifest.stated if network.id == model_id else ()


def _picture(path: Path) -> ColourImage:
    from matcher.formats.faces import face_file
    from matcher.image.colour import read_colour
    from matcher.template.envelope import is_template

    data = read_file(path)
    with naming(path):
        if is_template(data):
            raise ArgumentError("Expected a picture of a face, got a template.")
        return read_colour(face_file(data))


def _read_side(path: Path, model: str | None) -> FaceFile:
    """Return the face of a stored template, an exchange record or a picture."""
    from matcher.face.extract import extract
    from matcher.face.trace import Trace
    from matcher.template.envelope import is_template
    from matcher.template.face_codec import decode_face

    data = read_file(path)
    with naming(path):
        check_modality(data, Modality.FACE)
        if is_template(data):
            return FaceFile(decode_face(data))
        network, trace = _model(model), Trace()
        template = extract(_picture(path), model=network, trace=trace)
    return FaceFile(template, trace["crops"][0])


def _write(faces: list[FoundFace], out: Path, stem: str, every: bool) -> None:
    from matcher.template.face_codec import encode_face

    if not every:
        write_file(out, encode_face(faces[0].template))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"Cannot write into {out}: {error.strerror}.") from error
    for number, face in enumerate(faces, start=1):
        write_file(out / f"{stem}-{number:02d}-face.template", encode_face(face.template))


def _box(trace: Trace, row: int) -> tuple[float, float, float, float]:
    left, top, width, height = trace["boxes"][row].tolist()
    return left, top, width, height


def _describe(face: FoundFace) -> dict[str, Any]:
    return {
        "box": [round(value, 1) for value in face.box],
        "detection": round(face.score, 4),
        "quality": face.template.quality,
        "quality_parts": face.quality.to_json()["parts"],
        "advice": list(face.quality.advice),
        "dimensions": len(face.template.values),
    }


def _summary(faces: list[FoundFace], trace: Trace) -> str:
    seen = len(trace["boxes"])
    return f"{seen} {'face' if seen == 1 else 'faces'} seen, {len(faces)} extracted"


def _line(face: FoundFace) -> str:
    left, top, width, height = face.box
    return (
        f"{width:.0f} x {height:.0f} px at ({left:.0f}, {top:.0f}), detection {face.score:.2f}, "
        f"quality {face.template.quality}, {len(face.template.values)} values"
        + "".join(f"\n{sentence}" for sentence in face.quality.advice)
    )
