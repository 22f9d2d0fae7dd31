"""`matcher convert`: stored templates and exchange records into one another."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.errors import ArgumentError
from matcher.types import Modality

if TYPE_CHECKING:
    from matcher.formats.record import FingerMinutiaeRecord, Format

TEMPLATE = "template"
"""Name of our own stored form among the formats."""

STANDARD_STREAM = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="File to read; - for standard input.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help="File to write; - for standard output.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="template, iso-2005, iso-2011, ansi-2004, ansi-2009, card-compact, card-normal and others: "
            "an unknown name lists them.",
        ),
    ],
    source_format: Annotated[
        str | None,
        typer.Option("--from", help="What IN is, where its bytes do not say: bare card minutiae."),
    ] = None,
    view: Annotated[
        int | None, typer.Option("--view", min=1, help="Take only this view of the record, counted from 1.")
    ] = None,
) -> None:
    """Convert a fingerprint template or a minutiae record (ISO/IEC 19794-2, ANSI INCITS 378, card data).

    What OUT cannot hold is left out and said on standard error; what it cannot do without is an error.
    """
    data = _read(source)
    converted, notes = convert_bytes(data, to=to, source_format=source_format, view=view)
    _write(target, converted)
    for note in notes:
        print(f"matcher: {note}", file=sys.stderr)


def convert_bytes(
    data: bytes, *, to: str, source_format: str | None = None, view: int | None = None
) -> tuple[bytes, list[str]]:
    """Convert the bytes of one file to those of another.

    Parameters
    ----------
    data : bytes
        A stored template or a record.
    to, source_format : str
        Names of `Format`, or "template".
    view : int, optional
        Number of the only view to take, from 1.

    Returns
    -------
    converted : bytes
        In the format `to`.
    notes : list of str
        What was left out or mended, in words.

    Raises
    ------
    ArgumentError
        If a name is unknown, or there is no such view or several where one is needed.
    TemplateError, RecordError
        As `decode_template`, `read_minutiae_record` and `convert_record` do.
    """
    from matcher.formats.convert import convert_record
    from matcher.formats.detect import read_minutiae_record
    from matcher.formats.templates import record_to_templates, templates_to_record
    from matcher.formats.write import write_minutiae_record
    from matcher.template.codec import decode_template, encode_template, is_template
    from matcher.template.envelope import stated_modality

    wanted, given = _format(to), _format(source_format) if source_format else None
    if is_template(data) or (source_format and given is None):
        if (stated := stated_modality(data)) not in (None, Modality.FINGERPRINT):
            raise ArgumentError(
                f"Expected a template of a fingerprint, got one of modality {stated.name.lower()}.",
                hint="Only minutiae have exchange formats here: of eyes and faces only images have.",
            )
        template = decode_template(data)
        if view not in (None, 1):
            raise ArgumentError(f"A template holds one view, got --view {view}.")
        if wanted is None:
            return encode_template(template), []
        record = templates_to_record([template], wanted)
        return write_minutiae_record(record), [f"the extractor id is left out: {wanted} has no field for it"]
    record = _choose(read_minutiae_record(data, given), view)
    notes = [f"mended: {repair}" for repair in record.repairs]
    if wanted is not None:
        conversion = convert_record(record, wanted)
        notes += [f"left out: {what}" for what in conversion.left_out]
        return write_minutiae_record(conversion.record), notes
    if len(record.views) > 1:
        raise ArgumentError(
            f"A template holds one view, the record has {len(record.views)}.",
            hint="Choose one with --view N.",
        )
    if record.views[0].extended:
        notes.append("left out: extended data")
    return encode_template(record_to_templates(record)[0]), notes


def _format(name: str) -> Format | None:
    """Return the record format of a name, None for our own form."""
    from matcher.formats.record import Format

    if name == TEMPLATE:
        return None
    if name not in set(Format):
        raise ArgumentError(
            f"Unknown format {name!r}.", hint="Known are: " + ", ".join((TEMPLATE, *Format)) + "."
        )
    return Format(name)


def _choose(record: FingerMinutiaeRecord, view: int | None) -> FingerMinutiaeRecord:
    """Return the record with only the view asked for."""
    if view is None:
        return record
    if view > len(record.views):
        raise ArgumentError(f"The record has {len(record.views)} views, got --view {view}.")
    return replace(record, views=(replace(record.views[view - 1], number=0),))


def _read(source: str) -> bytes:
    """Return a file's bytes, at most one more than any format may have."""
    from matcher.formats.detect import MAX_RECORD_BYTES

    try:
        if source == STANDARD_STREAM:
            return sys.stdin.buffer.read(MAX_RECORD_BYTES + 1)
        with Path(source).open("rb") as file:
            return file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"Cannot read {source}: {error.strerror}.") from error


def _write(target: str, data: bytes) -> None:
    try:
        if target == STANDARD_STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            Path(target).write_bytes(data)
    except OSError as error:
        raise ArgumentError(f"Cannot write {target}: {error.strerror}.") from error
