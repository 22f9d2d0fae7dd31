"""Answers of the server as fields of JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.cli.connection import print_answer
from matcher.cli.files import position_name

if TYPE_CHECKING:
    from matcher.answers import Identification
    from matcher.person import MatchWarning, PersonPart
    from matcher.types import Score


def print_identification(as_json: bool, answer: Identification, beside: dict[str, object]) -> None:
    """Print who was found, with other fields beside."""
    lines = []
    for c in answer.candidates:
        lines += [f"{c.rank:4d}  {c.score.value:7.1f}  {c.subject_id}", *map(warning_text, c.warnings)]
    if not lines:
        lines = [f"nobody at or above {answer.threshold:.1f} among {answer.subjects} subjects"]
    lines += map(warning_text, answer.warnings)
    fields = {
        **beside,
        "candidates": [
            {
                "rank": c.rank,
                "subject_id": c.subject_id,
                "score": score_fields(c.score),
                "parts": [part_fields(p) for p in c.parts],
                "warnings": [warning_fields(w) for w in c.warnings],
            }
            for c in answer.candidates
        ],
        "threshold": answer.threshold,
        "subjects": answer.subjects,
        "sequence": answer.sequence,
        "warnings": [warning_fields(w) for w in answer.warnings],
    }
    print_answer(as_json, fields, "\n".join(lines))


def score_fields(score: Score) -> dict[str, object]:
    return {"value": score.value, "calibration": score.calibration, "extrapolated": score.extrapolated}


def part_fields(part: PersonPart) -> dict[str, object]:
    return {
        "modality": part.modality.name.lower(),
        "probe_position": position_name(part.probe_position),
        "candidate_position": position_name(part.candidate_position),
        "use": part.use,
        "score": part.score,
        "log_likelihood_ratio": part.log_likelihood_ratio,
        "comparisons": part.comparisons,
    }


def warning_fields(warning: MatchWarning) -> dict[str, object]:
    return {
        "modality": warning.modality.name.lower(),
        "kind": warning.kind,
        "side": warning.side,
        "first_position": position_name(warning.first),
        "second_position": position_name(warning.second),
        "score": warning.score,
    }


def warning_text(warning: MatchWarning) -> str:
    places = f"{position_name(warning.first)}, {position_name(warning.second)}"
    return f"warning: {warning.kind} ({warning.side.lower()}: {places}; score {warning.score:.1f})"
