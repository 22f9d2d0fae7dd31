"""`matcher slap`: the fingers of a slap, each in a picture of its own."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.connection import AS_JSON, print_answer
from matcher.cli.files import PPI, finger_position, read_file
from matcher.errors import ArgumentError

if TYPE_CHECKING:
    from matcher.fingerprint.slap_types import Slap, SlapKind
    from matcher.samples import Sample
    from matcher.types import Image

HAND = typer.Option("unknown", "--hand", help="right, left (four fingers), thumbs, or unknown.")
MISSING = typer.Option(
    None, "--missing", help="A finger that is known to be missing, such as left-ring.", metavar="POSITION"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("slap")(slap_command)


def slap_command(
    image: Annotated[Path, typer.Argument(help="Image of four fingers or two thumbs.")],
    hand: str = HAND,
    missing: list[str] | None = MISSING,
    out: Annotated[
        Path | None, typer.Option(help="Write each finger upright there, as POSITION.png.", metavar="DIR")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture with the boxes there.", metavar="PNG")
    ] = None,
    ppi: float | None = PPI,
    as_json: bool = AS_JSON,
) -> None:
    """Find the fingers of a slap: box, angle, position, quality."""
    from matcher.fingerprint.slap import read_slap
    from matcher.image.read import read_image

    source = read_image(read_file(image), ppi=ppi)
    kind = slap_kind(hand)
    slap = read_slap(source, kind, missing=[finger_position(name) for name in missing or []])
    if out is not None:
        _write_fingers(slap, out)
    if plot is not None:
        from matcher.fingerprint.slap_plot import plot_slap

        plot_slap(source, slap, plot)
    print_answer(as_json, _fields(slap), _text(slap))


def slap_kind(name: str) -> SlapKind:
    """Return the kind of slap of a name.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    from matcher.fingerprint.slap_types import SlapKind

    try:
        return SlapKind(name.lower())
    except ValueError:
        raise ArgumentError(f"--hand: {name!r} is none of {', '.join(SlapKind)}.") from None


def slap_samples(file: Path, hand: str, missing: list[str] | None, ppi: float | None) -> list[Sample]:
    """Return the fingers of a slap's file as samples with their positions.

    Raises
    ------
    ArgumentError
        If the slap looks like the other hand's: whoever enrols must look first.
    """
    from matcher.fingerprint.slap import read_slap
    from matcher.fingerprint.slap_types import POSITIONS
    from matcher.image.read import read_image
    from matcher.samples import Sample, SampleKind
    from matcher.types import PPI as STANDARD

    kind = slap_kind(hand)
    # Several slaps share the list: each takes its own fingers from it.
    declared = [finger_position(name) for name in missing or []]
    own = [f for f in declared if f in POSITIONS.get(kind, declared)]
    slap = read_slap(read_image(read_file(file), ppi=ppi), kind, missing=own)
    if slap.suspected_wrong_hand:
        raise ArgumentError(
            f"{file} looks like the other hand than {slap.kind}.",
            hint="Look at it with `matcher slap --plot`, and give the hand that it shows.",
        )
    return [
        Sample(_png(finger.image), SampleKind.IMAGE, finger.position, STANDARD) for finger in slap.fingers
    ]


def _name(position: object) -> str:
    return str(getattr(position, "name", position)).lower().replace("_", "-")


def _png(image: Image) -> bytes:
    from PIL import Image as PillowImage

    from matcher.types import PPI as STANDARD

    stream = io.BytesIO()
    PillowImage.fromarray(image.pixels).save(stream, "PNG", dpi=(STANDARD, STANDARD))
    return stream.getvalue()


def _write_fingers(slap: Slap, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for finger in slap.fingers:
            (folder / f"{_name(finger.position)}.png").write_bytes(_png(finger.image))
    except OSError as error:
        raise ArgumentError(f"Cannot write into {folder}: {error.strerror}.") from error


def _fields(slap: Slap) -> dict[str, object]:
    return {
        "kind": str(slap.kind),
        "angle_degrees": math.degrees(slap.angle),
        "suspected_wrong_hand": slap.suspected_wrong_hand,
        "missing": [_name(position) for position in slap.missing],
        "fingers": [
            {
                "position": _name(finger.position),
                "code": int(finger.position),
                "x": finger.x,
                "y": finger.y,
                "width": finger.width,
                "height": finger.height,
                "angle_degrees": math.degrees(finger.angle),
                "quality": finger.quality,
                "corners": finger.corners(),
            }
            for finger in slap.fingers
        ],
    }


def _text(slap: Slap) -> str:
    lines = [
        f"{_name(f.position):13} at {f.x:6.0f}, {f.y:6.0f}  {f.width:4.0f} x {f.height:4.0f} px  "
        f"turned {math.degrees(f.angle):+4.0f} degrees  quality {f.quality:3d}"
        for f in slap.fingers
    ]
    lines += [f"{_name(position):13} missing" for position in slap.missing]
    if slap.suspected_wrong_hand:
        lines.append(f"LOOKS LIKE THE OTHER HAND: check that this is {slap.kind}")
    return "\n".join(lines)
