"""Messages to domain types and back, for both ends of the wire."""

from __future__ import annotations

import math

from matcher.answers import Enrolled, Identification, Status, Verification
from matcher.errors import ArgumentError
from matcher.samples import Sample, SampleKind
from matcher.types import Candidate, Decision, FingerPosition, Score
from matcher.v1 import matcher_pb2 as pb


def sample_to_message(sample: Sample) -> pb.Sample:
    """Return a sample as a message."""
    message = pb.Sample(position=int(sample.position))  # type: ignore[arg-type]
    if sample.kind is SampleKind.IMAGE:
        message.image = sample.data
        if sample.ppi is not None:
            message.resolution_ppi = sample.ppi
    else:
        message.template = sample.data
    return message


def sample_from_message(message: pb.Sample) -> Sample:
    """Return a sample from a message.

    Raises
    ------
    ArgumentError
        If it has no content, an unknown position, or a resolution that is no number above 0.
    """
    content = message.WhichOneof("content")
    if content is None:
        raise ArgumentError("Sample: expected an image or a template, got neither.")
    try:
        position = FingerPosition(message.position)
    except ValueError as error:
        raise ArgumentError(f"Sample.position: expected 0 to 10, got {message.position}.") from error
    ppi = message.resolution_ppi if message.HasField("resolution_ppi") else None
    if ppi is not None and not (math.isfinite(ppi) and ppi > 0):
        raise ArgumentError(f"Sample.resolution_ppi: expected a number above 0, got {ppi}.")
    if content == "image":
        return Sample(message.image, SampleKind.IMAGE, position, ppi)
    return Sample(message.template, SampleKind.TEMPLATE, position)


def score_to_message(score: Score) -> pb.Score:
    """Return a score as a message: raw scores stay inside."""
    return pb.Score(value=score.value, calibration=score.calibration, extrapolated=score.extrapolated)


def score_from_message(message: pb.Score) -> Score:
    """Return a score from a message; its `raw` is not a number."""
    return Score(message.value, math.nan, message.calibration, message.extrapolated)


def criterion_of(
    message: pb.VerifyRequest | pb.IdentifyRequest, rate: str
) -> tuple[float | None, float | None]:
    """Return (rate, threshold) from a message's `criterion`, None for what is not given."""
    chosen = message.WhichOneof("criterion")
    value = None if chosen is None else float(getattr(message, chosen))
    return (value, None) if chosen == rate else (None, value)


def enrolled_from_message(message: pb.EnrollResponse) -> Enrolled:
    """Return the engine's answer from a message."""
    return Enrolled(message.subject_id, message.created, message.sequence)


def verification_to_message(answer: Verification) -> pb.VerifyResponse:
    """Return the engine's answer as a message."""
    return pb.VerifyResponse(
        accepted=answer.decision.accepted,
        score=score_to_message(answer.decision.score),
        threshold=answer.decision.threshold,
        comparison_count=answer.comparisons,
    )


def verification_from_message(message: pb.VerifyResponse) -> Verification:
    """Return the engine's answer from a message."""
    score = score_from_message(message.score)
    return Verification(Decision(message.accepted, score, message.threshold), message.comparison_count)


def identification_to_message(answer: Identification) -> pb.IdentifyResponse:
    """Return the engine's answer as a message."""
    return pb.IdentifyResponse(
        candidates=[
            pb.Candidate(subject_id=c.subject_id, score=score_to_message(c.score), rank=c.rank)
            for c in answer.candidates
        ],
        threshold=answer.threshold,
        subject_count=answer.subjects,
        sequence=answer.sequence,
    )


def identification_from_message(message: pb.IdentifyResponse) -> Identification:
    """Return the engine's answer from a message."""
    candidates = tuple(
        Candidate(c.subject_id, score_from_message(c.score), c.rank) for c in message.candidates
    )
    return Identification(candidates, message.threshold, message.subject_count, message.sequence)


def status_to_message(status: Status) -> pb.GetServerStatusResponse:
    """Return the engine's answer as a message."""
    return pb.GetServerStatusResponse(
        version=status.version,
        store=status.store,
        subject_count=status.subjects,
        sample_count=status.samples,
        sequence=status.sequence,
        resident_bytes=status.resident_bytes,
        extractors=status.extractors,
    )


def status_from_message(message: pb.GetServerStatusResponse) -> Status:
    """Return the engine's answer from a message."""
    return Status(
        message.version,
        message.store,
        message.subject_count,
        message.sample_count,
        message.sequence,
        message.resident_bytes,
        tuple(message.extractors),
    )
