"""Rates by group: counted as defined, with intervals that hold, and silent where there is too little data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.datasets.fingerprint_synthesis.folders import write_finger
from matcher.datasets.samples import Dataset, Sample
from matcher.errors import ArgumentError
from matcher.evaluate.attributes import attribute_of
from matcher.evaluate.comparisons import Comparisons
from matcher.evaluate.fairness import fairness_report

IDENTITIES, SAMPLES = 80, 3


def everything(miss: dict[str, float], seed: int = 0) -> tuple[list[str], Any, Any, Comparisons]:
    """Return groups, identities, failures and all comparisons: a mated one of a group misses that often."""
    rng = np.random.default_rng(seed)
    names = list(miss)
    identities = np.repeat(np.arange(IDENTITIES), SAMPLES)
    groups = [names[one % len(names)] for one in identities.tolist()]
    probe, reference = np.triu_indices(len(identities), 1)
    mated = identities[probe] == identities[reference]
    rates = np.array([miss[groups[one]] for one in probe.tolist()])
    missed = rng.random(len(probe)) < rates
    false = rng.random(len(probe)) < 0.01
    raw = np.where(mated, np.where(missed, 0.0, 2.0), np.where(false, 2.0, 0.0)).astype(np.float32)
    failed = np.zeros(len(identities), np.bool_)
    return groups, identities, failed, Comparisons(probe, reference, mated, raw)


def test_rates_are_those_of_the_plain_count() -> None:
    """Against loops over every comparison of a group."""
    groups, identities, failed, all_pairs = everything({"f": 0.3, "m": 0.1})
    failed[:2] = True
    raw = all_pairs.raw.copy()
    raw[failed[all_pairs.probe] | failed[all_pairs.reference]] = np.nan
    # Failures belong in no non-mated comparison.
    kept = all_pairs.mated | ~np.isnan(raw)
    columns = (all_pairs.probe, all_pairs.reference, all_pairs.mated, raw)
    pairs = Comparisons(*(column[kept] for column in columns))
    report = fairness_report(groups, identities, failed, pairs, 1.0)
    counts = {name: {"fnmr": [0, 0], "fmr": [0, 0], "fnir": [0, 0]} for name in ("f", "m")}
    columns = (pairs.probe, pairs.reference, pairs.mated, pairs.raw)
    for one, two, mated, score in zip(*(column.tolist() for column in columns), strict=True):
        if groups[one] != groups[two]:
            continue
        own = counts[groups[one]]
        match = not math.isnan(score) and score >= 1.0
        if mated:
            own["fnmr"][0] += not match
            own["fnmr"][1] += 1
            if one % SAMPLES == 0:
                own["fnir"][0] += not match
                own["fnir"][1] += 1
        elif not math.isnan(score):
            own["fmr"][0] += match
            own["fmr"][1] += 1
    for name, own in counts.items():
        for rate, (errors, trials) in own.items():
            found = report["groups"][name][rate]
            assert (found["errors"], found["trials"]) == (errors, trials)
            low, high = found["interval"]
            assert low <= found["value"] <= high
    assert report["groups"]["f"]["fte"]["errors"] == 2
    assert report["groups"]["m"]["fte"]["value"] == 0.0
    json.dumps(report, allow_nan=False)


def test_inequality_is_that_of_the_rates() -> None:
    """Three to one: the ratio, the geometric mean and Gini's coefficient by their formulas."""
    report = fairness_report(*everything({"f": 0.45, "m": 0.15}), 1.0)
    rates = [report["groups"][name]["fnmr"]["value"] for name in ("f", "m")]
    told = report["inequality"]["fnmr"]
    assert told["max_over_min"] == pytest.approx(rates[0] / rates[1])
    assert told["max_over_geometric_mean"] == pytest.approx(rates[0] / math.sqrt(rates[0] * rates[1]))
    assert told["gini"] == pytest.approx((rates[0] - rates[1]) / (rates[0] + rates[1]))
    equal = fairness_report(*everything({"f": 0.3, "m": 0.3}, seed=1), 1.0)["inequality"]["fnmr"]
    assert equal["gini"] < told["gini"]


def test_too_little_data_is_said() -> None:
    """A group without errors, or of few people, is left out of ratios; its interval is the rule of three."""
    report = fairness_report(*everything({"f": 0.4, "m": 0.0}), 1.0)
    silent = report["groups"]["m"]["fnmr"]
    assert (silent["value"], silent["tells"]) == (0.0, False)
    assert silent["interval"] == (0.0, 3 / (IDENTITIES // 2))
    assert report["inequality"]["fnmr"] == {
        "max_over_min": None,
        "max_over_geometric_mean": None,
        "gini": None,
        "left_out": 1,
    }
    many = {f"g{i}": 0.3 for i in range(4)}
    assert not fairness_report(*everything(many), 1.0)["groups"]["g0"]["fnmr"]["tells"]


def test_intervals_cover() -> None:
    """Of 60 drawn sets, the 95 % interval holds the true rate in most: 85 % at least."""
    hits = 0
    for seed in range(60):
        groups, identities, failed, pairs = everything({"f": 0.25, "m": 0.25}, seed=seed)
        mated = pairs.mated
        few = Comparisons(pairs.probe[mated], pairs.reference[mated], mated[mated], pairs.raw[mated])
        low, high = fairness_report(groups, identities, failed, few, 1.0)["groups"]["f"]["fnmr"]["interval"]
        hits += low <= 0.25 <= high
    assert hits >= 51


def test_attributes_come_from_a_table(tmp_path: Path) -> None:
    """By name, identity or person; what is missing is empty; what does not fit is told."""
    samples = tuple(Sample(f"{n}_1.png", str(n), person=f"p{n}") for n in range(3))
    data = Dataset("folders", "fingerprint", tmp_path, samples)
    file = tmp_path / "a.csv"
    file.write_text("person,sex\np0,f\np2,m\n")
    assert list(attribute_of(data, file, "sex")) == ["f", "", "m"]
    for text, words in (("person,age\n", "expected one of"), ("person,sex\nx,f\n", "no person")):
        file.write_text(text)
        with pytest.raises(ArgumentError, match=words):
            attribute_of(data, file, "sex")
    with pytest.raises(ArgumentError):
        attribute_of(data, tmp_path / "none.csv", "sex")
    with pytest.raises(ArgumentError, match="1 to"):
        fairness_report([""] * 240, *everything({"f": 0.1})[1:], 1.0)


def test_the_command_states_rates_by_group(tmp_path: Path) -> None:
    """Four synthetic fingers of two groups: the groups are there, and it says that this is too little."""
    for number in range(1, 5):
        write_finger(tmp_path / "set", number, seed=3, impressions=2)
    identities = sorted(folder.name for folder in (tmp_path / "set").iterdir())
    rows = "".join(f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(identities))
    (tmp_path / "a.csv").write_text(f"identity,device\n{rows}")
    options = ["--dataset", "folders", "--root", str(tmp_path / "set"), "--json", str(tmp_path / "o.json")]
    by = ["--by", "device", "--attributes", str(tmp_path / "a.csv")]
    result = CliRunner().invoke(app, ["evaluate", "fingerprint", *options, *by])
    assert result.exit_code == 0, result.output
    assert "too little data to compare groups" in result.output
    report = json.loads((tmp_path / "o.json").read_text())["fairness"]
    assert {name: group["samples"] for name, group in report["groups"].items()} == {"a": 4, "b": 4}
    alone = CliRunner().invoke(app, ["evaluate", "fingerprint", *options, *by[:2]])
    assert "both or neither" in str(alone.exception)
