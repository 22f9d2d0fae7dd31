"""`matcher demo`: the main job from end to end, over the real server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from matcher.cli.files import MODALITIES
from matcher.errors import ArgumentError, InternalError, ModelFetchError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from matcher.dedup.demo import DemoResult
    from matcher.demo.claims import Claim
    from matcher.demo.people import Population

T = TypeVar("T")

EXIT_CLAIM_FAILED = 1
"""Exit status where a claim does not hold."""

PLAIN_WIDTH = 120
"""Columns where the output is no terminal."""

SUBJECTS = 60
"""People enrolled where nobody says how many: the job takes some two minutes then."""

PICTURE = "pair.png"
"""Name of the picture in the output folder."""

DEDUP_REPORT = "dedup.html"
"""Name of the de-duplication's page there."""

DEDUP_RECORDS, FEW_DEDUP_RECORDS = 400, 200
"""Synthetic records that are de-duplicated at the end, and how many where few subjects are asked for: some
seconds. A tenth of those after the first 128 are people who are there before."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    data: Annotated[Path | None, typer.Option(help="Folder of real images; without it, synthetic.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Its layout: fvc, casia1, lfw, folders ...")] = None,
    modality: Annotated[
        str, typer.Option(help="Of the real images: fingerprint, iris or face.")
    ] = "fingerprint",
    subjects: Annotated[int, typer.Option(min=2, max=100_000, help="How many to enrol at most.")] = SUBJECTS,
    out: Annotated[Path, typer.Option(help="Folder for the picture and, meanwhile, the store.")] = Path(
        "demo-out"
    ),
    private: Annotated[
        bool,
        typer.Option("--private", help="Three parties that search irises none of them can read, instead."),
    ] = False,
) -> None:
    """Run the whole job against a real server: enrol, verify, identify, delete, restart, identify again.

    The server listens on loopback only, over a fresh store that is removed at the end. Exit status 0 means
    that each claim of the last table holds. With --data, error rates are reported and not claimed.
    """
    if private:
        from matcher.cli.demo_private import demo_private

        with _stopped_like_ctrl_c(), _folder(out) as scratch:
            demo_private(scratch)
        return
    source = _source(data, dataset, modality)
    from rich.console import Console

    start = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    with _stopped_like_ctrl_c(), _folder(out) as scratch:
        failed = _run(console, source, subjects, out, scratch)
    console.print(f"{time.monotonic() - start:.0f} s in all")
    for claim in failed:
        print(f"matcher: this claim does not hold: {claim.text} ({claim.found})", file=sys.stderr)
    if failed:
        raise typer.Exit(EXIT_CLAIM_FAILED)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set of real images of one modality."""

    data: Path
    dataset: str
    modality: str


def _source(data: Path | None, dataset: str | None, modality: str) -> Source | None:
    if modality not in MODALITIES:
        raise ArgumentError(f"--modality: {modality!r} is none of {', '.join(MODALITIES)}.")
    if data is not None and dataset is not None:
        return Source(data, dataset, modality)
    if data is not None or dataset is not None:
        raise ArgumentError("Expected --data and --dataset together, got one of them.")
    return None


