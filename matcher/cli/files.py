"""Files that the user names, as samples: which finger, eye or face each of them shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from matcher.errors import ArgumentError, MatcherError
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition, Modality

if TYPE_CHECKING:
    from matcher.samples import Sample
    from matcher.template.modality import Position
    from matcher.trace import StageTrace

MAX_FILE_BYTES = 16 << 20
"""Largest file that is read; a server takes no larger request."""

MODALITIES: dict[str, Position] = {
    "fingerprint": FingerPosition.UNKNOWN,
    "iris": EyePosition.UNKNOWN,
    "face": FacePosition.FACE,
}
"""What `--modality` takes, and the position of a file of which no more is said."""

FILES = typer.Argument(None, help="Images or templates of one person.", metavar="[FILE]...")
MODALITY = typer.Option("fingerprint", "--modality", help="Of FILEs: fingerprint, iris or face.")
FINGER = typer.Option(
    None,
    "--finger",
    help="right-index=FILE; or without a file, the position of each FILE in their order.",
    metavar="POSITION[=FILE]",
)
IRIS = typer.Option(
    None,
    "--iris",
    help="left=FILE, right=FILE, or FILE of an unknown eye; with --modality iris also the eye of each FILE.",
    metavar="[EYE=]FILE",
)
FACE = typer.Option(None, "--face", help="An image or template of the face.", metavar="FILE")
PPI = typer.Option(None, "--ppi", help="Resolution of fingerprint images where their files do not say it.")


@dataclass(frozen=True, slots=True)
class Named:
    """What the options of a command say of the files.

    Attributes
    ----------
    files : list of Path
        Given without an option.
    modality : str
        Theirs.
    fingers, irises, faces : list of str
        As `--finger`, `--iris` and `--face` were given.
    ppi : float or None
    """

    files: list[Path] | None
    modality: str
    fingers: list[str] | None
    irises: list[str] | None
    faces: list[Path] | None
    ppi: float | None


def samples_of(named: Named) -> list[Sample]:
    """Return the samples in the order files, fingers, irises, faces.

    Raises
    ------
    ArgumentError
        If a file cannot be read, a position or modality is unknown, or positions do not fit the files.
    """
    if named.modality not in MODALITIES:
        raise ArgumentError(f"--modality: {named.modality!r} is none of {', '.join(MODALITIES)}.")
    files = list(named.files or [])
    finger_places, finger_files = _split("--finger", named.fingers or [])
    eye_places, eye_files = _split_eyes(named.irises or [], named.modality == "iris")
    places = {"fingerprint": finger_places, "iris": eye_places, "face": []}[named.modality]
    stray = (finger_places and "--finger") or (eye_places and "--iris")
    if stray and not places:
        raise ArgumentError(f"{stray}: expected POSITION=FILE, as FILEs are of modality {named.modality}.")
    if places and len(places) != len(files):
        raise ArgumentError(
            f"{stray}: expected one for each of {len(files)} files, got {len(places)}.",
            hint="Give it once for each file, in their order, or leave it out; or say POSITION=FILE.",
        )
    places = places or [MODALITIES[named.modality]] * len(files)
    pairs = list(zip(files, places, strict=True))
    pairs += finger_files + eye_files + [(path, FacePosition.FACE) for path in named.faces or []]
    if not pairs:
        raise ArgumentError("Expected at least one FILE, --finger, --iris or --face.")
    return [_sample(path, position, named.ppi) for path, position in pairs]


def _sample(path: Path, position: Position, ppi: float | None) -> Sample:
    from matcher.samples import sample_of

    return sample_of(read_file(path), position, ppi)


def _split(option: str, values: list[str]) -> tuple[list[Position], list[tuple[Path, Position]]]:
    """Return the positions that were given alone, and those with their files."""
    alone: list[Position] = []
    with_file: list[tuple[Path, Position]] = []
    for value in values:
        name, equals, path = value.partition("=")
        if equals:
            with_file.append((Path(path), _position(option, name)))
        else:
            alone.append(_position(option, name))
    return alone, with_file


def _split_eyes(values: list[str], alone_too: bool) -> tuple[list[Position], list[tuple[Path, Position]]]:
    """As `_split`; without an equals sign it is a file, unless FILEs are eyes and it is the name of one."""
    alone: list[Position] = []
    with_file: list[tuple[Path, Position]] = []
    for value in values:
        name, equals, path = value.partition("=")
        known = name.lower() in _names(EyePosition)
        if equals and known:
            with_file.append((Path(path), _position("--iris", name)))
        elif alone_too and known:
            alone.append(_position("--iris", name))
        else:
            with_file.append((Path(value), EyePosition.UNKNOWN))
    return alone, with_file


def _position(option: str, name: str) -> Position:
    return finger_position(name) if option == "--finger" else _named(option, name, EyePosition)


def finger_position(name: str) -> FingerPosition:
    """Return the position of a name such as right-index, or of its number.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    return FingerPosition(_named("--finger", name, FingerPosition))


def eye_position(option: str, name: str) -> EyePosition:
    """Return the eye of a name such as left, or of its number, as `finger_position` does."""
    return EyePosition(_named(option, name, EyePosition))


def _named(
    option: str, name: str, positions: type[FingerPosition] | type[EyePosition]
) -> FingerPosition | EyePosition:
    names = _names(positions)
    by_number = {str(int(position)): position for position in positions}
    found = {**names, **by_number}.get(name.lower().replace("_", "-"))
    if found is None:
        raise ArgumentError(f"{option}: {name!r} is none of {', '.join(names)}.")
    return found


def _names(
    positions: type[FingerPosition] | type[EyePosition],
) -> dict[str, FingerPosition | EyePosition]:
    return {position_name(position): position for position in positions}


def position_name(position: Position) -> str:
    """Return the name by which options take a position."""
    return position.name.lower().replace("_", "-")


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that the user named, at most MAX_FILE_BYTES.

    Raises
    ------
    ArgumentError
        If it cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ArgumentError(f"{path} is larger than {MAX_FILE_BYTES} bytes.")
    return data


def check_modality(data: bytes, wanted: Modality) -> None:
    """Refuse a template of our own form, or a record of minutiae, that is of another modality.

    Raises
    ------
    ArgumentError
        If it is.
    """
    from matcher.formats.detect import is_minutiae_record
    from matcher.template.envelope import stated_modality

    stated = Modality.FINGERPRINT if is_minutiae_record(data) else stated_modality(data)
    if stated not in (None, wanted):
        name = stated.name.lower()
        raise ArgumentError(
            f"Expected a sample of modality {wanted.name.lower()}, got a template of modality {name}.",
            hint=f"Use --modality {name}.",
        )


def write_file(path: Path, data: bytes) -> None:
    """Write bytes to a file that the user named.

    Raises
    ------
    ArgumentError
        If it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ArgumentError(f"Cannot write {path}: {error.strerror}.") from error


def write_trace(path: Path, trace: StageTrace) -> None:
    """Write the intermediates of an extraction as a NumPy archive, one array a stage.

    Raises
    ------
    ArgumentError
        If it cannot be written.
    """
    import io

    import numpy as np

    file = io.BytesIO()
    stages: dict[str, Any] = {stage: trace[stage] for stage in trace}
    np.savez_compressed(file, **stages)
    write_file(path, file.getvalue())


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except MatcherError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error
