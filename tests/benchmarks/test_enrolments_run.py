"""The benchmark of enrolments runs, and what it says of a few people hangs together."""

from __future__ import annotations

from benchmarks.enrolments import measure


def test_the_benchmark_of_enrolments_runs() -> None:
    report = measure(people=4, seconds=0.2, databases=["sqlite"], subjects=40, searchers=1)
    assert report["sqlite_enrolments_per_second"] > 0
    assert report["sqlite_cpu_ms_of_an_enrolment"] > 0
    beside = report["beside"]
    assert beside["subjects"] == 40
    assert beside["searches_per_second_idle"] > 0
    assert 0 < beside["enrolments_per_second_beside"] < 400
    assert beside["delete_ms_median"] > 0
