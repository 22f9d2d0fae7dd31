"""`matcher privacy`: three parties that search irises and faces which none of them can read.

Security model: semi-honest parties, honest majority (no two collude); docs/private-matching.md.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.clients import EXIT_NO_MATCH
from matcher.cli.connection import print_answer
from matcher.cli.privacy_owner import (
    Deployment,
    Faces,
    Irises,
    Parties,
    addresses_of,
    keys,
    layout_of,
    load,
    party,
    record_from,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matcher.privacy.client import PrivacyClient

All = Annotated[bool, typer.Option("--all", help="All parts given must match, not any.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Three parties that match what none of them can read (semi-honest, no two collude).",
        no_args_is_help=True,
    )
    for command in (keys, party, split, load, enroll, verify, identify, check, delete, refresh, status, plan):
        group.command()(command)
    app.add_typer(group, name="privacy")


def enroll(
    subject: Annotated[str, typer.Option(help="Id of the new subject.")],
    deployment: Deployment,
    parties: Parties,
    iris: Irises = None,
    face: Faces = None,
    unique: Annotated[bool, typer.Option("--unique", help="Only if no part matches anybody.")] = False,
) -> None:
    """Split a subject's templates and enrol the shares with the three parties."""
    from matcher.privacy.records import parts_of

    with _client(deployment, parties) as client:
        record = record_from(client.layout, iris, face)
        refused = client.enroll({subject: record}, unique=parts_of(record) if unique else ())
    if refused:
        print(f"matcher: {subject} matches somebody who is enrolled", file=sys.stderr)
        raise typer.Exit(EXIT_NO_MATCH)
    print(f"{subject} enrolled")


def verify(
    subject: Annotated[str, typer.Option(help="Whom the probe claims to be.")],
    deployment: Deployment,
    parties: Parties,
    iris: Irises = None,
    face: Faces = None,
    every: All = False,
    as_json: AsJson = False,
) -> None:
    """Compare a probe with one subject; exit status 1 where it does not match."""
    from matcher.privacy.records import parts_of
    from matcher.privacy.search import Policy

    with _client(deployment, parties) as client:
        record = record_from(client.layout, iris, face)
        found = client.verify(subject, record, parts_of(record), Policy.ALL if every else Policy.ANY)
    print_answer(as_json, {"matched": found}, "MATCH" if found else "NO MATCH")
    if not found:
        raise typer.Exit(EXIT_NO_MATCH)


def identify(
    deployment: Deployment,
    parties: Parties,
    iris: Irises = None,
    face: Faces = None,
    every: All = False,
    as_json: AsJson = False,
) -> None:
    """Find whom a probe matches; shown are ids, and no score: nobody knows one."""
    from matcher.privacy.records import parts_of
    from matcher.privacy.search import Policy

    with _client(deployment, parties) as client:
        record = record_from(client.layout, iris, face)
        [found] = client.identify([record], parts_of(record), Policy.ALL if every else Policy.ANY)
    print_answer(as_json, {"subject_ids": found}, "\n".join(found) or "nobody")


def check(
    deployment: Deployment, parties: Parties, iris: Irises = None, face: Faces = None, as_json: AsJson = False
) -> None:
    """Say whether anybody who is enrolled matches a probe, and not who."""
    from matcher.privacy.records import parts_of

    with _client(deployment, parties) as client:
        record = record_from(client.layout, iris, face)
        [found] = client.check([record], parts_of(record))
    print_answer(as_json, {"known": found}, "known" if found else "unknown")


def delete(
    subject: Annotated[str, typer.Option(help="Whom to delete.")], deployment: Deployment, parties: Parties
) -> None:
    """Delete a subject's shares at all three parties."""
    with _client(deployment, parties) as client:
        client.delete(subject)
    print(f"{subject} deleted")


def refresh(deployment: Deployment, parties: Parties) -> None:
    """Draw all shares anew, so that old and new ones say nothing together."""
    with _client(deployment, parties) as client:
        client.refresh()
    print("refreshed")


def status(deployment: Deployment, parties: Parties, as_json: AsJson = False) -> None:
    """Show what each party holds."""
    from google.protobuf.json_format import MessageToDict

    with _client(deployment, parties) as client:
        found = [
            MessageToDict(one, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
            for one in client.statuses()
        ]
    lines = [
        f"party {k}: " + ", ".join(f"{name} {value}" for name, value in one.items())
        for k, one in enumerate(found)
    ]
    print_answer(as_json, {"parties": found}, "\n".join(lines))


def plan(
    subjects: Annotated[int, typer.Option(min=1, help="Enrolled.")],
    searches_per_day: Annotated[
        float, typer.Option(help="1:N searches, enrolments with a check among them.")
    ],
    eyes: Annotated[int, typer.Option(min=1, max=2, help="Compared in each search.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Say what each party needs: cores, memory, network."""
    from dataclasses import asdict

    from matcher.privacy.plan import page
    from matcher.privacy.plan import plan as planned

    found = planned(subjects, searches_per_day, eyes=eyes)
    print_answer(as_json, asdict(found), page(found))


@contextmanager
def _client(deployment: Path, parties: str) -> Iterator[PrivacyClient]:
    from matcher.privacy.certificates import CLIENT, load_identity
    from matcher.privacy.client import PrivacyClient

    client = PrivacyClient(addresses_of(parties), load_identity(deployment / CLIENT), layout_of(deployment))
    try:
        yield client
    finally:
        client.close()
