"""What a caller hands in: bytes of an image or of a template, and which finger they show."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial

from matcher.errors import ArgumentError, TooFewMinutiaeError
from matcher.types import FingerPosition, FingerprintTemplate

MAX_SAMPLES = 20
"""Most samples in one request: ten fingers, two impressions each."""

MAX_TEMPLATES = 64
"""Most templates that the samples of one request may hold (an exchange record holds many views)."""


class SampleKind(IntEnum):
    """What a sample's bytes are."""

    IMAGE = 1
    TEMPLATE = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One capture.

    Attributes
    ----------
    data : bytes
        An image file, or a record of one print (ISO/IEC 19794-4, ANSI/NIST-ITL); or a template: our own,
        ISO/IEC 19794-2 or ANSI INCITS 378.
    kind : SampleKind
    position : FingerPosition
        UNKNOWN takes what a template says itself.
    ppi : float or None
        Resolution of an image where its file does not say it, pixels per inch.
    """

    data: bytes
    kind: SampleKind = SampleKind.IMAGE
    position: FingerPosition = FingerPosition.UNKNOWN
    ppi: float | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "position", FingerPosition(self.position))
            object.__setattr__(self, "kind", SampleKind(self.kind))
        except ValueError as error:
            raise ArgumentError(f"Sample: {error}.") from error
        if not isinstance(self.data, bytes):
            raise ArgumentError(f"Sample.data: expected bytes, got {type(self.data).__name__}.")

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        return f"Sample({self.kind.name.lower()}, {self.position.name.lower()}, {len(self.data)} bytes)"


SampleReader = Callable[[Sample], Sequence[FingerprintTemplate]]
"""Turns a sample into the templates that it holds."""


def sample_of(
    data: bytes, position: FingerPosition = FingerPosition.UNKNOWN, ppi: float | None = None
) -> Sample:
    """Return a sample of bytes whose kind is told from how they begin."""
    from matcher.formats.detect import is_minutiae_record
    from matcher.template.codec import is_template

    template = is_template(data) or is_minutiae_record(data)
    return Sample(data, SampleKind.TEMPLATE if template else SampleKind.IMAGE, position, ppi)


def reader(extractor: str) -> SampleReader:
    """Return a `read_sample` that uses the named extractor; its model is loaded or refused now.

    Raises
    ------
    ArgumentError, ModelError
        If the extractor is unknown, or its model not at hand.
    """
    from matcher.fingerprint.extractors import find_extractor

    find_extractor(extractor).load()
    return partial(read_sample, extractor=extractor)


def read_sample(sample: Sample, *, extractor: str = "numba") -> Sequence[FingerprintTemplate]:
    """Return the templates that a sample holds: one of an image, one of each view of an exchange record.

    Parameters
    ----------
    sample : Sample
    extractor : str
        Of images: "numba" or "leader".

    Raises
    ------
    InputError
        If the bytes are unusable.
    FailureToExtractError
        If an image gives no template.
    """
    if sample.kind is SampleKind.IMAGE:
        from matcher.fingerprint.extractors import find_extractor
        from matcher.formats.prints import read_print

        extract = find_extractor(extractor).load()
        image, position = read_print(sample.data, ppi=sample.ppi)
        return [extract(image, position=position)]
    from matcher.template.codec import decode_template, is_template

    if is_template(sample.data):
        return [decode_template(sample.data)]
    from matcher.formats.detect import read_minutiae_record
    from matcher.formats.templates import record_to_templates

    return record_to_templates(read_minutiae_record(sample.data))


def templates_of(
    samples: Sequence[Sample], read: SampleReader, check: Callable[[], None]
) -> list[FingerprintTemplate]:
    """Return the templates of all samples, each with its position settled.

    Parameters
    ----------
    samples : sequence of Sample
        1 to `MAX_SAMPLES`.
    read : SampleReader
    check : callable
        Called before each sample; what it raises ends the work.

    Raises
    ------
    ArgumentError
        If there are none or too many, or a template says another finger than the caller.
    InputError, FailureToExtractError
        See `read_sample`.
    """
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise ArgumentError(f"Samples: expected 1 to {MAX_SAMPLES}, got {len(samples)}.")
    found: list[FingerprintTemplate] = []
    for sample in samples:
        check()
        found += [_settled(template, sample.position) for template in read(sample)]
        if len(found) > MAX_TEMPLATES:
            raise ArgumentError(f"Templates in one request: expected at most {MAX_TEMPLATES}.")
    return found


def digest_of(subject_id: str | None, samples: Sequence[Sample]) -> bytes:
    """Return the SHA-256 that tells a repeated request from another: of what came, not what it became."""
    digest = hashlib.sha256()
    for part in _parts(subject_id, samples):
        digest.update(struct.pack("<Q", len(part)) + part)
    return digest.digest()


def _parts(subject_id: str | None, samples: Sequence[Sample]) -> Iterator[bytes]:
    yield b"" if subject_id is None else b"=" + subject_id.encode()
    for sample in samples:
        yield struct.pack("<BBd", sample.kind, sample.position, sample.ppi or 0.0)
        yield sample.data


def settled_position(said: FingerPosition, own: FingerPosition) -> FingerPosition:
    """Return which finger it is, by what the caller says and what the file itself does.

    Raises
    ------
    ArgumentError
        If both name a finger, and not the same.
    """
    if FingerPosition.UNKNOWN not in (said, own) and said is not own:
        raise ArgumentError(
            f"Position: the request says {said.name}, the file {own.name}.",
            hint="Leave the position out to take the file's own.",
        )
    return own if said is FingerPosition.UNKNOWN else said


def _settled(template: FingerprintTemplate, position: FingerPosition) -> FingerprintTemplate:
    if not len(template.minutiae):
        raise TooFewMinutiaeError("The template holds no minutiae.")
    return replace(template, position=settled_position(position, template.position))
