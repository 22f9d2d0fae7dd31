"""`matcher enroll | verify | identify | delete | status`: clients of a running server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from matcher.cli.answers import (
    part_fields,
    print_identification,
    score_fields,
    warning_fields,
    warning_text,
)
from matcher.cli.attributes import (
    BORN,
    GALLERY,
    INACTIVE,
    OF,
    TAG,
    WITHOUT,
    YEAR,
    details_of,
    encounter_of,
    filter_of,
)
from matcher.cli.connection import AS_JSON, KEY, Connection, at_server, print_answer
from matcher.cli.files import (
    FACE,
    FILES,
    FINGER,
    IRIS,
    MODALITY,
    PPI,
    Named,
    samples_of,
)
from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.samples import Sample

EXIT_NO_MATCH = 1
"""Exit status of a verification that was not accepted."""

SLAP = typer.Option(
    None, "--slap", help="FILEs are slaps: right, left or thumbs, once for each FILE.", metavar="HAND"
)
MISSING = typer.Option(
    None,
    "--missing",
    help="With --slap: a finger known to be missing, such as left-ring.",
    metavar="POSITION",
)
EXHAUSTIVE = typer.Option(False, "--exhaustive", help="Compare everybody in full: exact, and slow.")
THRESHOLD = typer.Option(None, "--threshold", help="Least score, instead of a rate.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (enroll, verify, identify, delete, status):
        app.command()(command)


@at_server
def enroll(
    files: list[Path] | None = FILES,
    subject: str | None = typer.Option(None, help="Id of the new subject; by default the server makes one."),
    known: bool = typer.Option(False, "--known", help="One more encounter of a subject that is enrolled."),
    unique: bool = typer.Option(False, "--unique", help="Only if nobody in the gallery looks the same."),
    fpir: float | None = typer.Option(
        None, help="With --unique: share of new people that may be refused; default 1e-2."
    ),
    encounter_id: str | None = typer.Option(
        None, help="Your own id of this encounter, once within a subject."
    ),
    gallery: list[str] | None = GALLERY,
    tag: list[str] | None = TAG,
    year_of_birth: int | None = YEAR,
    key: str | None = KEY,
    modality: str = MODALITY,
    finger: list[str] | None = FINGER,
    iris: list[str] | None = IRIS,
    face: list[Path] | None = FACE,
    slap: list[str] | None = SLAP,
    missing: list[str] | None = MISSING,
    ppi: float | None = PPI,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Add a person to the gallery; with --unique exit status 1 if somebody looks the same."""
    if unique and known:
        raise ArgumentError("--unique enrols somebody new: expected no --known.")
    if fpir is not None and not unique:
        raise ArgumentError("--fpir belongs to --unique.")
    if slap or missing:
        samples = _slaps(Named(files, modality, finger, iris, face, ppi), slap, missing)
    else:
        samples = samples_of(Named(files, modality, finger, iris, face, ppi))
    details = details_of(gallery, tag, year_of_birth)
    with at.client() as client:
        if unique:
            outcome = client.enroll_if_unique(
                samples,
                subject_id=subject,
                idempotency_key=key,
                details=details,
                client_encounter_id=encounter_id,
                fpir=fpir,
                **at.options,
            )
            if outcome.enrolled is None:
                assert outcome.search is not None  # one of the two is always there
                print_identification(as_json, outcome.search, {"created": False})
                raise typer.Exit(EXIT_NO_MATCH)
            answer = outcome.enrolled
        else:
            from matcher.gallery.operations import SubjectIs

            answer = client.enroll(
                samples,
                subject_id=subject,
                idempotency_key=key,
                details=details,
                client_encounter_id=encounter_id,
                subject_is=SubjectIs.KNOWN if known else SubjectIs.NEW,
                **at.options,
            )
    words = "enrolled" if answer.created else "was enrolled before with this key"
    print_answer(
        as_json,
        {
            "subject_id": answer.subject_id,
            "created": answer.created,
            "sequence": answer.sequence,
            "client_encounter_id": answer.client_encounter_id,
            "warnings": [warning_fields(w) for w in answer.warnings],
        },
        "\n".join([f"{answer.subject_id} {words}", *map(warning_text, answer.warnings)]),
    )


@at_server
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
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Compare a person with one subject; exit status 1 if they do not match."""
    samples = samples_of(Named(files, modality, finger, iris, face, ppi))
    with at.client() as client:
        answer = client.verify(subject, samples, fmr=fmr, threshold=threshold, **at.options)
    decision = answer.decision
    verdict = "MATCH" if decision.accepted else "NO MATCH"
    print_answer(
        as_json,
        {
            "subject_id": subject,
            "accepted": decision.accepted,
            "score": score_fields(decision.score),
            "threshold": decision.threshold,
            "comparisons": answer.comparisons,
            "parts": [part_fields(p) for p in answer.parts],
            "warnings": [warning_fields(w) for w in answer.warnings],
        },
        "\n".join(
            [
                f"{verdict}: score {decision.score.value:.1f}, threshold {decision.threshold:.1f}",
                *map(warning_text, answer.warnings),
            ]
        ),
    )
    if not decision.accepted:
        raise typer.Exit(EXIT_NO_MATCH)


@at_server
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
    subject: str | None = typer.Option(None, help="Search by what is stored of this subject, without files."),
    encounter: str | None = typer.Option(None, help="Search by this stored encounter, without files."),
    of: str | None = OF,
    gallery: list[str] | None = GALLERY,
    tag: list[str] | None = TAG,
    born: str | None = BORN,
    without: list[str] | None = WITHOUT,
    include_inactive: bool = INACTIVE,
    exhaustive: bool = typer.Option(
        False, "--exhaustive", help="Compare everybody in full: exact, and slow."
    ),
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Search a person among all subjects, or those that pass the filters."""
    given = any((files, finger, iris, face))
    if (subject is not None) + (encounter is not None) + given > 1:
        raise ArgumentError("Expected files, --subject or --encounter, got several.")
    if of is not None and encounter is None:
        raise ArgumentError("--of belongs to --encounter.")
    stored = subject is not None or encounter is not None
    samples = () if stored else samples_of(Named(files, modality, finger, iris, face, ppi))
    with at.client() as client:
        answer = client.identify(
            samples,
            subject_id=subject,
            encounter=None if encounter is None else encounter_of(encounter, of),
            max_candidates=candidates,
            fpir=fpir,
            threshold=threshold,
            chosen=filter_of(gallery, tag, born, without, inactive=include_inactive),
            exhaustive=exhaustive,
            **at.options,
        )
    print_identification(as_json, answer, {})


@at_server
def delete(
    subject: str = typer.Argument(..., help="Whom to remove."),
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Remove a subject with everything that belongs to it."""
    with at.client() as client:
        sequence = client.delete(subject, **at.options)
    print_answer(as_json, {"subject_id": subject, "sequence": sequence}, f"{subject} deleted")


@at_server
def status(as_json: bool = AS_JSON, *, at: Connection) -> None:
    """Tell what a server holds."""
    with at.client() as client:
        answer = client.status(**at.options)
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
    queues = {
        one.work: {"running": one.running, "waiting": one.waiting, "mean_s": one.mean_s}
        for one in answer.queues
    }
    for name, of_work in queues.items():
        lines.append(f"{name:15} running {of_work['running']}, waiting {of_work['waiting']}")
    print_answer(as_json, {**totals, "modalities": by_modality, "queues": queues}, "\n".join(lines))


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
