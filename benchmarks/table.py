"""The README's table from a file of figures: `python -m benchmarks.table` rewrites it between its markers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar
from benchmarks.machine import ROOT

BEGIN = "<!-- figures: written by python -m benchmarks.table -->"
END = "<!-- end of figures -->"
"""The lines of README.md between which the table stands."""

HEAD = "| what | measured | bar |"

RATES = ("eer", "fnmr", "zero", "rank", "slap", "failures", "rate", "tar", "lost", "share")
"""Words in the keys of figures that are rates."""


def markdown(figures: dict[str, Any]) -> str:
    """Return the figures as Markdown tables, and the machine in a line below them."""
    from benchmarks.figures import BARS
    from benchmarks.figures_dedup import BARS as DEDUP_BARS
    from benchmarks.figures_face import BARS as FACE_BARS
    from benchmarks.figures_iris import BARS as IRIS_BARS
    from benchmarks.figures_losses import BARS as LOSSES_BARS
    from benchmarks.figures_population import BARS as POPULATION_BARS
    from benchmarks.figures_privacy import BARS as PRIVACY_BARS
    from benchmarks.figures_shortlist import BARS as SHORTLIST_BARS
    from benchmarks.figures_store import BARS as STORE_BARS

    rows = [HEAD, "|---|---|---|", *_bar_rows(BARS, figures)]
    more = figures["figures"]
    rows.append(f"| stored to resident form, microseconds | {_number('us', more['expand_us_median'])} | |")
    rows += ["", *_set_rows(figures["sets"])]
    if "iris" in figures:
        iris = figures["iris"]
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(IRIS_BARS, iris), "", *_set_rows(iris["sets"])]
    if "face" in figures:
        face = figures["face"]
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(FACE_BARS, face), "", *_set_rows(face.get("sets", {}))]
    if "dedup" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(DEDUP_BARS, figures["dedup"])]
    if "population" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(POPULATION_BARS, figures["population"])]
    if "store" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(STORE_BARS, figures["store"])]
    if "shortlist" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(SHORTLIST_BARS, figures["shortlist"])]
    if "losses" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(LOSSES_BARS, figures["losses"])]
    if "privacy" in figures:
        rows += ["", HEAD, "|---|---|---|", *_bar_rows(PRIVACY_BARS, figures["privacy"])]
    named = figures["machine"]
    rows += [
        "",
        f"Measured {figures['date']} by `{figures['command']}` on {named['cpu']}, {named['simd']}, one core, "
        f"CPU time; load {named['load_1_5_15_min'][0]} at the start. "
        f"Means over {', '.join(figures['means_over'])}.",
    ]
    return "\n".join(rows)


def _bar_rows(bars: Sequence[Bar], figures: dict[str, Any]) -> list[str]:
    """Return a row for each bar: what, how much, whether it holds."""
    rows = []
    for bar in bars:
        value, state = figures["figures"][bar.key], figures["bars"][bar.key]["met"]
        sign = "at least" if bar.at_least else "at most"
        held = {True: "met", False: "**missed**", None: "not measured"}[state]
        rows.append(
            f"| {bar.text} | {_number(bar.key, value)} | {sign} {_number(bar.key, bar.limit)}: {held} |"
        )
    return rows


def _set_rows(sets: dict[str, Any]) -> list[str]:
    """Return the error rates of each set as a table."""
    rows = [
        "| set | images | EER | FNMR at FMR 1e-2 | 1e-3 | 1e-4 | zero FMR | rank 1 |",
        "|" + "---|" * 8,
    ]
    for title, report in sets.items():
        rates = [report["eer"], *report["fnmr_at_fmr"].values(), report["zero_fmr"], report["rank1"]]
        cells = " | ".join("null" if rate is None else f"{rate:.2%}" for rate in rates)
        rows.append(f"| {title} | {report['images']} | {cells} |")
    return rows


def _number(key: str, value: float | None) -> str:
    if value is None:
        return "null"
    if "returned" in key:  # a hundredth of a per cent is what is asked for
        return f"{value:.4%}"
    if any(word in key for word in RATES):
        return f"{value:.2%}"
    if key.startswith("actual"):
        return f"{value:.2f}"
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def rewrite(text: str, table: str) -> str:
    """Return `text` with what stands between the markers replaced by `table`."""
    head, found, rest = text.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not found or not closed:
        raise SystemExit(f"README.md: expected the lines {BEGIN!r} and {END!r}.")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


def main() -> None:
    """Rewrite the README's table from the newest file of figures."""
    from benchmarks.figures import FIGURES

    newest = max(FIGURES.glob("*.json"), default=None)
    if newest is None:
        sys.exit("No figures yet: run `make figures`.")
    readme: Path = ROOT / "README.md"
    table = markdown(json.loads(newest.read_text(encoding="utf-8")))
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), table), encoding="utf-8")
    print(f"README.md: table of {newest.name}")


if __name__ == "__main__":
    main()
