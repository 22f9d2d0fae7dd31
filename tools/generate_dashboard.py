"""Write deploy/grafana-dashboard.json: what an operator looks at first, from the metrics of `matcher serve`.

Run `python -m tools.generate_dashboard`; `--check` fails where the file is not what this gives.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "deploy" / "grafana-dashboard.json"

SCHEMA = 39
"""Grafana's version of the form, of Grafana 10 and 11."""

COLUMNS, WIDTH, HEIGHT = 24, 8, 8
"""Grafana's grid, and a panel in it."""

WINDOW = "$__rate_interval"
"""Grafana chooses it by the time shown."""


@dataclass(frozen=True)
class Panel:
    """One picture: its title, unit (Grafana's name), and lines as (query, legend)."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    says: str


def quantile(share: float, metric: str, by: str) -> str:
    """Return the query of a quantile of a histogram."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket[{WINDOW}])))"


def rate(metric: str, by: str, where: str = "") -> str:
    """Return the query of events a second."""
    return f"sum by ({by}) (rate({metric}{where}[{WINDOW}]))"


PANELS = (
    Panel(
        "Calls a second",
        "reqps",
        ((rate("matcher_calls_total", "method"), "{{method}}"),),
        "All calls, by method.",
    ),
    Panel(
        "Errors a second",
        "reqps",
        ((rate("matcher_calls_total", "method, code, reason", '{code!="OK"}'), "{{method}} {{reason}}"),),
        "INTERNAL is a defect here; RESOURCE_EXHAUSTED means that callers are turned away.",
    ),
    Panel(
        "Duration of calls",
        "s",
        (
            (quantile(0.5, "matcher_call_seconds", "method"), "{{method}} median"),
            (quantile(0.99, "matcher_call_seconds", "method"), "{{method}} p99"),
        ),
        "From the first byte at the handler to the end.",
    ),
    Panel(
        "Duration of stages, p99",
        "s",
        ((quantile(0.99, "matcher_stage_seconds", "stage"), "{{stage}}"),),
        "commit is the disk's; propose, quick and full are the search's.",
    ),
    Panel(
        "Waiting and in flight",
        "short",
        (
            ("matcher_queue_depth", "queue {{queue}}"),
            ("matcher_queued_writes", "writes before their commit"),
            ("sum(matcher_calls_in_flight)", "calls in flight"),
        ),
        "A queue that only grows: the machine is too small, or a disk fails.",
    ),
    Panel(
        "Ready",
        "short",
        (("min(matcher_ready)", "ready"),),
        "0 while a gallery is read from its store; calls are refused then.",
    ),
    Panel(
        "Enrolled",
        "short",
        (
            ("matcher_subjects", "subjects"),
            ("matcher_gallery_samples", "samples, {{modality}}"),
        ),
        "What the gallery holds.",
    ),
    Panel(
        "Memory of the gallery",
        "bytes",
        (
            ("matcher_gallery_bytes", "{{modality}}"),
            ("matcher_people_bytes", "people"),
        ),
        "In the form that is searched.",
    ),
    Panel(
        "Index and snapshot behind",
        "short",
        (
            ("matcher_index_behind_changes", "index, changes"),
            ("matcher_snapshot_behind_changes", "snapshot, changes"),
            ("matcher_index_age_seconds", "index, seconds"),
        ),
        "What came since is searched all the same; a restart replays what the snapshot has not.",
    ),
    Panel(
        "Failures to extract, share of images",
        "percentunit",
        (
            (
                rate("matcher_samples_total", "modality, outcome", '{kind="image",outcome!="template"}')
                + " / ignoring (outcome) group_left "
                + rate("matcher_samples_total", "modality", '{kind="image"}'),
                "{{modality}} {{outcome}}",
            ),
        ),
        "By reason; a device that went bad shows here first.",
    ),
    Panel(
        "Quality of samples",
        "short",
        (
            (quantile(0.1, "matcher_sample_quality", "modality"), "{{modality}} lowest tenth"),
            (quantile(0.5, "matcher_sample_quality", "modality"), "{{modality}} median"),
        ),
        "0 to 100; low quality costs matches later.",
    ),
    Panel(
        "Versions",
        "short",
        (("sum by (version) (matcher_build_info)", "{{version}}"),),
        "Servers of each version.",
    ),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    across = COLUMNS // WIDTH
    return {
        "title": "matcher",
        "uid": "matcher-serve",
        "schemaVersion": SCHEMA,
        "tags": ["matcher"],
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [{"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [
            panel(one, number, number % across * WIDTH, number // across * HEIGHT)
            for number, one in enumerate(PANELS)
        ],
    }


def panel(one: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    """Return one panel at its place."""
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": one.title,
        "description": one.says,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            for place, (query, legend) in enumerate(one.lines)
        ],
    }


def text() -> str:
    """Return the file's text."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main() -> int:
    """Write the file, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        if TARGET.exists() and TARGET.read_text() == text():
            return 0
        print(f"{TARGET.relative_to(ROOT)} is not what tools/generate_dashboard.py gives: run it.")
        return 1
    TARGET.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
