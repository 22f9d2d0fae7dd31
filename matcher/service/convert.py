"""Messages to domain types and back, for both ends of the wire."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from matcher.answers import Certainty, Enrolled, Identification, Verification
from matcher.errors import ArgumentError
from matcher.face.types import FacePosition
from matcher.person import MatchWarning, PartUse, PersonPart, Side, WarningKind
from matcher.samples import Sample, SampleKind, contradiction
from matcher.template.modality import Position, modality_of_position, position, unknown_position
from matcher.types import Candidate, Decision, Modality, Score
from matcher.v1 import matcher_pb2 as pb

# The message's enumerations carry their name before each value; ours are the values alone.
_USE, _KIND, _SIDE = "PART_USE_", "WARNING_KIND_", "SIDE_"

_PART_USES = {use: pb.PartUse.Value(_USE + use) for use in PartUse}
_PART_USES_OF = {code: use for use, code in _PART_USES.items()}

_FIELDS = {Modality.FINGERPRINT: "finger_position", Modality.IRIS: "eye_position"}
"""How the fields that hold a position end; a face has none."""


def fields_of_position(prefix: str, where: Position) -> dict[str, int]:
    """Return the field of a message that holds a position."""
    modality = modality_of_position(where)
    return {prefix + _FIELDS[modality]: int(where)} if modality in _FIELDS else {}


def sample_to_message(sample: Sample) -> pb.Sample:
    """Return a sample as a message."""
    message = pb.Sample(modality=int(sample.modality), **fields_of_position("", sample.position))  # type: ignore[arg-type]
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
        If it has no content, an unknown modality or position, a resolution that is no number above 0, or if
        modality, position and template contradict each other.
    """
    content = message.WhichOneof("content")
    if content is None:
        raise ArgumentError("Sample: expected an image or a template, got neither.")
    ppi = message.resolution_ppi if message.HasField("resolution_ppi") else None
    if ppi is not None and not (math.isfinite(ppi) and ppi > 0):
        raise ArgumentError(f"Sample.resolution_ppi: expected a number above 0, got {ppi}.")
    where, said = _position_of(message)
    image = content == "image"
    data = message.image if image else message.template
    sample = Sample(data, SampleKind.IMAGE if image else SampleKind.TEMPLATE, where, ppi if image else None)
    if said is not None and sample.modality is not said:
        raise contradiction(said, sample.modality)
    return sample


def _position_of(message: pb.Sample) -> tuple[Position, Modality | None]:
    """Return the position that a sample has, and the modality where the message says it."""
    field = message.WhichOneof("position")
    try:
        said = Modality(message.modality) if message.modality else None
    except ValueError as error:
        raise ArgumentError(f"Sample.modality: expected 0 to 3, got {message.modality}.") from error
    if field is None:
        return unknown_position(said or Modality.FINGERPRINT), said
    by_field = next(modality for modality, name in _FIELDS.items() if name == field)
    if said not in (None, by_field):
        raise ArgumentError(
            f"Sample: {field} is set, of another modality than the sample's.",
            hint="Leave one of the two out.",
        )
    return position(by_field, getattr(message, field)), said


def score_to_message(score: Score) -> pb.Score:
    """Return a score as a message: raw scores stay inside."""
    return pb.Score(value=score.value, calibration=score.calibration, extrapolated=score.extrapolated)


def score_from_message(message: pb.Score) -> Score:
    """Return a score from a message; its `raw` is not a number."""
    return Score(message.value, math.nan, message.calibration, message.extrapolated)


def part_to_message(part: PersonPart) -> pb.PersonPart:
    """Return what a finger, eye or face gave as a message."""
    return pb.PersonPart(
        modality=int(part.modality),  # type: ignore[arg-type]
        use=_PART_USES[part.use],
        score=part.score,
        log_likelihood_ratio=part.log_likelihood_ratio,
        comparison_count=part.comparisons,
        **fields_of_position("probe_", part.probe_position),  # type: ignore[arg-type]
        **fields_of_position("candidate_", part.candidate_position),  # type: ignore[arg-type]
    )


def part_from_message(message: pb.PersonPart) -> PersonPart:
    """Return what a finger, eye or face gave from a message."""
    return PersonPart(
        Modality(message.modality),
        _position_in(message, "probe_"),
        _position_in(message, "candidate_"),
        _PART_USES_OF.get(message.use) or PartUse(pb.PartUse.Name(message.use)),  # of none of ours an error
        message.score,
        message.log_likelihood_ratio,
        message.comparison_count,
    )


def _position_in(message: pb.PersonPart | pb.MatchWarning, prefix: str) -> Position:
    modality = Modality(message.modality)
    if modality is Modality.FACE:
        return FacePosition.FACE
    return position(modality, getattr(message, prefix + _FIELDS[modality]))


