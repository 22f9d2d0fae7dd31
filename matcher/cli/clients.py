"""`matcher enroll | verify | identify | delete | status`: clients of a running server."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from matcher.cli.files import (
    FACE,
    FILES,
    FINGER,
    IRIS,
    MODALITY,
    PPI,
    Named,
    position_name,
    samples_of,
)
from matcher.cli.serve import DEFAULT_LISTEN
from matcher.errors import ArgumentError
from matcher.types import Score

if TYPE_CHECKING:
    from matcher.person import MatchWarning, PersonPart
    from matcher.samples import Sample

EXIT_NO_MATCH = 1
"""Exit status of a verification that was not accepted."""

SERVER = typer.Option(DEFAULT_LISTEN, "--server", help="HOST:PORT of the server.", envvar="MATCHER_SERVER")
SLAP = typer.Option(
    None, "--slap", help="FILEs are slaps: right, left or thumbs, once for each FILE.", metavar="HAND"
)
MISSING = typer.Option(
    None,
    "--missing",
    help="With --slap: a finger known to be missing, such as left-ring.",
    metavar="POSITION",
)
AS_JSON = typer.Option(False, "--json", help="Print one JSON object.")
TIMEOUT = typer.Option(30.0, "--timeout", help="Seconds until the call is given up.")
THRESHOLD = typer.Option(None, "--threshold", help="Least score, instead of a rate.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (enroll, verify, identify, delete, status):
        app.command()(command)


def enroll(
    files: list[Path] | None = FILES,
    subject: str | None = typer.Option(None, help="Id of the new subject; by default the server makes one."),
    key: str | None = typer.Option(None, help="Idempotency key: the same request again enrols nobody."),
    modality: str = MODALITY,
    finger: list[str] | None = FINGER,
    iris: list[str] | None = IRIS,
    face: list[Path] | None = FACE,
    slap: list[str] | None = SLAP,
    missing: list[str] | None = MISSING,
    ppi: float | None = PPI,
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Add a person to the gallery."""
    if slap or missing:
        samples = _slaps(Named(files, modality, finger, iris, face, ppi), slap, missing)
    else:
        samples = samples_of(Named(files, modality, finger, iris, face, ppi))
    with connect(server, timeout) as client:
        answer = client.enroll(samples, subject_id=subject, idempotency_key=key)
    words = "enrolled" if answer.created else "was enrolled before with this key"
    print_answer(
        as_json,
        {
            "subject_id": answer.subject_id,
            "created": answer.created,
            "sequence": answer.sequence,
            "warnings": [_warning(w) for w in answer.warnings],
        },
        "\n".join([f"{answer.subject_id} {words}", *map(_told, answer.warnings)]),
    )


