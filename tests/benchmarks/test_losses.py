"""The benchmark of lost mates runs at its smallest size, and counts what is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.losses import ALL, GOOD, STAGES, measure, upper
from benchmarks.losses_plot import plot
from benchmarks.losses_real import RealPerson, _pairs
from matcher.datasets.population import Population
from matcher.gallery.propose import Proposer
from matcher.template.modality import Template
from matcher.types import FingerPosition

PEOPLE, PROBES = 140, 3
"""Beyond 128 subjects a search is no longer exhaustive by itself."""


def stand_in() -> list[RealPerson]:
    """Return people in place of real ones: of another population."""
    others = Population(7)
    both = zip(others.subjects(0, 3), others.probes(0, 3), strict=True)

    def own(person: object) -> list[Template]:
        return [*person.fingers, *person.irises, person.face]  # type: ignore[attr-defined]

    return [RealPerson(own(one), [own(two)]) for one, two in both]


def test_whole_searches_are_counted(tmp_path: Path) -> None:
    found = measure([PEOPLE], PROBES, 5, real=stand_in())
    [row] = found["sizes"]
    assert row["subjects"] == PEOPLE + 3
    assert {name: its["probes"] for name, its in row["mated"].items()} == dict.fromkeys(row["mated"], PROBES)
    assert len(row["mated"]) == 2 + 3 + 3
    assert row["mated"][GOOD]["lost"] == row["real"][ALL]["lost"] == 0
    assert row["real"][ALL]["probes"] == 3
    assert set(row["mated"][GOOD]["stage_ms_median"]) == set(STAGES.values())
    assert row["exhaustive"] == {"searches": PROBES, "agreed": PROBES}
    plot(found, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").stat().st_size > 1000


def test_a_stage_that_loses_everybody_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Proposer, "propose", lambda *_, **__: np.zeros(0, np.int32))
    [row] = measure([PEOPLE], PROBES, 2, real=[])["sizes"]
    assert row["mated"][GOOD]["lost"] == PROBES
    assert row["exhaustive"]["agreed"] == 0


def test_the_bound_is_the_rule_of_three() -> None:
    assert upper(0, 5000) == pytest.approx(3 / 5000, rel=0.01)
    assert upper(5, 5) == 1.0


def test_two_fingers_make_a_person() -> None:
    fingers = [list(person.fingers[:1]) * 2 for person in Population(9).subjects(0, 2)]
    [person] = _pairs(iter(fingers), (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX))
    assert [[t.position for t in parts] for parts in person] == [  # type: ignore[union-attr]
        [FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX]
    ] * 2
