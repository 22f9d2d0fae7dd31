"""`matcher evaluate`: error rates and speed on a data set of images."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from matcher.evaluate.run import Progress

STANDARD_OUTPUT = "-"
"""File name that means standard output."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate_command)


def evaluate_command(
    modality: Annotated[str, typer.Argument(help="fingerprint, iris or face")],
    dataset: Annotated[
        str, typer.Option(help="fvc, neurotechnology, casia1, mmu2, casia-interval, lfw or folders")
    ],
    root: Annotated[Path, typer.Option(help="The set's folder.")],
    extractor: Annotated[str, typer.Option(help="numba or leader")] = "numba",
    impostors: Annotated[
        str, typer.Option(help="all pairs of identities, or fvc: first samples only")
    ] = "all",
    code: Annotated[
        str, typer.Option(help="Of irises: full, or search for the code that searches read first.")
    ] = "full",
    model: Annotated[
        str | None, typer.Option(help="Of faces: name of a shipped manifest, or path of one.")
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="Of lfw: all pairs, view1 (to choose settings on) or view2 (to report).")
    ] = "all",
    by: Annotated[
        str | None, typer.Option(help="Rates by this column of --attributes (ISO/IEC 19795-10).")
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="CSV: name, identity or person, and what is known of them.")
    ] = None,
    fmr: Annotated[
        float, typer.Option(help="Of --by: false match rate of the calibration's threshold.")
    ] = 1e-3,
    jobs: Annotated[int, typer.Option(min=1, help="Processes for extraction, threads to compare.")] = 1,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the figures there; - for standard output.")
    ] = None,
    scores: Annotated[Path | None, typer.Option(help="Write one row a comparison there (CSV).")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Write pictures, and a page that holds them, there.")
    ] = None,
) -> None:
    """State error rates (ISO/IEC 19795-1) and speed of extractor and scorer on a data set."""
    from matcher.datasets.lfw_pairs import FaceProtocol, load_pairs
    from matcher.datasets.load import load
    from matcher.datasets.protocol import Impostors
    from matcher.errors import ArgumentError
    from matcher.evaluate.modality import modality as find_modality
    from matcher.evaluate.run import evaluate
    from matcher.evaluate.scores_file import write_scores

    if impostors not in list(Impostors):
        raise ArgumentError(f"--impostors: expected one of {', '.join(Impostors)}.")
    if protocol not in list(FaceProtocol):
        raise ArgumentError(f"--protocol: expected one of {', '.join(FaceProtocol)}.")
    if (by is None) != (attributes is None):
        raise ArgumentError("--by and --attributes: expected both or neither.")
    lists = FaceProtocol(protocol)
    if lists is not FaceProtocol.ALL and dataset != "lfw":
        raise ArgumentError("--protocol: only lfw lists pairs.")
    kind = find_modality(modality, extractor, code, model)
    data = load(dataset, root, modality=kind.name)
    listed = None if lists is FaceProtocol.ALL else load_pairs(data, lists)
    with _progress_bar() as progress:
        result = evaluate(
            data, kind, impostors=Impostors(impostors), listed=listed, jobs=jobs, progress=progress
        )
    if kind.name == "iris":
        result.report["code"] = code
    if by is not None and attributes is not None:
        from matcher.evaluate.fairness_run import fairness_of

        result.report["fairness"] = fairness_of(result, kind, by, attributes, fmr)
    if scores is not None:
        write_scores(scores, [sample.name for sample in data.samples], result.comparisons, result.score)
    if plots is not None:
        from matcher.evaluate.plots import write_plots

        write_plots(plots, result)
    if json_file == STANDARD_OUTPUT:
        print(json.dumps(result.report, indent=2, allow_nan=False))
        return
    if json_file is not None:
        Path(json_file).write_text(json.dumps(result.report, indent=2, allow_nan=False) + "\n")
    _print_table(result.report)
    if "fairness" in result.report:
        _print_fairness(result.report["fairness"])


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """Show progress on standard error, so that standard output holds the result alone."""
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    with Bar(console=Console(file=sys.stderr), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        yield tell


def _print_table(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report['modality']}, {report['dataset']} {report['folder']}", box=None)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 % interval")
    table.add_column("note")
    for figure, value, interval, note in table_rows(report):
        table.add_row(figure, value, interval, note)
    Console(width=110).print(table)


