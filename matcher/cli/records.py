"""`matcher records`: what an exchange file holds, and each of its images and minutiae records as a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.errors import ArgumentError, InputError

if TYPE_CHECKING:
    from matcher.formats.contents import Entry

EXIT_PARTLY = 2
"""Exit status where some of the images or minutiae could not be written."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("records")(records)


def records(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="ANSI/NIST-ITL, ISO/IEC 19794-2, -4, -5 or -6, ANSI 378.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for each image as PNG and each minutiae record as a template.", metavar="DIR"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List what a record file holds: types, positions, sizes, resolution, compression; never its texts."""
    from matcher.formats.contents import contents_of

    contents = contents_of(_read(source))
    failures: list[str] = []
    rows: list[dict[str, Any]] = []
    for entry in contents.entries:
        row = describe(entry)
        if out is not None:
            try:
                row["file"] = write_entry(entry, out, source.stem)
            except InputError as error:
                row["error"] = error.reason
                failures.append(f"matcher: {error.reason}: record {entry.number}: {error}")
        rows.append(row)
    if as_json:
        print(json.dumps({"format": contents.format, "version": contents.version, "records": rows}))
    else:
        print(f"{contents.format} {contents.version}".strip())
        for row in rows:
            print(_line(row))
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        raise typer.Exit(EXIT_PARTLY)


def describe(entry: Entry) -> dict[str, Any]:
    """Return what is told of an entry, without what it holds of a person."""
    from matcher.formats.finger_positions import position_name

    row: dict[str, Any] = {"record": entry.number, "kind": entry.kind, "bytes": entry.byte_count}
    if entry.record_type is not None:
        row |= {"type": entry.record_type, "idc": entry.idc}
    if entry.positions:
        row["positions"] = [position_name(code) for code in entry.positions]
    if entry.fingers:
        row["fingers"] = [position_name(finger) for finger in entry.fingers]
    if entry.impression is not None:
        row["impression"] = entry.impression
    if entry.image is not None:
        image = entry.image
        row |= {"width": image.width, "height": image.height, "compression": str(image.compression)}
        row["ppi"] = None if image.ppi is None else [round(axis, 1) for axis in image.ppi]
    if entry.eye:
        row["eye"] = entry.eye.name.lower()
    if entry.note:
        row["note"] = entry.note
    return row


def write_entry(entry: Entry, folder: Path, stem: str) -> str | None:
    """Write an entry's image or template into a folder; return the file's name, None if it has neither.

    Raises
    ------
    InputError
        If it cannot be decoded, or the file cannot be written.
    """
    from matcher.formats.eyes import eye_png
    from matcher.formats.finger_positions import position_name
    from matcher.template.codec import encode_template

    position = entry.positions[0] if entry.positions else 0
    if entry.image is not None:
        data, ending = (eye_png(entry) if any(entry.mirrored) else entry.image.to_png()), "png"
    elif entry.template is not None:
        template = entry.template()
        data, ending, position = encode_template(template), "template", int(template.position)
    else:
        return None
    words = [stem, f"{entry.number:02d}", _plain(entry.kind)] + (
        [position_name(position)] if position else [entry.eye.name.lower()] if entry.eye else []
    )
    name = "-".join(words) + f".{ending}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    except OSError as error:
        raise ArgumentError(f"Cannot write into {folder}: {error.strerror}.") from error
    return name


def _plain(kind: str) -> str:
    """Return a kind as part of a file's name: a file may state any text."""
    return "".join(c for c in kind if c.isascii() and c.isalnum())[:16] or "image"


def _line(row: dict[str, Any]) -> str:
    words = [f"{row['record']:4d} "]
    if "type" in row:
        words.append(
            f"Type {row['type']:<2d} IDC {'--' if row['idc'] is None else format(row['idc'], '02d')} "
        )
    words.append(f"{_printable(row['kind']):10}")
    if "width" in row:
        ppi = "ppi unknown" if row["ppi"] is None else f"{row['ppi'][0]:g} ppi"
        words.append(f"{row['width']} x {row['height']}  {ppi}  {row['compression']}  {row['bytes']} bytes ")
    else:
        words.append(f"{row['bytes']} bytes ")
    words += row.get("positions", [])
    words += [row["eye"]] if "eye" in row else []
    if "fingers" in row and row["fingers"] != row.get("positions"):
        words.append("(" + " ".join(row["fingers"]) + ")")
    words += [_printable(row[key]) for key in ("note", "file", "error") if row.get(key)]
    return " ".join(words).rstrip()


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _read(source: Path) -> bytes:
    """Return a file's bytes, at most one more than any format may have."""
    from matcher.formats.ansi_nist import MAX_TRANSACTION_BYTES

    try:
        with source.open("rb") as file:
            return file.read(MAX_TRANSACTION_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"Cannot read {source}: {error.strerror}.") from error