def _run(console: Console, source: Source | None, subjects: int, out: Path, scratch: Path) -> list[Claim]:
    """Do everything and print it; return the claims that do not hold."""
    from matcher.demo.claims import claims
    from matcher.demo.job import Job
    from matcher.demo.picture import draw, typical
    from matcher.demo.report import print_report
    from matcher.demo.server import ServerProcess

    with _progress(console) as progress:
        _compile(progress)
        population = _population(progress, source, subjects)
        job = Job(population, Tracker(progress))
        with ServerProcess(scratch) as server:
            found = job.run(server)
        pair = typical(job.pairs)
        if pair is not None:
            draw(pair, population.title, out / PICTURE)
        records = DEDUP_RECORDS if subjects >= SUBJECTS else FEW_DEDUP_RECORDS
        twice = _deduplicate(progress, records, out, scratch) if population.synthetic else None
    verdicts = claims(found, synthetic=population.synthetic)
    print_report(console, population, found, verdicts)
    drawn = "none, as no mated pair of prints matched" if pair is None else str(out / PICTURE)
    console.print(f"picture of a mated pair of median score: {drawn}", soft_wrap=True)
    if twice is not None:
        console.print(
            f"people who are twice among {twice.records} synthetic records: found {twice.found} of "
            f"{twice.planted} planted, {twice.false} false pairs ({twice.expected_false:.1g} expected); "
            f"{out / DEDUP_REPORT}",
            soft_wrap=True,
        )
    if population.note:
        console.print(f"left out: {population.note}", soft_wrap=True, highlight=False)
    return [claim for claim in verdicts if not claim.held]


def _compile(progress: Progress) -> None:
    """Compile every kernel in a process of its own: a minute the first time, then a moment."""
    task = progress.add_task("kernels (compiled the first time)", total=None)
    done = subprocess.run(
        [sys.executable, "-m", "matcher.warm"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise InternalError(f"The kernels cannot be compiled: {said[-1] if said else 'nothing was said.'}")
    progress.update(task, total=1, completed=1)


def _deduplicate(progress: Progress, records: int, out: Path, scratch: Path) -> DemoResult:
    """De-duplicate a register of synthetic people; its report is kept, its templates are not."""
    from matcher.dedup.demo import dedup_demo

    tasks: dict[str, TaskID] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = progress.add_task(f"de-duplicate, {stage}", total=total)
        progress.update(tasks[stage], completed=done, total=total)

    found = dedup_demo(scratch / "dedup", records=records, progress=tell)
    shutil.copy(found.report, out / DEDUP_REPORT)
    return found


def _fetch(progress: Progress) -> None:
    """Bring in the models that pictures of faces need, where they are missing.

    Raises
    ------
    ModelFetchError
        If they cannot be had.
    """
    from matcher.models.fetch import fetch_models
    from matcher.models.registry import DLIB_FACE, YUNET, Model

    models = (YUNET, DLIB_FACE)
    task = progress.add_task("face models", total=len(models))

    def tell(model: Model, text: str) -> None:
        progress.update(task, completed=models.index(model), description=f"face models: {model.name}")

    fetch_models(models, tell=tell)
    progress.update(task, completed=len(models), description="face models")


def _population(progress: Progress, source: Source | None, subjects: int) -> Population:
    if source is not None:
        from matcher.demo.real import people_of

        if source.modality == "face":
            _fetch(progress)
        return people_of(source.dataset, source.data, subjects, source.modality)
    from matcher.demo.portrait import with_portrait, without_portrait
    from matcher.demo.synthetic import synthetic_people

    missing = None
    try:
        _fetch(progress)
    except ModelFetchError as error:
        missing = str(error)
    task = progress.add_task("synthetic people", total=None)
    people = synthetic_people(subjects, lambda done, all_: progress.update(task, completed=done, total=all_))
    return with_portrait(people) if missing is None else without_portrait(people, missing)


class Tracker:
    """Goes through sequences, each with a progress bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, sequence: Sequence[T], description: str) -> Iterable[T]:
        """Yield the sequence's items."""
        return self._progress.track(sequence, description=description)


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:33}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """Make the output folder, and in it one for the store that is removed at the end."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix="store-", dir=out)
    except OSError as error:
        raise _unwritable(out, error) from error
    with scratch as name:
        try:
            yield Path(name)
        except OSError as error:
            raise _unwritable(out, error) from error


def _unwritable(out: Path, error: OSError) -> ArgumentError:
    return ArgumentError(f"Cannot write in {out}: {error.strerror}.", hint="Choose another --out.")


@contextmanager
def _stopped_like_ctrl_c() -> Iterator[None]:
    """Take a request to terminate for Ctrl-C, so that the server is stopped either way."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
