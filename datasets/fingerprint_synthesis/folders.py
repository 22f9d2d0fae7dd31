"""Synthetic prints on disk in the layout of the `folders` data set: one folder per identity."""

from __future__ import annotations

from pathlib import Path

from matcher.errors import ArgumentError
from matcher.types import PPI

from .finger import generate_finger
from .impression import generate_impression
from .randomness import MAX_SEED, checked_seed, stream
from .settings import HEIGHT, WIDTH


def finger_seed(seed: int, number: int) -> int:
    """Return the seed of finger `number` of the collection `seed`."""
    return int(stream("collection", checked_seed("seed", seed), number).integers(0, MAX_SEED))


def write_finger(
    root: Path,
    number: int,
    *,
    seed: int,
    impressions: int,
    difficulty: float = 0.5,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> list[Path]:
    """Write the impressions of one finger as PNG files that state 500 ppi; return their paths.

    Parameters
    ----------
    root : Path
        Folder of the collection; `finger_NNNNNN/impression_NN.png` are written below it.
    number : int
        Of the finger in the collection, from 1; its pattern depends on `seed` and `number` alone.
    seed : int
        Of the collection.
    impressions : int
        How many, at least 1.
    difficulty, height, width
        As `generate_impression` takes them.

    Raises
    ------
    ArgumentError
        For a number or count below 1, or where the folder cannot be made.
    """
    from PIL import Image as PillowImage

    if number < 1 or impressions < 1:
        raise ArgumentError(
            f"write_finger: expected number and impressions from 1, got {number} and {impressions}."
        )
    folder = root / f"finger_{number:06d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"write_finger: cannot make the folder ({error.strerror}).", hint="Choose another --out."
        ) from error
    finger = generate_finger(finger_seed(seed, number))
    paths = []
    for impression in range(1, impressions + 1):
        image = generate_impression(finger, impression, difficulty=difficulty, height=height, width=width)
        path = folder / f"impression_{impression:02d}.png"
        PillowImage.fromarray(image.pixels).save(path, dpi=(PPI, PPI))
        paths.append(path)
    return paths
