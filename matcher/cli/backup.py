"""`matcher backup` and `matcher restore`: the whole store in one file, and back, whichever database."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from matcher.errors import ArgumentError

STANDARD = "-"
"""Stands for standard output or input."""

StoreOption = Annotated[str, typer.Option(help="Store URL; by default sqlite in the user's data folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    out: Annotated[str, typer.Argument(help="File to write; - for standard output.")], store: StoreOption = ""
) -> None:
    """Write everything that is stored into one file, while the server goes on serving.

    The file holds biometric templates, and images where they were kept, unencrypted.
    """
    from matcher.cli.serve import default_store
    from matcher.gallery.backup import backup as write

    url = store or default_store()
    if out == STANDARD:
        _tell("backed up", write(url, sys.stdout.buffer))
        return
    path = Path(out)
    staged = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            contents = write(url, file)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        staged.unlink(missing_ok=True)
    _tell("backed up", contents)


def restore(
    source: Annotated[str, typer.Argument(help="A backup; - for standard input.")], store: StoreOption = ""
) -> None:
    """Fill an empty store, of either database, from a backup."""
    from matcher.cli.serve import default_store
    from matcher.gallery.backup import restore as read

    url = store or default_store()
    if source == STANDARD:
        _tell("restored", read(sys.stdin.buffer, url))
        return
    try:
        with open(source, "rb") as file:
            _tell("restored", read(file, url))
    except OSError as error:
        raise ArgumentError(f"{source}: cannot be read ({error.strerror}).") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tell(what: str, contents: Any) -> None:
    rows = contents.rows
    print(
        f"{what}: {rows['subjects']} subjects, {rows['encounters']} encounters, {rows['samples']} samples, "
        f"{rows['images']} images, changes up to number {contents.sequence}",
        file=sys.stderr,
    )
