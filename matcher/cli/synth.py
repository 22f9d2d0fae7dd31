"""`matcher synth`: synthetic images and populations on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from matcher.errors import ArgumentError

FINGERPRINT_SIZE = (374, 388)
"""Rows and columns of a print if nobody says, pixels at 500 ppi."""

IRIS_SIZE = (480, 640)
"""Rows and columns of a picture of an eye if nobody says, pixels."""


def register(app: typer.Typer) -> None:
    """Add the command group to the program."""
    group = typer.Typer(help="Make synthetic data.", no_args_is_help=True)
    group.command("images")(images)
    group.command("population")(population)
    app.add_typer(group, name="synth")


def images(
    out: Annotated[
        Path, typer.Option(help="Folder to make; one folder per finger or eye is written into it.")
    ],
    modality: Annotated[str, typer.Option(help="fingerprint or iris")] = "fingerprint",
    identities: Annotated[
        int, typer.Option("--identities", "--fingers", "--eyes", min=1, max=1_000_000, help="How many.")
    ] = 10,
    samples: Annotated[
        int, typer.Option("--samples", "--impressions", min=1, max=1000, help="How many images of each.")
    ] = 4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    difficulty: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 easy to 1 hard.")] = 0.5,
    height: Annotated[
        int | None, typer.Option(min=64, max=2000, help="Rows; 374 (at 500 ppi), or 480 of eyes.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=64, max=2000, help="Columns; 388 (at 500 ppi), or 640 of eyes.")
    ] = None,
) -> None:
    """Write images as PNG: OUT/finger_000001/impression_01.png or OUT/eye_000001/sample_01.png and so on."""
    from rich.progress import track

    from matcher.datasets.fingerprint_synthesis.folders import write_finger
    from matcher.datasets.iris_synthesis.folders import write_eye

    if modality not in ("fingerprint", "iris"):
        raise ArgumentError("--modality: expected fingerprint or iris.")
    is_iris = modality == "iris"
    rows, columns = IRIS_SIZE if is_iris else FINGERPRINT_SIZE
    rows, columns = height or rows, width or columns
    name = "eyes" if is_iris else "fingers"
    for number in track(range(1, identities + 1), description=name, disable=not sys.stdout.isatty()):
        if is_iris:
            write_eye(
                out, number, seed=seed, samples=samples, difficulty=difficulty, height=rows, width=columns
            )
        else:
            write_finger(
                out, number, seed=seed, impressions=samples, difficulty=difficulty, height=rows, width=columns
            )
    print(f"wrote {identities * samples} images of {identities} {name} to {out}")


def population(
    out: Annotated[
        Path, typer.Option(help="New or empty folder; shards of 4,096 people are written into it.")
    ],
    subjects: Annotated[int, typer.Option(min=1, help="How many people are enrolled.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 1,
    fingers: Annotated[int, typer.Option(help="2 (index fingers) or 10.")] = 2,
    probes: Annotated[int, typer.Option(min=0, help="Captures of each person beside the enrolment.")] = 0,
    duplicates: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of enrolments whose person was enrolled before.")
    ] = 0.0,
    modalities: Annotated[
        str, typer.Option(help="What is captured, parted by commas.")
    ] = "fingerprint,iris,face",
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Write templates of synthetic people: fingers, irises, a face, as the extractors would give them.

    The layout of the files, and a loader for them: matcher.datasets.population.folder.
    """
    from rich.progress import Progress

    from matcher.datasets.population.folder import Order, write_population
    from matcher.types import Modality

    known = {modality.name.lower(): modality for modality in Modality}
    names = [name.strip() for name in modalities.split(",")]
    if not set(names) <= set(known) or len(set(names)) != len(names):
        raise ArgumentError(f"--modalities: expected some of {', '.join(known)}.")
    chosen = tuple(known[name] for name in names)
    order = Order(seed, subjects, fingers, probes, duplicates, chosen)
    with Progress(disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("shards")
        write_population(
            out, order, jobs=jobs, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    print(f"wrote {subjects} subjects with {probes} probes each to {out}")
