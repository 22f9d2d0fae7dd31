"""Options that say what is known of an encounter, or who is searched, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.gallery.filters import Filter
    from matcher.gallery.records import EncounterDetails, EncounterName

GALLERY = typer.Option(None, "--gallery", help="A gallery's name; may be repeated.", metavar="NAME")
TAG = typer.Option(None, "--tag", help="A tag, such as office=7; may be repeated.", metavar="KEY=VALUE")
YEAR = typer.Option(None, "--year-of-birth", help="1800 to 2200.")
BORN = typer.Option(
    None, "--born", help="Only who was born in these years, such as 1970-1980; unknown years pass."
)
INACTIVE = typer.Option(False, "--include-inactive", help="Search inactive encounters too.")
OF = typer.Option(
    None, "--of", help="The encounter is named by the client's id within this subject.", metavar="SUBJECT"
)
WITHOUT = typer.Option(None, "--without", help="A subject that is left out; may be repeated.", metavar="ID")


def tags_of(tags: list[str] | None) -> dict[str, str]:
    """Return tags by key.

    Raises
    ------
    ArgumentError
        If one is no KEY=VALUE, or a key comes twice.
    """
    found: dict[str, str] = {}
    for tag in tags or []:
        key, equals, value = tag.partition("=")
        if not (key and equals and value) or key in found:
            raise ArgumentError(f"--tag: expected KEY=VALUE, each key once, got {tag!r}.")
        found[key] = value
    return found


def encounter_of(name: str, subject: str | None) -> EncounterName:
    """Return an encounter by its number, or by the client's id within a subject.

    Raises
    ------
    ArgumentError
        If it is no number where one is expected.
    """
    from matcher.gallery.records import ClientEncounter

    if subject is not None:
        return ClientEncounter(subject, name)
    if not (name.isascii() and name.isdecimal() and int(name) >= 1):
        raise ArgumentError(
            f"Encounter: expected a number from 1, got {name!r}.", hint="Give --of for an id of the client's."
        )
    return int(name)


def details_of(
    galleries: list[str] | None, tags: list[str] | None, year_of_birth: int | None
) -> EncounterDetails:
    """Return what is known of an encounter."""
    from matcher.gallery.records import EncounterDetails

    return EncounterDetails(
        galleries=frozenset(galleries or ()), tags=tags_of(tags), year_of_birth=year_of_birth
    )


def filter_of(
    galleries: list[str] | None,
    tags: list[str] | None,
    born: str | None,
    without: list[str] | None,
    *,
    inactive: bool,
) -> Filter:
    """Return who is searched.

    Raises
    ------
    ArgumentError
        If the years are no range.
    """
    from matcher.gallery.filters import Filter

    years = None
    if born is not None:
        first, dash, last = born.partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else not last)):
            raise ArgumentError(f"--born: expected FIRST-LAST, such as 1970-1980, got {born!r}.")
        years = int(first), int(last if dash else first)
    chosen = frozenset(galleries) if galleries else None
    return Filter(chosen, not inactive, frozenset(without or ()), years, tags_of(tags))
