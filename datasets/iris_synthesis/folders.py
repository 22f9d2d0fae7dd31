"""Synthetic eyes on disk in the layout of the `folders` data set: one folder an eye."""

from __future__ import annotations

from pathlib import Path

from matcher.errors import ArgumentError
from matcher.iris.types import EyePosition

from ..fingerprint_synthesis.randomness import MAX_SEED, checked_seed, stream
from .draw import draw_eye
from .eye import generate_eye
from .settings import HEIGHT, WIDTH


def eye_seed(seed: int, number: int) -> int:
    """Return the seed of eye `number` of the collection `seed`."""
    return int(stream("eye collection", checked_seed("seed", seed), number).integers(0, MAX_SEED))


def eye_position(number: int) -> EyePosition:
    """Return which eye it is: each person has two numbers, the left eye's and then the right one's."""
    return EyePosition.LEFT if number % 2 else EyePosition.RIGHT


def write_eye(
    root: Path,
    number: int,
    *,
    seed: int,
    samples: int,
    difficulty: float = 0.3,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> list[Path]:
    """Write the pictures of one eye as PNG files; return their paths.

    Parameters
    ----------
    root : Path
        Folder of the collection; `eye_NNNNNN/sample_NN.png` are written below it.
    number : int
        Of the eye in the collection, from 1: odd ones are left eyes. It depends on `seed` and `number` alone.
    seed : int
        Of the collection.
    samples : int
        How many, at least 1.
    difficulty, height, width
        As `draw_eye` takes them.

    Raises
    ------
    ArgumentError
        For a number or count below 1, or where the folder cannot be made.
    """
    from PIL import Image as PillowImage

    if number < 1 or samples < 1:
        raise ArgumentError(f"write_eye: expected number and samples from 1, got {number} and {samples}.")
    folder = root / f"eye_{number:06d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"write_eye: cannot make the folder ({error.strerror}).", hint="Choose another --out."
        ) from error
    eye = generate_eye(eye_seed(seed, number), position=eye_position(number))
    paths = []
    for sample in range(1, samples + 1):
        pixels, _ = draw_eye(eye, sample, difficulty=difficulty, height=height, width=width)
        path = folder / f"sample_{sample:02d}.png"
        PillowImage.fromarray(pixels).save(path)
        paths.append(path)
    return paths
