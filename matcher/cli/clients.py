"""`matcher enroll | verify | identify | delete | status`: clients of a running server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from matcher.cli.serve import DEFAULT_LISTEN
from matcher.errors import ArgumentError
from matcher.types import FingerPosition, Score

if TYPE_CHECKING:
    from matcher.person import FingerPart, MatchWarning
    from matcher.samples import Sample

EXIT_NO_MATCH = 1
"""Exit status of a verification that was not accepted."""

MAX_FILE_BYTES = 16 << 20
"""Largest file that is read; a server takes no larger request."""

SERVER = typer.Option(DEFAULT_LISTEN, "--server", help="HOST:PORT of the server.", envvar="MATCHER_SERVER")
FINGER = typer.Option(
    None, "--finger", help="Position such as right-index, once for each FILE, or never.", metavar="POSITION"
)
SLAP = typer.Option(
    None, "--slap", help="FILEs are slaps: right, left or thumbs, once for each FILE.", metavar="HAND"
)
MISSING = typer.Option(
    None,
    "--missing",
    help="With --slap: a finger known to be missing, such as left-ring.",
    metavar="POSITION",
)
FILES = typer.Argument(..., help="Images or templates of one person.", metavar="FILE...")
PPI = typer.Option(None, "--ppi", help="Resolution of the images where their files do not say it.")
AS_JSON = typer.Option(False, "--json", help="Print one JSON object.")
TIMEOUT = typer.Option(30.0, "--timeout", help="Seconds until the call is given up.")
THRESHOLD = typer.Option(None, "--threshold", help="Least score, instead of a rate.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (enroll, verify, identify, delete, status):
        app.command()(command)


def enroll(
    files: list[Path] = FILES,
    subject: str | None = typer.Option(None, help="Id of the new subject; by default the server makes one."),
    key: str | None = typer.Option(None, help="Idempotency key: the same request again enrols nobody."),
    finger: list[str] | None = FINGER,
    slap: list[str] | None = SLAP,
    missing: list[str] | None = MISSING,
    ppi: float | None = PPI,
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Add a person to the gallery."""
    samples = _slaps(files, slap, missing, finger, ppi) if slap or missing else _samples(files, finger, ppi)
    with _client(server, timeout) as client:
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
    files: list[Path] = FILES,
    finger: list[str] | None = FINGER,
    ppi: float | None = PPI,
    fmr: float | None = typer.Option(None, help="Rate of false matches to accept; default 1e-4."),
    threshold: float | None = THRESHOLD,
    server: str = SERVER,
    timeout: float = TIMEOUT,
    as_json: bool = AS_JSON,
) -> None:
    """Compare a person with one subject; exit status 1 if they do not match."""
    samples = _samples(files, finger, ppi)
    with _client(server, timeout) as client:
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
    files: list[Path] = FILES,
    finger: list[str] | None = FINGER,
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
    samples = _samples(files, finger, ppi)
    with _client(server, timeout) as client:
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
    with _client(server, timeout) as client:
        sequence = client.delete(subject)
    print_answer(as_json, {"subject_id": subject, "sequence": sequence}, f"{subject} deleted")


def status(server: str = SERVER, timeout: float = TIMEOUT, as_json: bool = AS_JSON) -> None:
    """Tell what a server holds."""
    import dataclasses

    with _client(server, timeout) as client:
        answer = dataclasses.asdict(client.status())
    print_answer(as_json, answer, "\n".join(f"{name:15} {value}" for name, value in answer.items()))


def _client(server: str, timeout: float) -> Any:
    from matcher.service.address import split_address
    from matcher.service.client import MatcherClient

    split_address(server)
    return MatcherClient(server, timeout=timeout)


def _samples(files: list[Path], fingers: list[str] | None, ppi: float | None) -> list[Sample]:
    from matcher.samples import sample_of

    fingers = fingers or []
    if fingers and len(fingers) != len(files):
        raise ArgumentError(
            f"--finger: expected one for each of {len(files)} files, got {len(fingers)}.",
            hint="Give it once for each file, in their order, or leave it out.",
        )
    positions = [finger_position(name) for name in fingers] or [FingerPosition.UNKNOWN] * len(files)
    return [
        sample_of(read_file(file), position, ppi) for file, position in zip(files, positions, strict=True)
    ]


def _slaps(
    files: list[Path],
    hands: list[str] | None,
    missing: list[str] | None,
    fingers: list[str] | None,
    ppi: float | None,
) -> list[Sample]:
    from matcher.cli.slap import slap_samples

    if not hands or len(hands) != len(files) or fingers:
        raise ArgumentError(
            f"--slap: expected one for each of {len(files)} files, and no --finger.",
            hint="Give right, left or thumbs once for each file, in their order.",
        )
    return [
        sample
        for file, hand in zip(files, hands, strict=True)
        for sample in slap_samples(file, hand, missing, ppi)
    ]


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that the user named, at most MAX_FILE_BYTES.

    Raises
    ------
    ArgumentError
        If it cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ArgumentError(f"{path} is larger than {MAX_FILE_BYTES} bytes.")
    return data


def finger_position(name: str) -> FingerPosition:
    """Return the position of a name such as right-index, or of its number.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    names = {position.name.lower().replace("_", "-"): position for position in FingerPosition}
    by_number = {str(int(position)): position for position in FingerPosition}
    found = {**names, **by_number}.get(name.lower().replace("_", "-"))
    if found is None:
        raise ArgumentError(f"--finger: {name!r} is none of {', '.join(names)}.")
    return found


def _score(score: Score) -> dict[str, object]:
    return {"value": score.value, "calibration": score.calibration, "extrapolated": score.extrapolated}


def _part(part: FingerPart) -> dict[str, object]:
    return {
        "probe_position": _named(part.probe_position),
        "candidate_position": _named(part.candidate_position),
        "use": part.use,
        "score": part.score,
        "log_likelihood_ratio": part.log_likelihood_ratio,
        "comparisons": part.comparisons,
    }


def _warning(warning: MatchWarning) -> dict[str, object]:
    return {
        "kind": warning.kind,
        "side": warning.side,
        "first_position": _named(warning.first),
        "second_position": _named(warning.second),
        "score": warning.score,
    }


def _told(warning: MatchWarning) -> str:
    places = f"{_named(warning.first)}, {_named(warning.second)}"
    return f"warning: {warning.kind} ({warning.side.lower()}: {places}; score {warning.score:.1f})"


def _named(position: FingerPosition) -> str:
    """Return the name by which `--finger` takes a position."""
    return position.name.lower().replace("_", "-")


def print_answer(as_json: bool, fields: dict[str, object], text: str) -> None:
    """Print the fields as one JSON object, or the text."""
    sys.stdout.write((json.dumps(fields) if as_json else text) + "\n")
