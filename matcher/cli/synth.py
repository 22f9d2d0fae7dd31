"""`matcher synth`: synthetic fingerprint images on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group to the program."""
    group = typer.Typer(help="Make synthetic data.", no_args_is_help=True)
    group.command("images")(images)
    app.add_typer(group, name="synth")


def images(
    out: Annotated[Path, typer.Option(help="Folder to make; one folder per finger is written into it.")],
    fingers: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many fingers.")] = 10,
    impressions: Annotated[int, typer.Option(min=1, max=1000, help="How many impressions of each.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    difficulty: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 easy to 1 hard.")] = 0.5,
    height: Annotated[int, typer.Option(min=64, max=2000, help="Rows, pixels at 500 ppi.")] = 374,
    width: Annotated[int, typer.Option(min=64, max=2000, help="Columns, pixels at 500 ppi.")] = 388,
) -> None:
    """Write fingerprint images as PNG at 500 ppi: OUT/finger_000001/impression_01.png and so on."""
    from rich.progress import track

    from matcher.datasets.fingerprint_synthesis.folders import write_finger

    for number in track(range(1, fingers + 1), description="fingers", disable=not sys.stdout.isatty()):
        write_finger(
            out, number, seed=seed, impressions=impressions, difficulty=difficulty, height=height, width=width
        )
    print(f"wrote {fingers * impressions} images of {fingers} fingers to {out}")