def _print_fairness(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"By {found['attribute']}, threshold at FMR {found['fmr']:g}"
    table = Table(title=title, box=None)
    for heading in (found["attribute"], "samples", "FTE", "FNMR", "FMR", "FNIR"):
        table.add_column(heading)
    for name, group in found["groups"].items():
        rates = (_rate_text(group[rate]) for rate in ("fte", "fnmr", "fmr", "fnir"))
        table.add_row(name, str(group["samples"]), *rates)
    console = Console(width=140)
    console.print(table)
    for rate, told in found["inequality"].items():
        left = f"; {told['left_out']} groups have too little data to tell" if told["left_out"] else ""
        if told["gini"] is None:
            console.print(f"{rate.upper()}: too little data to compare groups{left}.")
        else:
            console.print(
                f"{rate.upper()}: highest over lowest {told['max_over_min']:.2f}, over the geometric mean "
                f"{told['max_over_geometric_mean']:.2f}, Gini {told['gini']:.2f}{left}."
            )


def _rate_text(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "nothing to count"
    low, high = rate["interval"]
    mark = "" if rate["tells"] else " (few)"
    return f"{rate['value']:.2%} ({low:.2%} to {high:.2%}){mark}"


def table_rows(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the report's figures as rows of text: figure, value, interval, note."""
    counts = ("images", "identities", "failures_to_extract", "mated", "non_mated")
    rows = [(key, str(report[key]), "", "") for key in counts]
    rates = {
        "eer": report["eer"],
        **{f"fnmr_at_fmr.{fmr}": value for fmr, value in report["fnmr_at_fmr"].items()},
        "zero_fmr": report["zero_fmr"],
        "rank1": report["rank1"],
    }
    for key, value in rates.items():
        interval = report["intervals"].get(key)
        shown = "" if interval is None else f"{interval[0]:.2%} to {interval[1]:.2%}"
        rows.append((key, _text(value, ".2%"), shown, report["flags"].get(key, "")))
    if "accuracy" in report:
        found = report["accuracy"]
        error = "" if found["standard_error"] is None else f"standard error {found['standard_error']:.2%}"
        folds = ", ".join(f"{fold['accuracy']:.2%}" for fold in found["folds"])
        note = f"{folds}; threshold from {found['threshold_from']}"
        rows.append(("accuracy", _text(found["accuracy"], ".2%"), error, note))
    for far, value in report.get("tar_at_far", {}).items():
        rows.append((f"tar_at_far.{far}", _text(value, ".2%"), "", ""))
    if report["quality"] is not None:
        rows.append(("quality.median", _text(report["quality"]["median"], ".0f"), "", "0 to 100"))
    if report["discard"] is not None:
        fall = report["discard"]["fnmr_fall_at_0.2"]
        rows.append(("discard.fnmr_fall_at_0.2", _text(fall, ".0%"), "", "worst fifth by quality discarded"))
    rows.append(("extract_ms_median", _text(report["extract_ms_median"], ".1f"), "", "CPU time"))
    speed = report["comparisons_per_second_core"]
    rows.append(("comparisons_per_second_core", _text(speed, ",.0f"), "", "1:N, CPU time"))
    rows.append(("template_bytes_median", _text(report["template_bytes_median"], ".0f"), "", "stored"))
    rows.append(("resident_bytes_median", _text(report["resident_bytes_median"], ".0f"), "", "in memory"))
    rows.append(("intervals", "", "", report["flags"].get("intervals", "")))
    return rows


def _text(value: float | None, form: str) -> str:
    return "null" if value is None else format(value, form)
