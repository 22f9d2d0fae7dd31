"""Quality of an image of any modality, in its parts, from one extraction.

Heavy modules load when the first sample of their modality comes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from matcher.reader import DEFAULT_EXTRACTOR
from matcher.sample_quality import SampleQuality
from matcher.samples import Sample, SampleReader
from matcher.types import Modality

Assess = Callable[[Sample], SampleQuality]
"""Says how well an image will do in comparisons; raises what a `SampleReader` does."""


def assessor(extractor: str = DEFAULT_EXTRACTOR, face_model: str | None = None) -> Assess:
    """Return an `assess_image` with these settings."""
    return partial(assess_image, extractor=extractor, face_model=face_model)


def reading(read: SampleReader) -> Assess:
    """Return an assessment by the templates alone: the least of their qualities, without parts."""
    return lambda sample: SampleQuality(min(one.quality for one in read(sample)), ())


def assess_image(
    sample: Sample, *, extractor: str = DEFAULT_EXTRACTOR, face_model: str | None = None
) -> SampleQuality:
    """Return the quality of a sample that is an image; `overall` is its template's quality.

    Parameters
    ----------
    sample : Sample
    extractor, face_model
        As `matcher.reader.read_sample`.

    Raises
    ------
    InputError, FailureToExtractError, ModelError
        As `matcher.reader.read_sample`.
    """
    if sample.modality is Modality.FINGERPRINT:
        return _print_quality(sample, extractor)
    if sample.modality is Modality.IRIS:
        return _iris_quality(sample.data)
    return _face_quality(sample.data, face_model)


def _print_quality(sample: Sample, extractor: str) -> SampleQuality:
    from matcher.fingerprint.extractors import find_extractor
    from matcher.fingerprint.quality import assess_trace
    from matcher.fingerprint.trace import Trace
    from matcher.formats.prints import read_print

    image, _ = read_print(sample.data, ppi=sample.ppi)
    trace = Trace()
    template = find_extractor(extractor).load()(image, trace=trace)
    # LEADER says nothing of the image but its minutiae: there is no more to tell than the sum.
    if "mask" not in trace:
        return SampleQuality(template.quality, ())
    return assess_trace(image, trace, template.minutiae)


def _iris_quality(data: bytes) -> SampleQuality:
    from matcher.formats.eyes import read_eye
    from matcher.iris.extract import extract
    from matcher.iris.quality import assess_trace
    from matcher.iris.trace import Trace

    pixels, position = read_eye(data)
    trace = Trace()
    extract(pixels, position=position, trace=trace)
    return assess_trace(trace)


def _face_quality(data: bytes, face_model: str | None) -> SampleQuality:
    from matcher.face.extract import assess_trace, extract
    from matcher.face.model import DEFAULT_MODEL
    from matcher.face.trace import Trace
    from matcher.formats.faces import face_file
    from matcher.image.colour import read_colour

    image, trace = read_colour(face_file(data)), Trace()
    extract(image, model=face_model or DEFAULT_MODEL, trace=trace)
    return assess_trace(image, trace)
