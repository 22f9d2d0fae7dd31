"""What a run writes: tables that agree with each other, a page that needs nothing and escapes everything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.dedup.report import write_report
from matcher.dedup.summary import poisson_interval, proportion_interval

EVIL = "<script>alert('x')</script>"


@pytest.fixture
def written(people: Any, duplicated: Any, run: Any, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A report of the register with duplicates, whose ids and attributes try to be markup."""
    register = {name if name != "r000" else EVIL: own for name, own in duplicated.items()}
    sites = {name: {"site": "north" if number % 2 else EVIL} for number, name in enumerate(register)}
    source = people.write_ndjson(tmp_path / "r.ndjson", register, sites)
    return tmp_path / "out", write_report(run(source, tmp_path / "out"), tmp_path / "out", EVIL)


def test_tables_and_summary_agree(written: tuple[Path, dict[str, Any]]) -> None:
    """Pairs, clusters and records of Parquet, as many as the summary says."""
    out, summary = written
    assert json.loads(json.dumps(summary)) == json.loads((out / "summary.json").read_text())
    pairs, clusters, records = (
        pq.read_table(out / f"{name}.parquet").to_pylist() for name in ("pairs", "clusters", "records")
    )
    assert summary["records"] == len(records) == 40
    duplicates = [row for row in pairs if row["verdict"] == "DUPLICATE"]
    assert summary["duplicate_pairs"] == len(duplicates) == 4
    assert summary["records_in_clusters"] == len(clusters) == 8
    assert {row["record_id"] for row in clusters} == {
        row[key] for row in duplicates for key in ("probe_id", "candidate_id")
    }
    for row in duplicates:
        assert row["fmr"] == pytest.approx(10 ** (-row["score"] / 10), rel=1e-3)
        assert len(row["parts"]) == 5
        assert row["fingerprint_score"] == pytest.approx(
            max(p["score"] for p in row["parts"] if p["modality"] == "FINGERPRINT"), abs=1e-3
        )
    assert {row["cluster"] for row in records if row["cluster"] >= 0} == {0, 1, 2, 3}
    assert {row["attribute_site"] for row in records} == {"north", EVIL}
    assert [group["records"] for group in summary["by_attribute"]["site"]] == [20, 20]
    lines = (out / "records.csv").read_text().splitlines()
    assert len(lines) == 41


def test_the_page_is_self_contained_and_escaped(written: tuple[Path, dict[str, Any]]) -> None:
    """No address, no script, no file beside it; ids are shown as text."""
    text = (written[0] / "report.html").read_text()
    assert "http:" not in text
    assert "https:" not in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r'(?:src|href)="(?!data:)', text)
    assert text.count("<h1>") == 1


def test_intervals_are_those_of_the_textbook() -> None:
    """Poisson 50: 37 to 64 (95 % of it); no event of 30: up to 11.6 % (Clopper & Pearson)."""
    assert poisson_interval(50.0) == (37, 64)
    assert poisson_interval(0.0) == (0, 0)
    assert proportion_interval(0, 30) == pytest.approx((0.0, 0.1157), abs=1e-4)
    assert proportion_interval(30, 30) == pytest.approx((0.8843, 1.0), abs=1e-4)
    assert proportion_interval(0, 0) is None


def test_the_command_prints_what_it_expects_and_found(people: Any, duplicated: Any, tmp_path: Path) -> None:
    """And refuses contradictory options with a typed error."""
    source = people.write_ndjson(tmp_path / "r.ndjson", duplicated)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["dedup", str(source), "--out", str(out), "--workers", "1", "--no-images"]
    )
    assert result.exit_code == 0, result.output
    assert "40 records, 780 pairs" in result.output
    assert "expected: 0.02" in result.output
    assert "4 duplicate pairs in 4 clusters" in result.output
    listed = ["--against", str(source), "--known", str(out / "records.parquet")]
    wrong = CliRunner().invoke(app, ["dedup", str(source), "--out", str(out), *listed])
    assert wrong.exit_code == 1
    assert "expected one of them" in str(wrong.exception)
    again = ["--known", str(out / "records.parquet"), "--workers", "1"]
    known = CliRunner().invoke(app, ["dedup", str(source), "--out", str(out), *again])
    assert "every record" in str(known.exception)
