"""What a comparison of two files says: one line, or one JSON object."""

from __future__ import annotations

from typing import Any

from matcher.cli.connection import print_answer
from matcher.types import Decision


def title(decision: Decision) -> str:
    """Return a decision in one line."""
    verdict = "MATCH" if decision.accepted else "NO MATCH"
    return f"{verdict}: score {decision.score.value:.1f}, threshold {decision.threshold:.1f}"


def print_decision(decision: Decision, as_json: bool, **more: Any) -> None:
    """Print a decision; `more` are further values of the JSON object."""
    score = decision.score
    print_answer(
        as_json,
        {
            "accepted": decision.accepted,
            "score": {
                "value": score.value,
                "calibration": score.calibration,
                "extrapolated": score.extrapolated,
            },
            "threshold": decision.threshold,
            **more,
        },
        title(decision) + (", extrapolated" if score.extrapolated else ""),
    )
