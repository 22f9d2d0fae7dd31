"""What a caller hands in: bytes of an image or of a template, and which finger, eye or face they show."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

from matcher.errors import ArgumentError, TooFewMinutiaeError
from matcher.face.types import FaceTemplate
from matcher.template.envelope import is_template, stated_modality
from matcher.template.modality import (
    Position,
    Template,
    modality_of,
    modality_of_position,
    unknown_position,
)
from matcher.types import FingerPosition, FingerprintTemplate, Modality

P = TypeVar("P", bound=IntEnum)

UNKNOWN = 0
"""Code of the unknown position in every modality."""

MAX_SAMPLES = 20
"""Most samples in one request: ten fingers, two eyes and a face, some of them twice."""

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
        An image file, or a record of one image (ISO/IEC 19794-4, ANSI/NIST-ITL); or a template: our own, or
        of a finger ISO/IEC 19794-2 or ANSI INCITS 378.
    kind : SampleKind
    position : Position
        Its type says the modality. An unknown one takes what a template says itself; the default,
        `FingerPosition.UNKNOWN`, its modality too.
    ppi : float or None
        Resolution of a fingerprint image where its file does not say it, pixels per inch.

    Raises
    ------
    ArgumentError
        If a value is of another type or range, or the template of another modality than the position.
    """

    data: bytes
    kind: SampleKind = SampleKind.IMAGE
    position: Position = FingerPosition.UNKNOWN
    ppi: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes):
            raise ArgumentError(f"Sample.data: expected bytes, got {type(self.data).__name__}.")
        given: Any = self.position
        try:
            object.__setattr__(self, "kind", SampleKind(self.kind))
            if not isinstance(given, Position):
                object.__setattr__(self, "position", FingerPosition(given))
        except ValueError as error:
            raise ArgumentError(f"Sample: {error}.") from error
        own = stated_modality(self.data) if self.kind is SampleKind.TEMPLATE else None
        if own is not None and own is not self.modality:
            if self.position is not FingerPosition.UNKNOWN:
                raise contradiction(self.modality, own)
            object.__setattr__(self, "position", unknown_position(own))

    @property
    def modality(self) -> Modality:
        """What it is of."""
        return modality_of_position(self.position)

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        what = "" if self.modality is Modality.FINGERPRINT else f"{self.modality.name.lower()} "
        return f"Sample({what}{self.kind.name.lower()}, {self.position.name.lower()}, {len(self.data)} bytes)"


SampleReader = Callable[[Sample], Sequence[Template]]
"""Turns a sample into the templates that it holds."""


def sample_of(data: bytes, position: Position = FingerPosition.UNKNOWN, ppi: float | None = None) -> Sample:
    """Return a sample of bytes whose kind is told from how they begin."""
    from matcher.formats.detect import is_minutiae_record

    template = is_template(data) or is_minutiae_record(data)
    return Sample(data, SampleKind.TEMPLATE if template else SampleKind.IMAGE, position, ppi)


def contradiction(said: Modality, own: Modality) -> ArgumentError:
    """Return the refusal of a template that is of another modality than the request says."""
    return ArgumentError(
        f"Sample: the request says {said.name}, the template is of {own.name}.",
        hint="Leave modality and position out to take the template's own.",
    )


def templates_of(samples: Sequence[Sample], read: SampleReader, check: Callable[[], None]) -> list[Template]:
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
        If there are none or too many, or a template says another finger or eye than the caller.
    InputError, FailureToExtractError, ModelError
        See `matcher.reader.read_sample`.
    """
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise ArgumentError(f"Samples: expected 1 to {MAX_SAMPLES}, got {len(samples)}.")
    found: list[Template] = []
    for sample in samples:
        check()
        found += [settled(template, sample.position) for template in read(sample)]
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
        stated = struct.pack("<BBd", sample.kind, sample.position, sample.ppi or 0.0)
        # Stores hold digests of fingerprint requests from before there were others: theirs stay the same.
        fingerprint = sample.modality is Modality.FINGERPRINT
        yield stated if fingerprint else stated + struct.pack("<B", sample.modality)
        yield sample.data


def settled_position(said: P, own: P) -> P:
    """Return which finger or eye it is, by what the caller says and what the file itself does.

    Raises
    ------
    ArgumentError
        If both name one, and not the same.
    """
    if UNKNOWN not in (said, own) and said is not own:
        raise ArgumentError(
            f"Position: the request says {said.name}, the file {own.name}.",
            hint="Leave the position out to take the file's own.",
        )
    return own if said == UNKNOWN else said


def settled(template: Template, said: Position) -> Template:
    """Return a template with its position settled.

    Raises
    ------
    ArgumentError
        If the caller says another modality, finger or eye than the template.
    TooFewMinutiaeError
        If it holds no minutiae.
    """
    if modality_of_position(said) is not modality_of(template):
        raise contradiction(modality_of_position(said), modality_of(template))
    if isinstance(template, FaceTemplate):
        return template
    if isinstance(template, FingerprintTemplate):
        if not len(template.minutiae):
            raise TooFewMinutiaeError("The template holds no minutiae.")
        finger = settled_position(FingerPosition(said), template.position)
        return template if finger is template.position else replace(template, position=finger)
    eye = settled_position(type(template.position)(said), template.position)
    return template if eye is template.position else replace(template, position=eye)
