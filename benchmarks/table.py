"""Tables from a file of figures: `python -m benchmarks.table` writes FIGURES.md, and the README's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar
from benchmarks.machine import ROOT
from benchmarks.parts import PARTS, TRUNK

BEGIN = "<!-- figures: written by python -m benchmarks.table -->"
END = "<!-- end of figures -->"
"""The lines of README.md between which its table stands."""

HEAD = ("| what | measured | bar |", "|---|---|---|")

HEADLINES: Mapping[str, Mapping[str, str]] = {
    "fingerprint": {
        "eer_mean": "fingerprint, four FVC sets: mean EER",
        "fnmr_at_fmr_1e-3_mean": "the same: mean FNMR at FMR 1e-3",
        "leader_eer_mean": "the same with LEADER's minutiae: mean EER",
        "uareu_fnmr_at_fmr_1e-4": "fingerprint, UareU: FNMR at FMR 1e-4",
        "extract_ms_median": "fingerprint: extraction, ms",
        "comparisons_per_second_avx512": "fingerprint: 1:N comparisons a second",
    },
    "iris": {
        "casia1_fnmr_at_fmr_1e-4": "iris, CASIA1: FNMR at FMR 1e-4",
        "mmu2_fnmr_at_fmr_1e-4": "iris, MMU2: FNMR at FMR 1e-4",
        "extract_ms_median": "iris: extraction, ms",
        "one_probe_pairs_per_second": "iris: 1:N pairs a second, 31 rotations",
    },
    "face": {
        "view2_accuracy_rate": "face, LFW View 2: accuracy",
        "tar_at_far_1e-3": "face, LFW, all pairs: TAR at FAR 1e-3",
        "search_probes_per_second": "face: searches a second in 1 M",
    },
    "shortlist": {"search_ms_median_1600k": "two fingers among 1.6 M, one thread, ms, median"},
    "losses": {
        "lost_all_good": "mates that a search loses, good captures, upper 95 % bound",
        "real_lost": "real mates that a search loses",
    },
    "store": {
        "sqlite_enrolments_per_second": "enrolments a second, each on disk, SQLite",
        "postgresql_enrolments_per_second": "the same, PostgreSQL",
    },
    "dedup": {
        "minutes_25000": "de-duplication of 25,000 records, 2 cores, minutes",
        "found_rate": "planted duplicates found",
    },
    "privacy": {
        "comparisons_per_second_core_2048": "matching without seeing: comparisons a second and core",
    },
    "service": {
        "secured_verifications_per_second": "verifications a second, mutual TLS, roles, each logged durably",
        "verify_one_median_ms": "one verification over the network, ms, median",
    },
}
"""The rows of the README: part, key of the figure, what it is called there."""

RATES = ("eer", "fnmr", "zero", "rank", "slap", "failures", "rate", "tar", "lost", "share")
"""Words in the keys of figures that are rates."""


def part_of(figures: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    """Return a part of a file of figures, None where it was not measured; fingerprints are at the top."""
    return figures if part == TRUNK else figures.get(part)


def headlines(figures: Mapping[str, Any]) -> str:
    """Return the README's table: the figures that lead each part."""
    return "\n".join([*HEAD, *_headline_rows(figures), "", _measured(figures)])


def markdown(figures: Mapping[str, Any]) -> str:
    """Return all figures as Markdown tables, a heading a part, and the machine in a line below them."""
    lines = [
        "# Figures",
        "",
        "Written by `python -m benchmarks.table`; [how each is measured](README.md).",
        "",
    ]
    for part, module in PARTS.items():
        measured = part_of(figures, part)
        lines += [f"## {part.capitalize()}", ""]
        if measured is None:
            lines += ["Not measured in this file.", ""]
            continue
        lines += [*HEAD, *_bar_rows(module.BARS, measured), "", *_when(figures, part)]
        if measured.get("sets"):
            lines += [*_set_rows(measured["sets"]), ""]
    return "\n".join([*lines, _measured(figures), ""])


def _headline_rows(figures: Mapping[str, Any]) -> Iterator[str]:
    for part, texts in HEADLINES.items():
        measured = part_of(figures, part)
        if measured is not None:
            by_key = {bar.key: bar for bar in PARTS[part].BARS}
            yield from _bar_rows(
                [Bar(k, t, by_key[k].limit, by_key[k].at_least) for k, t in texts.items()], measured
            )


def _measured(figures: Mapping[str, Any]) -> str:
    named = figures["machine"]
    date = figures.get("parts", {}).get(TRUNK, {}).get("date", figures["date"])
    return (
        f"Measured {date} by `{figures['command']}` on {named['cpu']}, {named['simd']}, one core, "
        f"CPU time; load {named['load_1_5_15_min'][0]} at the start. "
        f"Means over {', '.join(figures['means_over'])}."
    )


def _when(figures: Mapping[str, Any], part: str) -> list[str]:
    """Return a line of when a part was measured, of which commit, and under what load."""
    its = figures.get("parts", {}).get(part)
    if its is None:
        return []
    load = its["load_1_5_15_min"]
    edited = " with edits that were not committed" if its["uncommitted_changes"] else ""
    beside = "" if load is None else f", load {load[0]}"
    return [f"Measured {its['date']}, commit {str(its['commit'])[:7]}{edited}{beside}.", ""]


def _bar_rows(bars: Sequence[Bar], figures: Mapping[str, Any]) -> list[str]:
    """Return a row for each bar: what, how much, whether it holds."""
    rows = []
    for bar in bars:
        value = figures["figures"].get(bar.key)
        sign = "at least" if bar.at_least else "at most"
        held = {True: "met", False: "**missed**", None: "not measured"}[
            figures["bars"].get(bar.key, {}).get("met")
        ]
        rows.append(
            f"| {bar.text} | {_number(bar.key, value)} | {sign} {_number(bar.key, bar.limit)}: {held} |"
        )
    return rows


def _set_rows(sets: Mapping[str, Any]) -> list[str]:
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
    """Rewrite the tables from the newest file of figures."""
    from benchmarks.figures import FIGURES

    newest = max(FIGURES.glob("*.json"), default=None)
    if newest is None:
        sys.exit("No figures yet: run `make figures`.")
    figures = json.loads(newest.read_text(encoding="utf-8"))
    readme: Path = ROOT / "README.md"
    readme.write_text(rewrite(readme.read_text(encoding="utf-8"), headlines(figures)), encoding="utf-8")
    (ROOT / "benchmarks" / "FIGURES.md").write_text(markdown(figures), encoding="utf-8")
    print(f"README.md, benchmarks/FIGURES.md: tables of {newest.name}")


if __name__ == "__main__":
    main()
