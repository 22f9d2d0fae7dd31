"""The one photograph of a demonstration: a public one that Matplotlib brings along, taken twice."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from matcher.demo.people import Person, Population
from matcher.face.types import FacePosition
from matcher.samples import Sample, SampleKind

FILE = "grace_hopper.jpg"
"""Rear Admiral Grace Hopper: official portrait of the US Navy, public domain; Matplotlib's sample data."""

SIZE = 0.7
"""Of the probe's sides, of the portrait's."""

TILT = 6.0
"""Of the probe, degrees counter-clockwise."""

LIGHT = 0.8
"""Of the probe's grey levels, of the portrait's."""

JPEG_QUALITY = 60
"""Of the probe, Pillow's scale."""


def portrait() -> Person:
    """Return a person enrolled with the picture, who comes again smaller, darker, tilted and compressed.

    Raises
    ------
    FileNotFoundError
        If this Matplotlib came without its sample data.
    """
    from matplotlib import get_data_path
    from PIL import Image as PillowImage

    data = (Path(get_data_path()) / "sample_data" / FILE).read_bytes()
    with PillowImage.open(io.BytesIO(data)) as picture:
        size = [round(SIZE * side) for side in picture.size]
        probe = picture.convert("RGB").resize(size).rotate(TILT).point(lambda level: LIGHT * level)
    out = io.BytesIO()
    probe.save(out, "JPEG", quality=JPEG_QUALITY)
    enrolled, again = (Sample(file, SampleKind.IMAGE, FacePosition.FACE) for file in (data, out.getvalue()))
    return Person((enrolled,), ((again,),))


NOTE = (
    "photographs of faces, which would be somebody's: faces are embeddings drawn with the default model's "
    "statistics and sent as templates. `matcher demo --data DIR --dataset folders --modality face` takes "
    "yours."
)
"""What is left out at least."""


def with_portrait(people: Population) -> Population:
    """Return the population and, first of all, the person of the portrait, where there is one."""
    try:
        first = portrait()
    except FileNotFoundError:
        return without_portrait(people, "this Matplotlib has no sample data")
    title = f"{people.title}, and one public photograph"
    note = NOTE.replace(":", ", but for one public portrait:", 1)
    return replace(people, title=title, subjects=(first, *people.subjects), note=note)


def without_portrait(people: Population, why: str) -> Population:
    """Return the population with a note of what it lacks, and why."""
    return replace(people, note=f"{NOTE} The one public portrait is left out, too: {why}")
