"""`matcher subject ...`, `matcher encounter ...`, `matcher galleries`: what is kept, and changes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from matcher.cli.connection import AS_JSON, KEY, Connection, at_server, print_answer
from matcher.cli.files import position_name
from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.gallery.subject import StoredVisit
    from matcher.types import Modality

ENCOUNTER = typer.Argument(..., min=1, help="Number of the encounter, as `encounter list` shows it.")

subject_app = typer.Typer(help="Subjects of a running server.", no_args_is_help=True)
encounter_app = typer.Typer(help="Encounters of a running server.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(subject_app, name="subject")
    app.add_typer(encounter_app, name="encounter")
    app.command()(galleries)


@subject_app.command()
@at_server
def show(
    subject: str = typer.Argument(..., help="Whom."),
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Tell what is kept of a subject."""
    with at.client() as client:
        found = client.subject(subject, **at.options)
    _print(as_json, subject, list(found))


@subject_app.command("delete")
@at_server
def delete_subject(
    subject: str = typer.Argument(..., help="Whom."),
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Remove a subject with everything that belongs to it."""
    with at.client() as client:
        sequence = client.delete(subject, idempotency_key=key, **at.options)
    print_answer(as_json, {"subject_id": subject, "sequence": sequence}, f"{subject} deleted")


@subject_app.command()
@at_server
def merge(
    subject: str = typer.Argument(..., help="Who stays."),
    other: str = typer.Argument(..., help="Whose encounters become those of the first."),
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Make one subject of two."""
    with at.client() as client:
        sequence = client.merge(subject, other, idempotency_key=key, **at.options)
    fields: dict[str, object] = {"subject_id": subject, "other_subject_id": other, "sequence": sequence}
    print_answer(as_json, fields, f"{other} is {subject} now")


@encounter_app.command("list")
@at_server
def list_encounters(
    subject: str | None = typer.Option(None, help="Only those of this subject."),
    gallery: str | None = typer.Option(None, help="Only those of this gallery."),
    most: int = typer.Option(100, min=1, help="Most that are printed."),
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """List encounters, the earliest enrolled first."""
    from itertools import islice

    with at.client() as client:
        found = list(islice(client.encounters(subject_id=subject, gallery=gallery, **at.options), most))
    _print(as_json, subject, found)


@encounter_app.command()
@at_server
def move(
    encounter: int = ENCOUNTER,
    subject: str = typer.Argument(..., help="Whose it becomes."),
    new: bool = typer.Option(False, "--new", help="Nobody has that id yet: splits what was wrongly merged."),
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Give an encounter to another subject."""
    from matcher.gallery.operations import SubjectIs

    with at.client() as client:
        subject_is = SubjectIs.NEW if new else SubjectIs.KNOWN
        sequence = client.move(encounter, subject, subject_is=subject_is, idempotency_key=key, **at.options)
    _changed(as_json, encounter, sequence, f"encounter {encounter} is {subject}'s now")


@encounter_app.command()
@at_server
def status(
    encounter: int = ENCOUNTER,
    state: str = typer.Argument(..., help="active, or inactive.", metavar="STATUS"),
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Make an encounter active or inactive: searches find active ones."""
    from matcher.gallery.records import EncounterStatus

    if state.upper() not in EncounterStatus.__members__:
        raise ArgumentError(f"STATUS: expected active or inactive, got {state!r}.")
    with at.client() as client:
        sequence = client.set_status(
            encounter, EncounterStatus[state.upper()], idempotency_key=key, **at.options
        )
    _changed(as_json, encounter, sequence, f"encounter {encounter} is {state.lower()} now")


@encounter_app.command("galleries")
@at_server
def set_galleries(
    encounter: int = ENCOUNTER,
    names: list[str] | None = typer.Argument(None, help="The galleries; none takes it out of all."),
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Put an encounter into these galleries, and no others."""
    with at.client() as client:
        sequence = client.set_galleries(encounter, names or [], idempotency_key=key, **at.options)
    told = ", ".join(sorted(names or [])) or "no gallery"
    _changed(as_json, encounter, sequence, f"encounter {encounter} belongs to {told} now")


@encounter_app.command("delete")
@at_server
def delete_encounter(
    encounter: int = ENCOUNTER,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Remove an encounter with its samples; refused where its subject has no other."""
    with at.client() as client:
        sequence = client.delete_encounter(encounter, idempotency_key=key, **at.options)
    _changed(as_json, encounter, sequence, f"encounter {encounter} deleted")


@at_server
def galleries(as_json: bool = AS_JSON, *, at: Connection) -> None:
    """Tell the galleries that encounters belong to."""
    with at.client() as client:
        found = client.galleries(**at.options)
    rows = [{"name": g.name, "encounters": g.encounters, "subjects": g.subjects} for g in found]
    lines = [f"{g.name:30} {g.subjects} subjects, {g.encounters} encounters" for g in found]
    print_answer(as_json, {"galleries": rows}, "\n".join(lines) or "no gallery")


def _changed(as_json: bool, encounter: int, sequence: int, text: str) -> None:
    print_answer(as_json, {"encounter_id": encounter, "sequence": sequence}, text)


def _print(as_json: bool, subject: str | None, visits: list[StoredVisit]) -> None:
    fields: dict[str, object] = {"encounters": [_fields(visit) for visit in visits]}
    if subject is not None:
        fields = {"subject_id": subject, **fields}
    print_answer(as_json, fields, "\n".join(map(_line, visits)) or "no encounter")


def _fields(visit: StoredVisit) -> dict[str, object]:
    details = visit.details
    return {
        "encounter_id": visit.encounter_key,
        "subject_id": visit.subject_id,
        "enrolled_at": _time(visit.enrolled_at_us),
        "captured_at": None if details.captured_at_us is None else _time(details.captured_at_us),
        "status": details.status.name.lower(),
        "galleries": sorted(details.galleries),
        "year_of_birth": details.year_of_birth,
        "tags": dict(details.tags),
        "missing": [
            f"{m.modality.name.lower()} {m.position}: {m.reason.name.lower()}" for m in details.missing
        ],
        "samples": [
            {
                "sample_id": sample.sample_key,
                "modality": sample.modality.name.lower(),
                "position": _position(sample.modality, sample.position),
                "quality": sample.quality,
                "extractor": sample.extractor,
            }
            for sample in visit.samples
        ],
    }


def _line(visit: StoredVisit) -> str:
    shown = ", ".join(
        f"{s.modality.name.lower()} {_position(s.modality, s.position)} ({s.quality})" for s in visit.samples
    )
    names = f"  [{', '.join(sorted(visit.details.galleries))}]" if visit.details.galleries else ""
    about = f"{visit.subject_id}  {_time(visit.enrolled_at_us)}  {visit.details.status.name.lower()}{names}"
    return f"{visit.encounter_key:8d}  {about}  {shown}"


def _position(modality: Modality, code: int) -> str:
    from matcher.template.modality import position

    return position_name(position(modality, code))


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="seconds")
