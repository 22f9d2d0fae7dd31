"""`matcher subject ...`, `matcher encounter ...`, `matcher galleries`: what is kept, and changes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from matcher.cli.attributes import OF, encounter_of
from matcher.cli.connection import AS_JSON, KEY, Connection, at_server, print_answer
from matcher.cli.files import position_name
from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.gallery.records import EncounterName
    from matcher.gallery.subject import StoredVisit
    from matcher.types import Modality

ENCOUNTER = typer.Argument(
    ..., help="Number of the encounter, as `encounter list` shows it; with --of your id."
)

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
    encounter_id: str | None = typer.Option(
        None, help="Only the one of this id of yours; belongs to --subject."
    ),
    most: int = typer.Option(100, min=1, help="Most that are printed."),
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """List encounters, the earliest enrolled first."""
    from itertools import islice

    with at.client() as client:
        if encounter_id is not None:
            visits, _ = client.list_encounters(
                subject_id=subject, gallery=gallery, client_encounter_id=encounter_id, **at.options
            )
            found = list(visits)
        else:
            found = list(islice(client.encounters(subject_id=subject, gallery=gallery, **at.options), most))
    _print(as_json, subject, found)


@encounter_app.command()
@at_server
def move(
    encounter: str = ENCOUNTER,
    subject: str = typer.Argument(..., help="Whose it becomes."),
    new: bool = typer.Option(False, "--new", help="Nobody has that id yet: splits what was wrongly merged."),
    of: str | None = OF,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Give an encounter to another subject."""
    from matcher.gallery.operations import SubjectIs

    named = encounter_of(encounter, of)
    with at.client() as client:
        subject_is = SubjectIs.NEW if new else SubjectIs.KNOWN
        sequence = client.move(named, subject, subject_is=subject_is, idempotency_key=key, **at.options)
    _changed(as_json, named, sequence, f"encounter {named} is {subject}'s now")


@encounter_app.command()
@at_server
def status(
    encounter: str = ENCOUNTER,
    state: str = typer.Argument(..., help="active, or inactive.", metavar="STATUS"),
    of: str | None = OF,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Make an encounter active or inactive: searches find active ones."""
    from matcher.gallery.records import EncounterStatus

    if state.upper() not in EncounterStatus.__members__:
        raise ArgumentError(f"STATUS: expected active or inactive, got {state!r}.")
    named = encounter_of(encounter, of)
    with at.client() as client:
        sequence = client.set_status(named, EncounterStatus[state.upper()], idempotency_key=key, **at.options)
    _changed(as_json, named, sequence, f"encounter {named} is {state.lower()} now")


@encounter_app.command("galleries")
@at_server
def set_galleries(
    encounter: str = ENCOUNTER,
    names: list[str] | None = typer.Argument(None, help="The galleries; none takes it out of all."),
    of: str | None = OF,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Put an encounter into these galleries, and no others."""
    named = encounter_of(encounter, of)
    with at.client() as client:
        sequence = client.set_galleries(named, names or [], idempotency_key=key, **at.options)
    told = ", ".join(sorted(names or [])) or "no gallery"
    _changed(as_json, named, sequence, f"encounter {named} belongs to {told} now")


@encounter_app.command()
@at_server
def name(
    encounter: str = ENCOUNTER,
    new_id: str | None = typer.Argument(None, help="Your new id of it; none takes the old one away."),
    of: str | None = OF,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Give an encounter an id of yours, which no other one of its subject has."""
    from matcher.gallery.operations import EncounterUpdate

    named = encounter_of(encounter, of)
    with at.client() as client:
        sequence = client.update(EncounterUpdate(named, client_id=new_id, key=key), **at.options)
    told = "no id of yours" if new_id is None else f"the id {new_id!r}"
    _changed(as_json, named, sequence, f"encounter {named} has {told} now")


@encounter_app.command("delete")
@at_server
def delete_encounter(
    encounter: str = ENCOUNTER,
    of: str | None = OF,
    key: str | None = KEY,
    as_json: bool = AS_JSON,
    *,
    at: Connection,
) -> None:
    """Remove an encounter with its samples; refused where its subject has no other."""
    named = encounter_of(encounter, of)
    with at.client() as client:
        sequence = client.delete_encounter(named, idempotency_key=key, **at.options)
    _changed(as_json, named, sequence, f"encounter {named} deleted")


@at_server
def galleries(as_json: bool = AS_JSON, *, at: Connection) -> None:
    """Tell the galleries that encounters belong to."""
    with at.client() as client:
        found = client.galleries(**at.options)
    rows = [{"name": g.name, "encounters": g.encounters, "subjects": g.subjects} for g in found]
    lines = [f"{g.name:30} {g.subjects} subjects, {g.encounters} encounters" for g in found]
    print_answer(as_json, {"galleries": rows}, "\n".join(lines) or "no gallery")


def _changed(as_json: bool, encounter: EncounterName, sequence: int, text: str) -> None:
    fields: dict[str, object] = {"sequence": sequence}
    if isinstance(encounter, int):
        fields = {"encounter_id": encounter, **fields}
    else:
        named = {"subject_id": encounter.subject_id, "client_encounter_id": encounter.client_id}
        fields = {**named, **fields}
    print_answer(as_json, fields, text)


def _print(as_json: bool, subject: str | None, visits: list[StoredVisit]) -> None:
    fields: dict[str, object] = {"encounters": [_fields(visit) for visit in visits]}
    if subject is not None:
        fields = {"subject_id": subject, **fields}
    print_answer(as_json, fields, "\n".join(map(_line, visits)) or "no encounter")


def _fields(visit: StoredVisit) -> dict[str, object]:
    details = visit.details
    return {
        "encounter_id": visit.encounter_key,
        "client_encounter_id": visit.client_id,
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
    own = "" if visit.client_id is None else f"  {visit.client_id}"
    return f"{visit.encounter_key:8d}{own}  {about}  {shown}"


def _position(modality: Modality, code: int) -> str:
    from matcher.template.modality import position

    return position_name(position(modality, code))


def _time(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="seconds")
