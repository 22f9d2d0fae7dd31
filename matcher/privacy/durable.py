"""Files that are on disk when a call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_at(path: Path, place: int, data: bytes) -> None:
    """Write at a place of a file and sync it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, place)
            view, place = view[written:], place + written
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves all of it or what was there."""
    staged = path.with_name(path.name + ".staged")
    write_at(staged, 0, b"")
    os.truncate(staged, 0)
    write_at(staged, 0, data)
    staged.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
