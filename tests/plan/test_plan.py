"""A plan is arithmetic: held against numbers worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.errors import ArgumentError
from matcher.plan.assumptions import DEFAULTS, changed
from matcher.plan.capacity import Demand, capacity
from matcher.plan.expected import expected_errors
from matcher.plan.rates import load_rates, rates_of
from tests.plan.rates_file import rates_value

PLAIN = [
    "peak_factor=1",
    "utilisation=1",
    "replicas=1",
    "search_latency=0.1010001",
    "enrol_with_image=0",
    "verify_with_image=0",
]
"""Assumptions that change nothing, and a latency that a million subjects just reach."""


def test_the_line_through_the_searches_is_found() -> None:
    """The points lie on one."""
    fixed, slope = rates_of(rates_value()).line()
    assert fixed == pytest.approx(0.001)
    assert slope == pytest.approx(1e-7)


@pytest.mark.parametrize(
    "seconds", [[0.001, 0.02, 0.3], [0.3, 0.2, 0.1]], ids=["steeper than its origin", "falling"]
)
def test_no_cost_is_negative(seconds: list[float]) -> None:
    """Noise may bend the line; neither part of it goes below zero."""
    value = rates_value()
    value["search"]["seconds"] = seconds
    fixed, slope = rates_of(value).line()
    assert min(fixed, slope) >= 0
    assert fixed + slope > 0


def test_a_plan_by_hand() -> None:
    """Ten million subjects, one enrolment and a hundred verifications a second."""
    demand = Demand(10_000_000, 86_400, 8_640_000)
    needs = capacity(demand, rates_of(rates_value()), changed(PLAIN))
    assert (needs.shards, needs.subjects_per_shard, needs.shard_limit) == (10, 1_000_000, "latency")
    assert needs.search_seconds == pytest.approx(0.101)
    # ten shards at 1 ms and ten million at 100 ns are 1.01 s of CPU a second, but each shard has a core
    assert needs.search_cores == 10
    assert needs.verify_cores == 1
    assert needs.extract_cores == 0
    assert needs.databases == 1
    assert needs.ram_gb == pytest.approx(50.0)
    assert needs.store_gb == pytest.approx(100.0)
    assert needs.image_gb == pytest.approx(4000.0)
    # 1 search a second to ten shards and back to the caller, 100 verifications, 5 kB each
    assert needs.network_gb_s == pytest.approx((11 + 100) * 5000 / 1e9)


def test_extraction_is_paid_where_images_come() -> None:
    """An enrolment is five images, a verification one finger."""
    demand = Demand(1000, 86_400, 86_400)
    needs = capacity(demand, rates_of(rates_value()), changed(["peak_factor=1", "utilisation=1"]))
    assert needs.extractions == pytest.approx(6.0)
    assert needs.extract_cores == math.ceil(2 * 0.03 + 2 * 0.05 + 0.02 + 0.03)


def test_memory_bounds_a_shard_where_time_does_not() -> None:
    """A machine of 1 GB holds 200,000 subjects of 5 kB."""
    settings = [*PLAIN, "search_latency=1000", "ram_per_machine=1", "ram_share=1"]
    needs = capacity(Demand(10_000_000, 1, 1), rates_of(rates_value()), changed(settings))
    assert (needs.shards, needs.shard_limit) == (50, "memory")
    assert needs.machines == 50


def test_an_impossible_latency_is_said() -> None:
    """No shard is small enough."""
    with pytest.raises(ArgumentError, match="smallest shard"):
        capacity(Demand(10, 1, 1), rates_of(rates_value()), changed(["search_latency=0.001"]))


@given(
    subjects=st.integers(1, 10**11),
    a_day=st.floats(0, 1e9),
    replicas=st.floats(1, 5),
    latency=st.floats(0.01, 100),
)
def test_more_never_takes_less(subjects: int, a_day: float, replicas: float, latency: float) -> None:
    """Whatever is asked: shards hold everybody, and twice the people never take fewer cores or bytes."""
    rates = rates_of(rates_value())
    assumed = changed([f"replicas={replicas!r}", f"search_latency={latency!r}"])
    one = capacity(Demand(subjects, a_day, a_day), rates, assumed)
    two = capacity(Demand(2 * subjects, a_day, a_day), rates, assumed)
    assert one.shards * one.subjects_per_shard >= subjects
    assert one.search_seconds <= latency * (1 + 1e-9)
    assert two.search_cores >= one.search_cores
    assert two.ram_gb > one.ram_gb
    assert two.machines >= one.machines


def test_errors_by_hand() -> None:
    """A threshold of 100 lies between the counted mates: FNMR 0.2 %, and the search loses a thousandth."""
    demand = Demand(10_000_000, 1_000_000, 0)
    found = expected_errors(demand, rates_of(rates_value()), changed(["fpir=0.001", "duplicate_share=0.01"]))
    assert found.threshold == pytest.approx(100.0)
    assert found.fnir == pytest.approx(0.002 + 0.998 * 0.001)
    assert found.missed == pytest.approx(10_000 * found.fnir)
    assert found.false_alarms == pytest.approx(990.0)
    assert found.extrapolated
    assert not found.beyond_mated
    assert found.least_seen == pytest.approx(3 / 500)


def test_a_threshold_beyond_the_mates_is_marked() -> None:
    """What was never counted is said to be a bound."""
    found = expected_errors(Demand(10**12, 1, 0), rates_of(rates_value()), changed(["fpir=0.001"]))
    assert found.beyond_mated
    assert found.fnir >= 0.01


@pytest.mark.parametrize("setting", ["nothing=1", "fpir", "fpir=much", "fpir=0", "fpir=2", "replicas=nan"])
def test_a_wrong_setting_is_refused(setting: str) -> None:
    """By name, form and range."""
    with pytest.raises(ArgumentError):
        changed([setting])


def test_defaults_lie_within_their_ranges() -> None:
    """Each could be set to itself."""
    assert changed([f"{name}={one.value!r}" for name, one in DEFAULTS.items()]).keys() == DEFAULTS.keys()


def _broken(**changes: Any) -> dict[str, Any]:
    return {**rates_value(), **changes}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        _broken(format=2),
        _broken(verify_seconds=0),
        _broken(verify_seconds=None),
        _broken(lost=1.5),
        _broken(search={"subjects": [1], "seconds": [1]}),
        _broken(search={"subjects": [2, 1], "seconds": [1, 1]}),
        _broken(search={"subjects": [1, 2], "seconds": [0, 1]}),
        _broken(search={"subjects": [1, 2], "seconds": [1]}),
        _broken(mated={"scores": [1, 2], "fnmr": [1, 0], "supported": 1, "probes": 1}),
        _broken(mated={"scores": [1], "fnmr": [1], "supported": 1, "probes": 1}),
        _broken(mated={"scores": [1, 2], "fnmr": [0, 1], "supported": 1, "probes": 0}),
        _broken(samples={"fingerprint": 2}),
    ],
)
def test_broken_rates_are_refused(value: Any) -> None:
    """Typed, whatever is wrong."""
    with pytest.raises(ArgumentError):
        rates_of(value)


@pytest.mark.parametrize("text", [None, "{", "\x00" * 2_000_000], ids=["missing", "no JSON", "huge"])
def test_a_rates_file_that_is_none_is_refused(tmp_path: Path, text: str | None) -> None:
    """With a hint."""
    path = tmp_path / "rates.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArgumentError):
        load_rates(path)


def test_the_command_prints_every_assumption(tmp_path: Path) -> None:
    """And what was asked for, measured and found."""
    path = tmp_path / "rates.json"
    path.write_text(json.dumps(rates_value()))
    arguments = ["plan", "--subjects", "1400000000", "--enrolments-per-day", "1000000"]
    arguments += ["--verifications-per-day", "100000000", "--rates", str(path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for name in DEFAULTS:
        assert name in result.output
    assert "1,400,000,000 subjects" in result.output
    assert "FNIR" in result.output
    assert "shards" in result.output
    again = CliRunner().invoke(app, [*arguments, "--json", "--set", "replicas=3"])
    value = json.loads(again.output)
    assert value["assumptions"]["replicas"]["value"] == 3.0
    assert value["needs"]["ram_gb"] == pytest.approx(1.4e9 * 5000 * 3 / 1e9)


def test_shipped_rates_can_be_planned_with() -> None:
    """They are whole, and a small register needs little."""
    rates = load_rates()
    needs = capacity(Demand(100_000, 1000, 10_000), rates, DEFAULTS)
    assert needs.shards == 1
    assert np.isfinite(needs.ram_gb)


def test_a_private_plan_is_that_of_the_parties() -> None:
    """One code behind two commands; its enrolments count as searches."""
    asked = ["plan", "--private", "--subjects", "1000000", "--enrolments-per-day", "600"]
    found = CliRunner().invoke(app, [*asked, "--searches-per-day", "400", "--json"])
    same = CliRunner().invoke(
        app, ["privacy", "plan", "--subjects", "1000000", "--searches-per-day", "1000", "--json"]
    )
    assert json.loads(found.output) == json.loads(same.output)
    page = CliRunner().invoke(app, asked)
    assert "each party" in page.output
    assert "not counted" in page.output
    for wrong in ([], [*asked[4:], "--set", "replicas=3"]):
        refused = CliRunner().invoke(app, [*asked[:4], *wrong])
        assert isinstance(refused.exception, ArgumentError)
