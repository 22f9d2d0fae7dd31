"""Synthetic people, made in a few processes: nobody's real fingers, eyes or faces."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count as count_up
from typing import TYPE_CHECKING

import numpy as np

from matcher.demo.people import Person, Population
from matcher.errors import InternalError
from matcher.face.types import FaceTemplate
from matcher.iris.types import EyePosition
from matcher.samples import Sample, SampleKind
from matcher.types import F32, PPI, U8, FingerPosition, Image

if TYPE_CHECKING:
    from matcher.datasets.iris_synthesis import Eye

DIFFICULTY = 0.4
"""Of the prints, 0 easy to 1 hard: a willing person at a good sensor."""

EYE_DIFFICULTY = 0.1
"""Of the pictures of eyes, 0 easy to 1 hard: likewise."""

EYE_HEIGHT, EYE_WIDTH = 240, 320
"""Of the pictures of eyes, px: those of small cameras."""

MIN_VISIBLE = 0.6
"""Share of the ring between pupil and limbus that shows: a station takes a half-closed eye again."""

FIRST_SEED = 20_000
"""Seed of the first person; the others follow."""

PROCESSES = 2
"""Most processes that make people at one time."""

SUBJECTS_PER_STRANGER = 4
"""One stranger comes on so many enrolled people, and at least one."""

POSITIONS = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)

EYES = (EyePosition.RIGHT, EyePosition.LEFT)

PNG_COMPRESSION = 1
"""zlib level: the images go over loopback only."""


def synthetic_people(count: int, tell: Callable[[int, int], None]) -> Population:
    """Make `count` people to enrol, and strangers: two fingers, two eyes and a face, two samples of each.

    Parameters
    ----------
    count : int
        At least 2.
    tell : callable
        Called with the number of people done and of all, as they are made.

    Raises
    ------
    InternalError
        If a process that makes samples was ended from outside.
    """
    strangers = max(1, count // SUBJECTS_PER_STRANGER)
    seeds = range(FIRST_SEED, FIRST_SEED + count + strangers)
    processes = min(PROCESSES, len(os.sched_getaffinity(0)))
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_leave_ctrl_c_to_the_parent)
    people: list[Person] = []
    tell(0, len(seeds))
    try:
        for person in pool.map(make_person, seeds):
            people.append(person)
            tell(len(people), len(seeds))
    except BrokenProcessPool:
        raise InternalError(
            "A process that makes synthetic samples was ended from outside.", hint="Is there enough memory?"
        ) from None
    except BaseException:
        # Ctrl-C: a worker would first finish what it was given.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    visitors = tuple(Person((), person.visits) for person in people[count:])
    return Population("synthetic fingers, eyes and faces", True, tuple(people[:count]), visitors)


def make_person(seed: int) -> Person:
    """Return one person: the first samples to enrol, the second ones to be probes."""
    first, second = (
        [*prints, *eyes, face]
        for prints, eyes, face in zip(_prints(seed), _eyes(seed), _faces(seed), strict=True)
    )
    return Person(tuple(first), (tuple(second),))


def _prints(seed: int) -> list[list[Sample]]:
    """Return two impressions of each finger."""
    from matcher.datasets.fingerprint_synthesis import generate_impression, generate_subject

    fingers = generate_subject(seed, POSITIONS)
    return [
        [
            Sample(png(generate_impression(finger, impression, difficulty=DIFFICULTY)), position=position)
            for position, finger in fingers.items()
        ]
        for impression in (1, 2)
    ]


def _eyes(seed: int) -> list[list[Sample]]:
    """Return two pictures of each eye."""
    from matcher.datasets.iris_synthesis import generate_eye

    both = [
        eye_pictures(generate_eye(len(EYES) * seed + place, position=position), 2)
        for place, position in enumerate(EYES)
    ]
    return [
        [Sample(png(pixels), position=position) for position, pixels in zip(EYES, pictures, strict=True)]
        for pictures in zip(*both, strict=True)
    ]


def eye_pictures(eye: Eye, count: int, difficulty: float = EYE_DIFFICULTY) -> list[U8]:
    """Return pictures of an eye, uint8 (H, W) each, without those where it is half closed."""
    from matcher.datasets.iris_synthesis import draw_eye

    found: list[U8] = []
    for number in count_up(1):
        pixels, truth = draw_eye(eye, number, difficulty=difficulty, height=EYE_HEIGHT, width=EYE_WIDTH)
        ring = np.pi * (truth.limbus_radius**2 - truth.pupil_radius**2)
        if truth.iris.sum() >= MIN_VISIBLE * ring:
            found.append(pixels)
        if len(found) == count:
            break
    return found


def _faces(seed: int) -> list[Sample]:
    """Return two samples of a face: templates of the default model, which is not needed for that."""
    from matcher.datasets.face_embeddings import generate_embeddings
    from matcher.template.face_codec import encode_face

    embeddings = (generate_embeddings(1, seed=FIRST_SEED, start=seed, sample=number) for number in (0, 1))
    return [Sample(encode_face(face_template(one[0])), SampleKind.TEMPLATE) for one in embeddings]


def face_template(embedding: F32) -> FaceTemplate:
    """Return an embedding, float32 (D,), as a template of the default model, whose file is not needed."""
    from matcher.face.extract import template_of
    from matcher.face.model import DEFAULT_MODEL, shipped_manifest
    from matcher.models.converted import converter_of
    from matcher.models.registry import find_model

    manifest = shipped_manifest(DEFAULT_MODEL)
    return template_of(embedding, manifest.model_id(converter_of(find_model(manifest.model))))


def png(image: Image | U8) -> bytes:
    """Return a grey image as a PNG file; that of a print states its resolution."""
    from PIL import Image as PillowImage

    out = io.BytesIO()
    pixels, stated = (image.pixels, {"dpi": (PPI, PPI)}) if isinstance(image, Image) else (image, {})
    PillowImage.fromarray(pixels).save(out, "PNG", compress_level=PNG_COMPRESSION, **stated)
    return out.getvalue()


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
