"""The report as one page that refers to nothing outside itself: sent as one file, read offline, printed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from matcher.dedup.chart import histogram_chart
from matcher.dedup.clusters import WEAK_BAND
from matcher.dedup.words import KINDS, REASONS, TROUBLES, VERDICTS
from matcher.version import __version__

Thumbnails = Callable[[str], Sequence[tuple[str, bytes]]]
"""Record id to its pictures: what each shows, and a PNG file."""

FIRST_TO_REVIEW = 50
LARGEST = 12
RECORDS_SHOWN = 8

_STYLE = """
:root { color-scheme: light; --line: #d5dbe3; --soft: #4d5763; --accent: #1f5fa8; --warn: #9a3412; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.2rem; font: 16px/1.5 system-ui, sans-serif;
  color: #1b2430; background: #fff; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; } p.lead, .soft { color: var(--soft); } p.lead { margin: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { border-bottom-width: 2px; font-size: .85rem; color: var(--soft); }
tbody th { font-weight: 500; } .number { text-align: right; white-space: nowrap; }
.tiles { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .warn { color: var(--warn); }
.faces { display: flex; flex-wrap: wrap; gap: .5rem; } figure { margin: 0; width: 7rem; }
figure img { width: 100%; border: 1px solid var(--line); } figcaption { font-size: .75rem; }
.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
@media (max-width: 40rem) { body { padding: .8rem; font-size: 15px; } .table { overflow-x: auto; } }
@media print { body { max-width: none; font-size: 10pt; } tr, figure, .tile { break-inside: avoid; } }
"""


def page(
    title: str,
    summary: Mapping[str, Any],
    histogram: Sequence[int],
    pairs: Sequence[Mapping[str, Any]],
    clusters: Sequence[Mapping[str, Any]],
    thumbnails: Thumbnails | None,
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    title : str
        Of the register. Every text may hold anything: all are escaped.
    summary : mapping
        Of `matcher.dedup.summary.summarise`.
    histogram : sequence of int
        Pairs compared by score, 1 dB each.
    pairs, clusters : sequence of mapping
        Rows of the tables.
    thumbnails : callable or None
        None leaves pictures out.
    """
    expected = summary["expected_false_pairs"]
    lead = (
        f"{summary['records']:,} records, {summary['samples']:,} samples; FPIR {summary['fpir']:g} a record, "
        f"threshold {summary['threshold']:.1f} dB; matcher {__version__}."
    )
    body = [
        f'<h1>De-duplication: {escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n',
        _tiles(summary),
        "<h2>What to review first</h2>\n",
        _review(pairs),
        "<h2>Scores of all pairs compared</h2>\n",
        histogram_chart(histogram, float(summary["threshold"]), int(summary["pairs_possible"])),
        f"<p>Expected false pairs: {expected['mean']:.1f} (95 % of runs: {expected['interval'][0]} to "
        f"{expected['interval'][1]}). Found at or above the threshold: {summary['duplicate_pairs']:,}. "
        f"{escape(_sure(summary))}</p>\n",
        _table(
            ("what two records have in common", "pairs", "threshold, dB", "false, expected", "found"),
            [
                (
                    KINDS[k["kind"]],
                    f"{k['pairs']:,}",
                    f"{k['threshold']:.1f}",
                    f"{k['expected_false_pairs']:.2g}",
                    f"{k['duplicate_pairs']:,}",
                )
                for k in summary["kinds"]
            ],
        ),
        "<h2>Troubles</h2>\n",
        _table(
            ("what", "how many", "meaning"),
            [(key, f"{n:,}", TROUBLES.get(key, "")) for key, n in summary["troubles"].items()],
        ),
        "<h2>Samples that gave no template</h2>\n",
        _table(
            ("reason", "samples", "meaning"),
            [(key, f"{n:,}", REASONS.get(key, "")) for key, n in summary["failures"].items()],
        ),
        _groups(summary["by_attribute"]),
        "<h2>Largest clusters</h2>\n",
        _clusters(clusters, thumbnails),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>De-duplication: {escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{''.join(body)}</main>\n</body>\n</html>\n"
    )


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = [
        ("people found more than once", summary["clusters"]),
        ("records they have", summary["records_in_clusters"]),
        ("pairs at or above the threshold", summary["duplicate_pairs"]),
        ("pairs just below, to review", summary["review_pairs"]),
        ("weak links, split", summary["weak_links"]),
        ("records without a template", summary["records_without_template"]),
    ]
    cells = "".join(f'<div class="tile"><b>{n:,}</b>{escape(what)}</div>\n' for what, n in tiles)
    return f'<div class="tiles">\n{cells}</div>\n'


def _sure(summary: Mapping[str, Any]) -> str:
    share, missed = summary["false_share_estimate"], summary["missed_estimate"]
    words = []
    if share["mean"] is not None:
        low, high = share["interval"]
        words.append(f"So {share['mean']:.1%} of them are false by the model ({low:.1%} to {high:.1%}).")
    if missed["share"] is not None:
        low, high = missed["interval"]
        few = " Few clusters: indicative only." if missed["indicative"] else ""
        words.append(
            f"Within clusters of three and more, {missed['share']:.1%} of the pairs stayed below the "
            f"threshold ({low:.1%} to {high:.1%}): at least so often a comparison of one person fails.{few}"
        )
    return " ".join(words)


def _review(pairs: Sequence[Mapping[str, Any]]) -> str:
    """Pairs with troubles, those below the threshold, and those not far above."""
    ordered = sorted(
        pairs,
        key=lambda p: (
            not p["troubles"],
            p["verdict"] != "REVIEW",
            p["score"] - p["threshold"],
            p["probe_id"],
            p["candidate_id"],
        ),
    )
    wanted = [p for p in ordered if p["troubles"] or p["score"] < p["threshold"] + WEAK_BAND]
    rows = [
        (
            f"{p['probe_id']} – {p['candidate_id']}",
            f"{p['score']:.1f}",
            f"{VERDICTS[p['verdict']]} {'; '.join(TROUBLES.get(t, t) for t in p['troubles'])}".strip(),
        )
        for p in wanted[:FIRST_TO_REVIEW]
    ]
    return _table(("records", "score, dB", "why"), rows)


def _groups(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    parts = []
    for name, rows in groups.items():
        cells = [
            (
                row["value"] or "(not said)",
                f"{row['records']:,}",
                ", ".join(f"{m.lower()} {q:.0f}" for m, q in row["quality_median"].items() if q is not None),
                _share(row["with_failures"], row["records"], row["with_failures_interval"]),
                _share(row["in_clusters"], row["records"], row["in_clusters_interval"]),
                "few records: indicative" if row["indicative"] else "",
            )
            for row in rows
        ]
        heads = (name, "records", "median quality", "records with failures", "records in clusters", "")
        parts.append(f"<h3>{escape(name)}</h3>\n{_table(heads, cells)}")
    return f"<h2>Quality by what the register says</h2>\n{''.join(parts)}" if parts else ""


def _share(count: int, total: int, interval: Sequence[float]) -> str:
    return f"{count / total:.1%} ({interval[0]:.1%} to {interval[1]:.1%})"


def _clusters(rows: Sequence[Mapping[str, Any]], thumbnails: Thumbnails | None) -> str:
    by_cluster: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_cluster.setdefault(row["cluster"], []).append(row)
    largest = sorted(by_cluster.items(), key=lambda item: (-len(item[1]), item[0]))[:LARGEST]
    parts = []
    for number, members in largest:
        first = members[0]
        split = " It was cut from a larger one at a weak link." if first["split"] else ""
        parts.append(
            f"<h3>Cluster {number}: {len(members)} records</h3>\n<p class='soft'>Scores from "
            f"{first['weakest_score']:.1f} to {first['strongest_score']:.1f} dB; {first['density']:.0%} of "
            f"its pairs reach the threshold.{split}</p>\n"
        )
        shown = [str(row["record_id"]) for row in members[:RECORDS_SHOWN]]
        if thumbnails is None:
            parts.append(f"<p>{escape(', '.join(shown))}</p>\n")
        else:
            figures = (_figure(name, what, png) for name in shown for what, png in thumbnails(name))
            parts.append(f'<div class="faces">\n{"".join(figures)}</div>\n')
    return "".join(parts) or "<p>None.</p>\n"


def _figure(name: str, what: str, png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    words = escape(f"{name}, {what}")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>\n"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in rest)
        + "</tr>\n"
        for first, *rest in rows
    )
    if not body:
        return "<p>None.</p>\n"
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        f'<div class="table">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n'
        "</table>\n</div>\n"
    )
