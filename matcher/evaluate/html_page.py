"""One self-contained page of an evaluation: figures, intervals, pictures and what each figure means.

It refers to nothing outside itself (a content security policy in it says so to the browser), so it can be
sent as one file, read offline, on a phone, and printed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matcher.evaluate.html_rows import Row, calibration_rows, cost_rows, count_rows, rate_rows
from matcher.version import __version__


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the page: file name, heading, what it shows, and its bytes."""

    name: str
    heading: str
    caption: str
    png: bytes


_STYLE = """
:root { color-scheme: light; --line: #d5dbe3; --soft: #56606c; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.2rem; font: 16px/1.5 system-ui, sans-serif;
  color: #1b2430; background: #fff; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p.lead, figcaption, dd, td.note { color: var(--soft); }
p.lead { margin: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { border-bottom-width: 2px; font-size: .85rem; color: var(--soft); }
tbody th { font-weight: 500; }
td.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
th.number { text-align: right; }
td.note { font-size: .88rem; }
.pictures { display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: .8rem; }
figure h3 { margin: 0 0 .4rem; font-size: 1rem; }
figure img { width: 100%; height: auto; display: block; }
figcaption { font-size: .88rem; margin-top: .4rem; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; font-size: .92rem; }
@media (max-width: 40rem) {
  body { padding: .8rem; font-size: 15px; }
  thead, td:empty { display: none; }
  tr { display: flex; flex-wrap: wrap; column-gap: 1rem; padding: .3rem 0;
    border-bottom: 1px solid var(--line); }
  th, td { border: 0; padding: 0; }
  tbody th, td.note { flex-basis: 100%; }
  td.number::before { content: attr(data-column) " "; color: var(--soft); font-size: .85rem; }
}
@media print { body { max-width: none; padding: 0; font-size: 10pt; } figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; } .pictures { grid-template-columns: 1fr 1fr; gap: .5rem; } }
"""


def page(report: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    report : dict
        Of `matcher.evaluate.report.make_report`. Its texts may hold anything: all are escaped.
    pictures : sequence of Picture
        Held in the page as data.
    """
    name = f"{report['modality']}, {report['dataset']} {report['folder']}"
    lead = (
        f"Extractor {report['extractor_id']}, calibration {report['calibration'] or 'none'}, "
        f"impostors {report['impostors']}; matcher {__version__}."
    )
    intervals = report["interval_method"]
    indicative = " Indicative only: few of them." if intervals["indicative"] else ""
    note = (
        f"95 % intervals: {intervals['replicates']:,} bootstrap replicates over {intervals['clusters']:,} "
        f"clusters, one for each {intervals['unit']}.{indicative}"
    )
    sections = [
        _table("Error rates", ("", "value", "95 % interval", ""), rate_rows(report), note),
        f'<h2>Pictures</h2>\n<div class="pictures">\n{"".join(map(_figure, pictures))}</div>\n',
        _table("Comparisons", ("", "number", "", ""), count_rows(report)),
        _table(
            "What a score promises, and what was observed",
            ("threshold", "FMR observed", "FNMR observed", ""),
            calibration_rows(report),
        ),
        _table("Cost", ("", "value", "", ""), cost_rows(report)),
        _definitions(report["definitions"]),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(name)}</h1>\n<p class="lead">{escape(lead)}</p>\n{"".join(sections)}</body>\n</html>\n'
    )


def _table(heading: str, columns: Sequence[str], rows: Iterable[Row], note: str = "") -> str:
    """Return a table of rows; on a narrow screen each number carries its column's name with it."""
    first, second = (escape(text) for text in columns[1:3])
    body = "".join(
        f'<tr><th scope="row">{escape(row.name)}</th>'
        f'<td class="number" data-column="{first}">{escape(row.value)}</td>'
        f'<td class="number" data-column="{second}">{escape(row.interval)}</td>'
        f'<td class="note">{escape(row.note)}</td></tr>\n'
        for row in rows
    )
    if not body:
        return ""
    kinds = ("", ' class="number"', ' class="number"', "")
    head = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>' for text, kind in zip(columns, kinds, strict=True)
    )
    below = f'<p class="lead">{escape(note)}</p>\n' if note else ""
    return (
        f"<h2>{escape(heading)}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f"</table>\n{below}"
    )


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f"<figure>\n<h3>{escape(picture.heading)}</h3>\n"
        f'<img src="data:image/png;base64,{data}" alt="{escape(picture.caption)}">\n'
        f"<figcaption>{escape(picture.caption)}</figcaption>\n</figure>\n"
    )


def _definitions(definitions: dict[str, str]) -> str:
    entries = "".join(
        f"<dt>{escape(key)}</dt>\n<dd>{escape(text)}</dd>\n" for key, text in definitions.items()
    )
    return f"<h2>Definitions</h2>\n<dl>\n{entries}</dl>\n"
