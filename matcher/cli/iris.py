"""`matcher extract` and `matcher compare` for irises: pictures, records and templates in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from matcher.cli.clients import EXIT_NO_MATCH
from matcher.cli.connection import print_answer
from matcher.cli.decisions import print_decision, title
from matcher.cli.files import check_modality, eye_position, naming, read_file, write_file, write_trace
from matcher.errors import ArgumentError
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.types import U8, Modality

if TYPE_CHECKING:
    from matcher.iris.trace import Trace

CODE_BITS = 64
"""Bits an angle of the full code."""


@dataclass(frozen=True, slots=True, eq=False)
class IrisFile:
    """The one iris of a file; picture and trace where it was extracted from a picture."""

    template: IrisTemplate
    pixels: U8 | None = None
    trace: Trace | None = None


def extract_iris(
    path: Path,
    *,
    out: Path | None,
    plot: Path | None,
    trace_file: Path | None,
    eye: str | None,
    extractor: str,
    as_json: bool,
) -> None:
    """Encode the iris of a picture, write what was asked for, say what was found."""
    from matcher.template.iris_codec import encode_iris

    _check_extractor(extractor)
    said = EyePosition.UNKNOWN if eye is None else eye_position("--eye", eye)
    data = read_file(path)
    with naming(path):
        if _is_template_or_minutiae(data):
            check_modality(data, Modality.IRIS)
            raise ArgumentError("Expected a picture of an eye, got a template of one.")
        pixels, trace, template = _extracted(data, said)
    if out is not None:
        write_file(out, encode_iris(template))
    if trace_file is not None:
        write_trace(trace_file, trace)
    if plot is not None:
        from matcher.iris.plot_stages import plot_stages

        plot_stages(pixels, trace, template, plot)
    answer, text = _answer(pixels, trace, template)
    print_answer(as_json, answer, text)


def compare_irises(
    probe: Path, candidate: Path, *, fmr: float | None, plot: Path | None, extractor: str, as_json: bool
) -> None:
    """Compare the irises of two files and say whether they match."""
    from matcher.score.decision import decide, threshold_for_verification
    from matcher.score.iris import IrisProbe, score
    from matcher.score.iris_record import resident
    from matcher.score.iris_scorer import IrisScorer

    _check_extractor(extractor)
    threshold = threshold_for_verification(fmr, None)
    one, other = (_read_side(path) for path in (probe, candidate))
    calibration = IrisScorer().calibration(one.template.extractor, other.template.extractor)
    parts = score(IrisProbe(one.template), resident(other.template))
    decision = decide(calibration.score(parts.raw), threshold)
    if plot is not None:
        from matcher.iris.plot_pair import PairSide, plot_pair

        first, second = (PairSide(side.template, side.trace) for side in (one, other))
        plot_pair(first, second, parts.turn, plot, title(decision))
    print_decision(decision, as_json, hamming=parts.hamming, turn=parts.turn, common_bits=parts.common)
    if not decision.accepted:
        raise typer.Exit(EXIT_NO_MATCH)


def _check_extractor(name: str) -> None:
    from matcher.evaluate.modality import modality

    modality("iris", name)


def _read_side(path: Path) -> IrisFile:
    """Return the iris of a stored template, an exchange record or a picture."""
    from matcher.template.envelope import is_template
    from matcher.template.iris_codec import decode_iris

    data = read_file(path)
    with naming(path):
        check_modality(data, Modality.IRIS)
        if is_template(data):
            return IrisFile(decode_iris(data))
        pixels, trace, template = _extracted(data, EyePosition.UNKNOWN)
    return IrisFile(template, pixels, trace)


def _extracted(data: bytes, said: EyePosition) -> tuple[U8, Trace, IrisTemplate]:
    from matcher.formats.eyes import read_eye
    from matcher.iris.extract import extract
    from matcher.iris.trace import Trace
    from matcher.samples import settled_position

    pixels, own = read_eye(data)
    trace = Trace()
    return pixels, trace, extract(pixels, position=settled_position(said, own), trace=trace)


def _is_template_or_minutiae(data: bytes) -> bool:
    from matcher.formats.detect import is_minutiae_record
    from matcher.template.envelope import is_template

    return is_template(data) or is_minutiae_record(data)


def _answer(pixels: U8, trace: Trace, template: IrisTemplate) -> tuple[dict[str, Any], str]:
    """Return what is said of an extraction: JSON values, and text."""
    from matcher.iris.quality import assess_trace

    quality = assess_trace(trace)
    height, width = pixels.shape
    pupil, iris = (_diameter(trace[stage]) for stage in ("pupil", "limbus"))
    valid = float(np.bitwise_count(template.mask).sum()) / (CODE_BITS * len(template.mask))
    eye = template.position.name.lower()
    answer = {
        "quality": template.quality,
        "quality_parts": quality.to_json()["parts"],
        "advice": list(quality.advice),
        "valid_bits": round(valid, 4),
        "pupil_px": round(pupil, 1),
        "iris_px": round(iris, 1),
        "width": width,
        "height": height,
        "extractor": template.extractor,
        "position": eye,
    }
    text = (
        f"iris {iris:.0f} px across, pupil {pupil:.0f} px, quality {template.quality}\n"
        f"{valid:.0%} of the code valid, {width} x {height} px, eye {eye}"
        + "".join(f"\n{sentence}" for sentence in quality.advice)
    )
    return answer, text


def _diameter(contour: Any) -> float:
    middle = contour.mean(axis=0)
    return 2.0 * float(np.hypot(*(contour - middle).T).mean())