def verify(
    subject: str = typer.Argument(..., help="Who the person claims to be."),
    files: list[Path] | None = FILES,
    modality: str = MODALITY,
    finger: list[str] | None = FINGER,
    iris: list[str] | None = IRIS,
    face: list[Path] | None = FACE,
    ppi: float | None = PPI,
    fmr: float | None = typer.Option(None, help="Rate of false matches to accept; default 1e-4."),
    threshold: float | None = THRESHOLD,
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Compare a person with one subject; exit status 1 if they do not match."""
    samples = samples_of(Named(files, modality, finger, iris, face, ppi))
    with connect(server, timeout) as client:
        answer = client.verify(subject, samples, fmr=fmr, threshold=threshold)
    decision = answer.decision
    verdict = "MATCH" if decision.accepted else "NO MATCH"
    print_answer(
        as_json,
        {
            "subject_id": subject,
            "accepted": decision.accepted,
            "score": _score(decision.score),
            "threshold": decision.threshold,
            "comparisons": answer.comparisons,
            "parts": [_part(p) for p in answer.parts],
            "warnings": [_warning(w) for w in answer.warnings],
        },
        "\n".join(
            [
                f"{verdict}: score {decision.score.value:.1f}, threshold {decision.threshold:.1f}",
                *map(_told, answer.warnings),
            ]
        ),
    )
    if not decision.accepted:
        raise typer.Exit(EXIT_NO_MATCH)


def identify(
    files: list[Path] | None = FILES,
    modality: str = MODALITY,
    finger: list[str] | None = FINGER,
    iris: list[str] | None = IRIS,
    face: list[Path] | None = FACE,
    ppi: float | None = PPI,
    fpir: float | None = typer.Option(
        None, help="Share of searches by strangers that may return anybody; default 1e-2."
    ),
    threshold: float | None = THRESHOLD,
    candidates: int | None = typer.Option(None, help="Most candidates printed; default 10."),
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Search a person among all subjects."""
    samples = samples_of(Named(files, modality, finger, iris, face, ppi))
    with connect(server, timeout) as client:
        answer = client.identify(samples, max_candidates=candidates, fpir=fpir, threshold=threshold)
    lines = []
    for c in answer.candidates:
        lines += [f"{c.rank:4d}  {c.score.value:7.1f}  {c.subject_id}", *map(_told, c.warnings)]
    if not lines:
        lines = [f"nobody at or above {answer.threshold:.1f} among {answer.subjects} subjects"]
    lines += map(_told, answer.warnings)
    print_answer(
        as_json,
        {
            "candidates": [
                {
                    "rank": c.rank,
                    "subject_id": c.subject_id,
                    "score": _score(c.score),
                    "parts": [_part(p) for p in c.parts],
                    "warnings": [_warning(w) for w in c.warnings],
                }
                for c in answer.candidates
            ],
            "threshold": answer.threshold,
            "subjects": answer.subjects,
            "sequence": answer.sequence,
            "warnings": [_warning(w) for w in answer.warnings],
        },
        "\n".join(lines),
    )


def delete(
    subject: str = typer.Argument(..., help="Whom to remove."),
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Remove a subject with everything that belongs to it."""
    with connect(server, timeout) as client:
        sequence = client.delete(subject)
    print_answer(as_json, {"subject_id": subject, "sequence": sequence}, f"{subject} deleted")


def status(server: str = SERVER, timeout: float = TIMEOUT, as_json: bool = AS_JSON) -> None:
    """Tell what a server holds."""
    with connect(server, timeout) as client:
        answer = client.status()
    totals: dict[str, object] = {
        "version": answer.version,
        "store": answer.store,
        "subjects": answer.subjects,
        "samples": answer.samples,
        "sequence": answer.sequence,
        "resident_bytes": answer.resident_bytes,
        "extractors": list(answer.extractors),
    }
    by_modality = {
        one.modality.name.lower(): {
            "samples": one.samples,
            "resident_bytes": one.resident_bytes,
            "extractors": list(one.extractors),
        }
        for one in answer.modalities
    }
    lines = [f"{name:15} {value}" for name, value in totals.items() if name != "extractors"]
    for name, fields in by_modality.items():
        lines.append(f"{name:15} " + ", ".join(f"{key} {value}" for key, value in fields.items()))
    print_answer(as_json, {**totals, "modalities": by_modality}, "\n".join(lines))


def connect(server: str, timeout: float) -> Any:
    """Return a client of a server, for a `with`."""
    from matcher.client import Client
    from matcher.service.address import split_address

    split_address(server)
    return Client(server, timeout=timeout)


def _slaps(named: Named, hands: list[str] | None, missing: list[str] | None) -> list[Sample]:
    """Return the fingers of FILEs, which are slaps, and the irises and faces beside them."""
    from matcher.cli.slap import slap_samples

    files = named.files or []
    if not hands or len(hands) != len(files) or named.fingers or named.modality != "fingerprint":
        raise ArgumentError(
            f"--slap: expected one for each of {len(files)} files, and no --finger.",
            hint="Give right, left or thumbs once for each file, in their order.",
        )
    beside = bool(named.irises or named.faces)
    return [
        sample
        for file, hand in zip(files, hands, strict=True)
        for sample in slap_samples(file, hand, missing, named.ppi)
    ] + (samples_of(replace(named, files=None)) if beside else [])


def _score(score: Score) -> dict[str, object]:
    return {"value": score.value, "calibration": score.calibration, "extrapolated": score.extrapolated}


def _part(part: PersonPart) -> dict[str, object]:
    return {
        "modality": part.modality.name.lower(),
        "probe_position": position_name(part.probe_position),
        "candidate_position": position_name(part.candidate_position),
        "use": part.use,
        "score": part.score,
        "log_likelihood_ratio": part.log_likelihood_ratio,
        "comparisons": part.comparisons,
    }


def _warning(warning: MatchWarning) -> dict[str, object]:
    return {
        "modality": warning.modality.name.lower(),
        "kind": warning.kind,
        "side": warning.side,
        "first_position": position_name(warning.first),
        "second_position": position_name(warning.second),
        "score": warning.score,
    }


def _told(warning: MatchWarning) -> str:
    places = f"{position_name(warning.first)}, {position_name(warning.second)}"
    return f"warning: {warning.kind} ({warning.side.lower()}: {places}; score {warning.score:.1f})"


def print_answer(as_json: bool, fields: dict[str, object], text: str) -> None:
    """Print the fields as one JSON object, or the text."""
    sys.stdout.write((json.dumps(fields) if as_json else text) + "\n")
