"""The stages of a search: what they propose, that the rest is exact, and that nothing deleted comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.batches import Question
from matcher.datasets.iris_codes import IrisCodes
from matcher.engine import Engine
from matcher.errors import ArgumentError
from matcher.gallery import gather
from matcher.gallery.filters import EVERYBODY, Filter, allowed
from matcher.gallery.memory import Memory
from matcher.gallery.propose import PROBES_A_PASS, Proposer, bits_of
from matcher.gallery.search import prepare
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.samples import Sample, SampleKind
from matcher.score import identification, quick
from matcher.score.identification import Identifier
from matcher.score.iris import IrisProbe
from matcher.score.iris_scorer import IrisSearchScorer
from matcher.template.modality import encode
from matcher.types import F32, I64, FingerPosition, Modality

PEOPLE = 300
SIDES = (EyePosition.RIGHT, EyePosition.LEFT)


@pytest.fixture
def approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few there are, stages are taken, and they propose few."""
    monkeypatch.setattr(identification, "EXACT_SUBJECTS", 0)
    monkeypatch.setattr(identification, "PROPOSALS", 12)
    monkeypatch.setattr(identification, "LEAST_PROPOSALS", 6)
    monkeypatch.setattr(quick, "FULL_AT_LEAST", 4)


@pytest.fixture(scope="module")
def eyes() -> dict[tuple[int, int], list[IrisTemplate]]:
    """Both eyes of everybody by (person, impression)."""
    codes = IrisCodes(11)
    made = {impression: codes.templates(0, 2 * PEOPLE, impression) for impression in (0, 1)}
    return {
        (person, impression): [
            replace(t, position=side, extractor=EXTRACTOR_ID)
            for t, side in zip(own[2 * person :], SIDES, strict=False)
        ]
        for impression, own in made.items()
        for person in range(PEOPLE)
    }