def warning_to_message(warning: MatchWarning) -> pb.MatchWarning:
    """Return a warning as a message."""
    return pb.MatchWarning(
        modality=int(warning.modality),  # type: ignore[arg-type]
        kind=pb.WarningKind.Value(_KIND + warning.kind),
        side=pb.Side.Value(_SIDE + warning.side),
        score=warning.score,
        **fields_of_position("first_", warning.first),  # type: ignore[arg-type]
        **fields_of_position("second_", warning.second),  # type: ignore[arg-type]
    )


def warning_from_message(message: pb.MatchWarning) -> MatchWarning:
    """Return a warning from a message."""
    return MatchWarning(
        Modality(message.modality),
        WarningKind(pb.WarningKind.Name(message.kind).removeprefix(_KIND)),
        Side(pb.Side.Name(message.side).removeprefix(_SIDE)),
        _position_in(message, "first_"),
        _position_in(message, "second_"),
        message.score,
    )


def warnings_from(messages: Iterable[pb.MatchWarning]) -> tuple[MatchWarning, ...]:
    """Return warnings from a reply."""
    return tuple(warning_from_message(message) for message in messages)


def enrolled_to_message(answer: Enrolled) -> pb.EnrollResponse:
    """Return the engine's answer as a message."""
    return pb.EnrollResponse(
        subject_id=answer.subject_id,
        created=answer.created,
        sequence=answer.sequence,
        warnings=[warning_to_message(w) for w in answer.warnings],
        encounter_id=answer.sequence,
        client_encounter_id=answer.client_encounter_id or "",
    )


def criterion_of(
    message: pb.VerifyRequest | pb.CompareRequest | pb.IdentifyRequest | pb.EnrollIfUniqueRequest, rate: str
) -> tuple[float | None, float | None]:
    """Return (rate, threshold) from a message's `criterion`, None for what is not given."""
    chosen = message.WhichOneof("criterion")
    value = None if chosen is None else float(getattr(message, chosen))
    return (value, None) if chosen == rate else (None, value)


def enrolled_from_message(message: pb.EnrollResponse) -> Enrolled:
    """Return the engine's answer from a message."""
    return Enrolled(
        message.subject_id,
        message.created,
        message.sequence,
        warnings_from(message.warnings),
        message.client_encounter_id or None,
    )


def verification_to_message(answer: Verification) -> pb.VerifyResponse:
    """Return the engine's answer as a message."""
    return pb.VerifyResponse(**_verification(answer))


def comparison_to_message(answer: Verification) -> pb.CompareResponse:
    """Return the engine's answer as a message."""
    return pb.CompareResponse(**_verification(answer))


def _verification(answer: Verification) -> dict[str, Any]:
    return {
        "accepted": answer.decision.accepted,
        "score": score_to_message(answer.decision.score),
        "threshold": answer.decision.threshold,
        "comparison_count": answer.comparisons,
        "parts": [part_to_message(p) for p in answer.parts],
        "warnings": [warning_to_message(w) for w in answer.warnings],
    }


def verification_from_message(message: pb.VerifyResponse | pb.CompareResponse) -> Verification:
    """Return the engine's answer from a message."""
    score = score_from_message(message.score)
    return Verification(
        Decision(message.accepted, score, message.threshold),
        message.comparison_count,
        tuple(part_from_message(part) for part in message.parts),
        warnings_from(message.warnings),
    )


def identification_to_message(answer: Identification) -> pb.IdentifyResponse:
    """Return the engine's answer as a message."""
    return pb.IdentifyResponse(
        candidates=[
            pb.Candidate(
                subject_id=c.subject_id,
                score=score_to_message(c.score),
                rank=c.rank,
                parts=[part_to_message(p) for p in c.parts],
                warnings=[warning_to_message(w) for w in c.warnings],
            )
            for c in answer.candidates
        ],
        threshold=answer.threshold,
        subject_count=answer.subjects,
        sequence=answer.sequence,
        warnings=[warning_to_message(w) for w in answer.warnings],
        reachable=None if answer.certainty is None else answer.certainty.reachable,
    )


def identification_from_message(message: pb.IdentifyResponse) -> Identification:
    """Return the engine's answer from a message."""
    candidates = tuple(
        Candidate(
            c.subject_id,
            score_from_message(c.score),
            c.rank,
            tuple(part_from_message(part) for part in c.parts),
            warnings_from(c.warnings),
        )
        for c in message.candidates
    )
    known = message.HasField("reachable")
    return Identification(
        candidates,
        message.threshold,
        message.subject_count,
        message.sequence,
        warnings_from(message.warnings),
        Certainty(message.reachable, message.reachable >= message.threshold) if known else None,
    )
