"""Quick scores: eyes and face come first, and where they decide, strangers' fingers are left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from matcher.datasets.population import Population, SyntheticPerson
from matcher.engine import Engine
from matcher.gallery.search import has_shortlist
from matcher.samples import Sample, SampleKind
from matcher.score import identification, quick
from matcher.score.fusion import PersonSum
from matcher.score.fusion_probe import ModalityProbe
from matcher.score.units import unit_calibration
from matcher.template.modality import Template, encode, modality_of, position_of
from matcher.types import Modality

PEOPLE = 40
SEED = 83
THRESHOLD = 80.0


def samples(templates: list[Template], *left_out: Modality) -> list[Sample]:
    return [
        Sample(encode(t), SampleKind.TEMPLATE, position_of(t))
        for t in templates
        if modality_of(t) not in left_out
    ]


def all_of(person: SyntheticPerson) -> list[Template]:
    return [*person.fingers, *person.irises, *([person.face] if person.face is not None else [])]


@pytest.fixture(scope="module")
def drawn() -> tuple[list[list[Template]], list[list[Template]]]:
    """People of whom everything is there, and a probe of each."""
    population = Population(SEED)
    pairs = [
        (all_of(one), all_of(other))
        for one, other in zip(population.subjects(0, PEOPLE), population.probes(0, PEOPLE), strict=True)
    ]
    whole = max(len(templates) for templates, _ in pairs)
    kept = [pair for pair in pairs if len(pair[0]) == len(pair[1]) == whole]
    return [one for one, _ in kept], [other for _, other in kept]


@pytest.fixture(scope="module")
def engine(
    drawn: tuple[list[list[Template]], list[list[Template]]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("quick")
    with Engine(f"sqlite:///{folder}/gallery.db", threads=1) as engine:
        for number, templates in enumerate(drawn[0]):
            engine.enroll(f"s{number}", samples(templates))
        engine.enroll("without eyes", samples(drawn[0][0], Modality.IRIS))
        engine.enroll("without face", samples(drawn[0][0], Modality.FACE))
        yield engine


@pytest.fixture
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identification, "EXACT_SUBJECTS", 0)
    monkeypatch.setattr(quick, "FULL_AT_LEAST", 1)
    monkeypatch.setattr(quick, "BEST_LISTED", 0)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples that each quick comparison of fingers looks at."""
    seen: list[int] = []
    score = ModalityProbe.score

    def counting(self, samples, owners, units, quick, threads, check):  # type: ignore[no-untyped-def]
        if quick and has_shortlist(self.scorer):
            seen.append(len(samples))
        return score(self, samples, owners, units, quick, threads, check)

    monkeypatch.setattr(ModalityProbe, "score", counting)
    return seen


def found(engine: Engine, probe: list[Template], *left_out: Modality) -> set[str]:
    return {c.subject_id for c in engine.identify(samples(probe, *left_out)).candidates}


def test_who_is_found_by_eyes_and_face_is_found_again_without_them(
    engine: Engine, drawn: tuple[list[list[Template]], list[list[Template]]], approximate: None
) -> None:
    assert found(engine, drawn[1][0]) == {"s0", "without eyes", "without face"}


def test_fingers_of_strangers_are_left_out_where_eyes_and_face_decide(
    engine: Engine,
    drawn: tuple[list[list[Template]], list[list[Template]]],
    approximate: None,
    compared: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    staged = [engine.identify(samples(probe)).candidates for probe in drawn[1]]
    few = sum(compared)
    compared.clear()
    monkeypatch.setattr(quick, "DECIDED_MARGIN", np.inf)
    assert [engine.identify(samples(probe)).candidates for probe in drawn[1]] == staged
    assert few < sum(compared) / 2


@pytest.mark.parametrize("left_out", [Modality.IRIS, Modality.FACE])
def test_nothing_is_left_out_for_a_probe_that_lacks_eyes_or_face(
    engine: Engine,
    drawn: tuple[list[list[Template]], list[list[Template]]],
    approximate: None,
    compared: list[int],
    monkeypatch: pytest.MonkeyPatch,
    left_out: Modality,
) -> None:
    for probe in drawn[1][:5]:
        engine.identify(samples(probe, left_out))
    asked = list(compared)
    compared.clear()
    monkeypatch.setattr(quick, "DECIDED_MARGIN", np.inf)
    for probe in drawn[1][:5]:
        engine.identify(samples(probe, left_out))
    assert compared == asked


def sums(*units: list[float]) -> PersonSum:
    """Scores of each unit by person; -1 where it was not compared."""
    made = PersonSum(unit_calibration(), len(units[0]))
    for unit in units:
        score = np.array(unit)
        made.take(np.maximum(score, 0.0), score >= 0)
    return made


def test_only_who_shows_everything_and_looks_strange_is_a_stranger() -> None:
    #          mate, stranger, no eye, alike in the face
    right = [90.0, 3.0, -1.0, 3.0]
    left = [90.0, 1.0, 1.0, 0.0]
    face = [50.0, 2.0, 2.0, 38.0]
    units = sums(right, left, face)
    assert quick.strangers(units, 3, THRESHOLD).tolist() == [False, True, False, False]
    # Nobody far enough above the threshold; fewer parts than decide; a threshold that strangers reach.
    assert not quick.strangers(units, 3, 1e3).any()
    assert not quick.strangers(sums(right, left), 2, THRESHOLD).any()
    assert not quick.strangers(units, 3, quick.QUICK_MARGIN).any()