@pytest.fixture(scope="module")
def iris_engine(
    eyes: dict[tuple[int, int], list[IrisTemplate]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("irises")
    with Engine(f"sqlite:///{folder}/gallery.db", threads=1) as engine:
        for person in range(PEOPLE):
            engine.enroll(f"s{person}", samples(eyes[person, 0]))
        yield engine


def samples(templates: list[IrisTemplate]) -> list[Sample]:
    return [Sample(encode(t), SampleKind.TEMPLATE, t.position) for t in templates]


@pytest.mark.usefixtures("approximate")
def test_irises_are_found_by_search_codes_and_scored_in_full(
    iris_engine: Engine, eyes: dict[tuple[int, int], list[IrisTemplate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages return what everybody's full codes give; they read few of these."""
    read = 0
    plain = iris_engine._gallery.fetch

    def counting(memory: Memory, modality: Modality, keys: list[int]) -> object:
        nonlocal read
        read += len(keys)
        return plain(memory, modality, keys)

    monkeypatch.setattr(iris_engine._gallery, "fetch", counting)
    wrong = 0
    for person in range(0, PEOPLE, 20):
        read = 0
        probe = samples(eyes[person, 1])
        found = iris_engine.identify(probe)
        assert 0 < read <= 60
        exact = iris_engine.identify(probe, exhaustive=True)
        assert read >= 2 * PEOPLE
        wrong += found != exact
        if found.candidates:
            assert found.candidates[0].subject_id == f"s{person}"
    assert wrong == 0


@pytest.mark.usefixtures("approximate")
@pytest.mark.parametrize("threads", [1, 2])
def test_eyes_of_a_batch_are_looked_for_in_one_pass_with_the_answers_of_each_alone(
    iris_engine: Engine,
    eyes: dict[tuple[int, int], list[IrisTemplate]],
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    """People of two eyes, of one, of one of unknown side, strangers' filters and an error beside them."""
    monkeypatch.setattr(iris_engine, "_threads", threads)
    probes = [samples(eyes[person, 1]) for person in range(0, PEOPLE, 7)]
    probes += [samples(eyes[person, 1][:1]) for person in range(3, PEOPLE, 50)]
    probes += [samples([replace(eyes[9, 1][1], position=EyePosition.UNKNOWN)])]
    without = Filter(excluded=frozenset({"s0", "s14"}))
    asked = [Question(own, 20, threshold=0.0) for own in probes]
    asked += [Question(own, 20, threshold=0.0, chosen=without) for own in probes[:4]]
    asked += [Question(probes[0], exhaustive=True)]
    passes: list[int] = []
    plain = IrisSearchScorer.least

    def noting(self: IrisSearchScorer, probes: list[IrisProbe], *args: Any) -> list[tuple[I64, F32]]:
        passes.append(len(probes))
        return plain(self, probes, *args)

    monkeypatch.setattr(IrisSearchScorer, "least", noting)
    alone = [
        iris_engine.identify(
            q.samples,
            max_candidates=q.max_candidates,
            threshold=q.threshold,
            chosen=q.chosen,
            exhaustive=q.exhaustive,
        )
        for q in asked
    ]
    assert set(passes) == {1}
    assert sum(found.candidates[0].score.value > 0 for found in alone if found.candidates) > 40
    single = len(passes)
    passes.clear()
    *found, wrong = iris_engine.identify_together([*asked, Question([])])
    assert found == alone
    assert isinstance(wrong, ArgumentError)
    assert sum(passes) == single
    assert max(passes) == PROBES_A_PASS
    assert len(passes) <= single / 4


def test_an_eye_in_memory_is_its_search_code_alone(iris_engine: Engine) -> None:
    [irises] = iris_engine.status().modalities
    assert irises.samples == 2 * PEOPLE
    # 512 B of search code and mask, and 16 beside: the aim of the search record's layout.
    assert irises.resident_bytes / irises.samples == 528


def test_one_eye_of_unknown_side_is_proposed_too(
    iris_engine: Engine, eyes: dict[tuple[int, int], list[IrisTemplate]]
) -> None:
    memory = iris_engine._gallery.memory()
    view = memory.view()
    scorer = iris_engine._scorers[Modality.IRIS]
    template = replace(eyes[7, 1][1], position=EyePosition.UNKNOWN)
    proposer = Proposer(view, allowed(view, EVERYBODY), 1, lambda: None)
    found = proposer.propose(Modality.IRIS, scorer, prepare(scorer, [template]), 5)
    assert memory.find("s7") in found
    assert len(found) <= 20


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=1
    ) as engine:
        yield engine


def someone(fakes: ModuleType, who: int, impression: int = 0) -> list[Sample]:
    """A finger and an eye."""
    return [
        fakes.image(2 * who, impression, FingerPosition.RIGHT_INDEX),
        fakes.image(2 * who + 1, impression, EyePosition.RIGHT),
    ]


@pytest.mark.usefixtures("approximate")
def test_proposals_of_all_modalities_are_united(
    engine: Engine, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in range(40):
        engine.enroll(f"s{who}", someone(fakes, who))
    monkeypatch.setattr(identification, "PROPOSALS", 4)
    monkeypatch.setattr(identification, "LEAST_PROPOSALS", 2)
    for who in range(0, 40, 5):
        # The finger of one person with the eye of another: each modality brings its own.
        finger, eye = someone(fakes, who, 1)[0], someone(fakes, who + 1, 1)[1]
        found = {c.subject_id for c in engine.identify([finger, eye]).candidates}
        assert found == {f"s{who}", f"s{who + 1}"}


@pytest.mark.usefixtures("approximate")
def test_stages_return_what_an_exhaustive_search_does(engine: Engine, fakes: ModuleType) -> None:
    for who in range(60):
        engine.enroll(f"s{who}", someone(fakes, who))
    engine.delete("s5")
    for who in range(0, 60, 5):
        probe = someone(fakes, who, 1)
        exact = engine.identify(probe, exhaustive=True)
        assert engine.identify(probe) == exact
        assert [c.subject_id for c in exact.candidates] == ([] if who == 5 else [f"s{who}"])


def test_an_exhaustive_search_goes_chunk_by_chunk(
    engine: Engine, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in range(30):
        engine.enroll(f"s{who}", someone(fakes, who))
    whole = engine.identify(someone(fakes, 7, 1), threshold=0, max_candidates=12, exhaustive=True)
    monkeypatch.setattr(identification, "EXHAUSTIVE_CHUNK", 4)
    monkeypatch.setattr(identification, "LOOKED_BEYOND", 3)
    monkeypatch.setattr(gather, "CHUNK_ROWS", 3)
    again = engine.identify(someone(fakes, 7, 1), threshold=0, max_candidates=12, exhaustive=True)
    assert again == whole
    assert len(whole.candidates) == 12


def test_a_subject_that_loses_a_sample_meanwhile_is_looked_at_anew(
    engine: Engine, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every candidate is checked once more before the reply."""
    engine.enroll("alice", someone(fakes, 1))
    engine.enroll("bob", someone(fakes, 2))
    memory = engine._gallery.memory()
    number = memory.find("alice")
    assert number is not None
    [encounter] = memory.encounters_of(np.array([number])).encounter.tolist()
    plain = Identifier._ranked

    def losing(self: Identifier, *arguments: object) -> object:
        memory.rows[Modality.IRIS].remove(encounter)
        memory.publish(memory.view().sequence)
        return plain(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Identifier, "_ranked", losing)
    before = engine.verify("alice", someone(fakes, 1, 1)[:1]).decision.score
    [found] = engine.identify(someone(fakes, 1, 1)).candidates
    assert (found.subject_id, found.score) == ("alice", before)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 63, 64, 65, 200])
def test_bits_are_those_of_the_bools(count: int) -> None:
    bools = np.random.default_rng(count).random(count) < 0.5
    words = bits_of(bools)
    assert len(words) == (count + 63) // 64
    assert [bool(int(words[r // 64]) >> (r % 64) & 1) for r in range(count)] == bools.tolist()
