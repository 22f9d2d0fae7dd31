"""`matcher dedup`: who is in a register twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from matcher.dedup.manifest import Run
    from matcher.dedup.pool import Progress

ENV_KEY = "MATCHER_WORK_KEY"
"""Environment variable with the key of the work files: 64 hexadecimal digits."""

GIB = 1 << 30

MOST_MEMORY_GIB = 1 << 20
"""No machine has as much; what is no number is refused with it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dedup")(dedup_command)


def dedup_command(
    source: Annotated[
        str,
        typer.Argument(
            help="URL of a store; folder with a folder (or file) for each record; manifest (.csv, .parquet); "
            "templates (.parquet, .ndjson)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for tables, report and work files.")],
    fpir: Annotated[float, typer.Option(help="Share of records that may be falsely paired.")] = 1e-3,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    memory: Annotated[float, typer.Option(help="GiB of templates that all processes keep.")] = 4.0,
    modality: Annotated[
        str, typer.Option(help="Of files whose names do not say it: fingerprint, iris or face.")
    ] = "fingerprint",
    extractor: Annotated[str, typer.Option(help="Of fingerprint images: numba or leader.")] = "numba",
    face_model: Annotated[str | None, typer.Option(help="Manifest of the face model.")] = None,
    ppi: Annotated[float | None, typer.Option(help="Of prints whose files do not say it.")] = None,
    exhaustive: Annotated[bool, typer.Option(help="Compare all pairs in full, whatever it takes.")] = False,
    against: Annotated[
        str | None, typer.Option(help="Another register or watch list: only pairs across the two.")
    ] = None,
    known: Annotated[
        Path | None,
        typer.Option(help="records.parquet of an earlier run, or a text file of ids: only others are new."),
    ] = None,
    images: Annotated[bool, typer.Option(help="Pictures in the report.")] = True,
) -> None:
    """Find the people who are in a register more than once; run again, it goes on where it was ended."""
    from matcher.dedup.manifest import Run
    from matcher.dedup.settings import Settings
    from matcher.dedup.work import alone
    from matcher.errors import ArgumentError

    if not 0 < memory < MOST_MEMORY_GIB:
        raise ArgumentError(f"--memory: expected more than 0 and less than {MOST_MEMORY_GIB} GiB.")
    settings = Settings(
        fpir=fpir,
        extractor=extractor,
        face_model=face_model,
        modality=modality,
        ppi=ppi,
        exhaustive=exhaustive,
        memory=int(memory * GIB),
        workers=workers or len(os.sched_getaffinity(0)),
    )
    run = Run(source, settings, against, None if known is None else str(known))
    with alone(out):
        summary = _deduplicated(run, out, images=images)
    _print_summary(summary, out)


def _deduplicated(run: Run, out: Path, *, images: bool) -> dict[str, Any]:
    """Open the register, find who is in it twice, write tables and report, and return the summary."""
    from matcher.dedup.manifest import title_of
    from matcher.dedup.report import write_report
    from matcher.dedup.run import deduplicate

    settings = run.settings
    register_, asked = run.open()
    run.write(out)
    records = len(register_.ids)
    expected = settings.expected_false_pairs(asked.searches(records))
    print(
        f"{records:,} records, {asked.pairs(records):,} pairs; threshold "
        f"{settings.threshold(records):.1f} dB; false pairs to be expected: {expected:.2g}",
        file=sys.stderr,
    )
    with _progress_bars() as progress:
        found = deduplicate(register_, out, settings, asked=asked, key=work_key(), progress=progress)
    return write_report(found, out, title_of(run.source), images=images)


def work_key() -> bytes | None:
    """Return the key of the work files from the environment, None where none is set.

    Raises
    ------
    ArgumentError
        If it is no hexadecimal number.
    """
    from matcher.errors import ArgumentError

    digits = os.environ.get(ENV_KEY, "")
    if not digits:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ArgumentError(f"{ENV_KEY}: expected 64 hexadecimal digits.") from None


@contextmanager
def _progress_bars() -> Iterator[Progress]:
    """Show a bar for each stage with rate and time left, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:>12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(file=sys.stderr)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, completed=done, rate="")
            speed = bars.tasks[tasks[stage]].speed
            rate = f"{speed:.1f} tasks/s" if speed else ""
            bars.update(tasks[stage], completed=done, total=total, rate=rate)

        yield tell


def _print_summary(summary: dict[str, Any], out: Path) -> None:
    low, high = summary["expected_false_pairs"]["interval"]
    print(
        f"{summary['duplicate_pairs']} duplicate pairs in {summary['clusters']} clusters "
        f"(false ones to be expected: {low} to {high}), {summary['review_pairs']} more to review."
    )
    for name, count in summary["troubles"].items():
        print(f"  {name}: {count}")
    print(f"Report: {out / 'report.html'}")
