"""Synthetic people, made in a few processes: nobody's real fingers."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from matcher.demo.people import Person, Population
from matcher.errors import InternalError
from matcher.samples import Sample, SampleKind
from matcher.types import PPI, FingerPosition, Image

DIFFICULTY = 0.4
"""Of the impressions, 0 easy to 1 hard: a willing person at a good sensor."""

FIRST_SEED = 20_000
"""Seed of the first person; the others follow."""

PROCESSES = 2
"""Most processes that make prints at one time."""

SUBJECTS_PER_STRANGER = 4
"""One stranger comes on so many enrolled people, and at least one."""

POSITIONS = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)

PNG_COMPRESSION = 1
"""zlib level: the images go over loopback only."""


def synthetic_people(count: int, tell: Callable[[int, int], None]) -> Population:
    """Make `count` people to enrol, and strangers: two fingers each, two impressions of each finger.

    Parameters
    ----------
    count : int
        At least 2.
    tell : callable
        Called with the number of people done and of all, as they are made.

    Raises
    ------
    InternalError
        If a process that makes prints was ended from outside.
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
            "A process that makes synthetic prints was ended from outside.", hint="Is there enough memory?"
        ) from None
    except BaseException:
        # Ctrl-C: a worker would first finish what it was given.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    visitors = tuple(Person((), person.visits) for person in people[count:])
    return Population("synthetic prints", True, tuple(people[:count]), visitors)


def make_person(seed: int) -> Person:
    """Return one person: the first impressions to enrol, the second ones to be probes."""
    from matcher.datasets.fingerprint_synthesis import generate_impression, generate_subject

    def capture(impression: int) -> tuple[Sample, ...]:
        images = {
            position: generate_impression(finger, impression, difficulty=DIFFICULTY)
            for position, finger in fingers.items()
        }
        return tuple(Sample(png(image), SampleKind.IMAGE, position) for position, image in images.items())

    fingers = generate_subject(seed, POSITIONS)
    return Person(capture(1), (capture(2),))


def png(image: Image) -> bytes:
    """Return an image as a PNG file that states its resolution."""
    from PIL import Image as PillowImage

    out = io.BytesIO()
    PillowImage.fromarray(image.pixels).save(out, "PNG", dpi=(PPI, PPI), compress_level=PNG_COMPRESSION)
    return out.getvalue()


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
