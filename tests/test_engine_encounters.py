"""Encounters through the engine: what is done to one is what searches and restarts see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from matcher.deadline import Deadline
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    EncounterNotFoundError,
    IdempotencyMismatchError,
    SubjectExistsError,
    SubjectNotFoundError,
)
from matcher.gallery.filters import Filter
from matcher.gallery.operations import EncounterUpdate, SubjectIs
from matcher.gallery.records import EncounterDetails, EncounterStatus, sample_key_of
from matcher.types import FingerPosition

THUMB, INDEX = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX


@pytest.fixture
def engine(store_url: str, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(store_url, scorers=fakes.scorers(), read=fakes.read, threads=1) as engine:
        yield engine


@pytest.fixture
def local(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(
        f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read, threads=1
    ) as engine:
        yield engine


def found(engine: Engine, fakes: ModuleType, identity: int, chosen: Filter | None = None) -> list[str]:
    """Return whom a search for an identity finds."""
    answer = engine.identify([fakes.image(identity, 9)], chosen=chosen or Filter())
    return [c.subject_id for c in answer.candidates]


def test_every_operation_is_seen_by_the_next_search_and_after_a_restart(
    store_url: str, fakes: ModuleType
) -> None:
    def open_engine() -> Engine:
        return Engine(store_url, scorers=fakes.scorers(), read=fakes.read, threads=1)

    with open_engine() as engine:
        first = engine.enroll("a", [fakes.image(1), fakes.image(2)]).sequence
        second = engine.enroll("a", [fakes.image(3)], subject_is=SubjectIs.KNOWN).sequence
        third = engine.enroll("b", [fakes.image(4)]).sequence
        fourth = engine.enroll("b", [fakes.image(5)], subject_is=SubjectIs.EITHER).sequence
        engine.enroll("c", [fakes.image(6)])
        fifth = engine.enroll("d", [fakes.image(7)]).sequence
        engine.enroll("d", [fakes.image(8)], subject_is=SubjectIs.KNOWN)
        assert [found(engine, fakes, i) for i in range(1, 9)] == [[s] for s in "aaabbcdd"]
        engine.delete_sample(sample_key_of(first, 1))
        engine.delete_encounter(second)
        engine.merge("a", "c")
        engine.move(fourth, "e", subject_is=SubjectIs.NEW)
        engine.set_status(third, EncounterStatus.INACTIVE)
        engine.set_galleries(fifth, frozenset({"here"}))
        engine.update(EncounterUpdate(fifth, year_of_birth=1980, tags={"sex": "f"}))
    with open_engine() as again:
        for _ in range(2):
            assert [found(again, fakes, i) for i in range(1, 9)] == [
                ["a"], [], [], [], ["e"], ["a"], ["d"], ["d"],
            ]  # fmt: skip
            everybody = Filter(active_only=False)
            assert found(again, fakes, 4, everybody) == ["b"]
            here = Filter(galleries=frozenset({"here"}), tags={"sex": "f"}, year_of_birth=(1980, 1980))
            assert [found(again, fakes, i, here) for i in (7, 8)] == [["d"], []]
            assert again.identify([fakes.image(7)], chosen=here).subjects == 1
            again.set_status(third, EncounterStatus.INACTIVE)
        assert again.status().subjects == 4
        assert [len(e.samples) for e in again.subject("a").encounters] == [1, 1]


def test_what_is_not_there_is_told(local: Engine, fakes: ModuleType) -> None:
    local.enroll("a", [fakes.image(1)])
    for call in (
        lambda: local.delete("b"),
        lambda: local.subject("b"),
        lambda: local.merge("a", "b"),
        lambda: local.identify_subject("b"),
        lambda: local.enroll("b", [fakes.image(2)], subject_is=SubjectIs.KNOWN),
    ):
        with pytest.raises(SubjectNotFoundError):
            call()
    with pytest.raises(EncounterNotFoundError):
        local.set_status(77, EncounterStatus.ACTIVE)
    with pytest.raises(SubjectExistsError):
        local.enroll("a", [fakes.image(2)])
    with pytest.raises(ArgumentError):
        local.merge("a", "")


def test_a_stored_subject_as_a_probe_never_finds_itself(local: Engine, fakes: ModuleType) -> None:
    local.enroll("a", [fakes.image(1, 0, INDEX), fakes.image(2, 0, THUMB)])
    assert not local.identify_subject("a").candidates
    assert local.identify_subject("a").subjects == 0
    local.enroll("b", [fakes.image(1, 1, INDEX)])
    local.enroll("c", [fakes.image(9, 1, INDEX)])
    for exhaustive in (False, True):
        answer = local.identify_subject("a", exhaustive=exhaustive)
        assert ([c.subject_id for c in answer.candidates], answer.subjects) == (["b"], 2)
    assert [c.subject_id for c in local.identify_subject("b").candidates] == ["a"]
    left_out = Filter(excluded=frozenset({"a"}))
    assert not local.identify_subject("b", chosen=left_out).candidates


def test_the_threshold_counts_who_passes_the_filter(local: Engine, fakes: ModuleType) -> None:
    for who in range(10):
        details = EncounterDetails(galleries=frozenset({"odd" if who % 2 else "even"}), year_of_birth=1990)
        local.enroll(f"s{who}", [fakes.image(who)], details=details)
    answer = local.identify([fakes.image(3, 1)], fpir=0.01, chosen=Filter(galleries=frozenset({"odd"})))
    assert (answer.subjects, [c.subject_id for c in answer.candidates]) == (5, ["s3"])
    assert answer.threshold == pytest.approx(26.9897)  # -10 log10(0.01 / 5)
    assert not local.identify([fakes.image(4, 1)], chosen=Filter(galleries=frozenset({"odd"}))).candidates
    assert not local.identify([fakes.image(3, 1)], chosen=Filter(year_of_birth=(1995, 2000))).candidates
    assert not local.identify([fakes.image(3, 1)], chosen=Filter(excluded=frozenset({"s3"}))).candidates


def test_details_are_part_of_a_repeated_request(local: Engine, fakes: ModuleType) -> None:
    details = EncounterDetails(galleries=frozenset({"a"}), tags={"k": "v"})
    local.enroll(None, [fakes.image(1)], idempotency_key="k", details=details)
    again = local.enroll(None, [fakes.image(1)], idempotency_key="k", details=details)
    assert not again.created
    for other in (EncounterDetails(), EncounterDetails(galleries=frozenset({"a"}))):
        with pytest.raises(IdempotencyMismatchError):
            local.enroll(None, [fakes.image(1)], idempotency_key="k", details=other)


def test_a_reply_says_what_the_probe_could_have_shown(local: Engine, fakes: ModuleType) -> None:
    for who in range(5):
        local.enroll(f"s{who}", [fakes.image(who)])
    certain = local.identify([fakes.image(1, 1)]).certainty
    assert certain is not None
    # The fakes score a sample with itself 100; another impression is at most 0.85 of it.
    assert (certain.reachable, certain.sufficient) == (pytest.approx(85.0), True)
    unreachable = local.identify([fakes.image(1, 1)], threshold=90.0).certainty
    assert unreachable is not None
    assert not unreachable.sufficient
    two = local.identify([fakes.image(1, 1, INDEX), fakes.image(2, 1, THUMB)]).certainty
    assert two is not None
    assert two.reachable > certain.reachable


@pytest.mark.parametrize("crowd", [0, 140])
def test_a_search_during_which_people_are_merged_or_moved_finds_them_all_the_same(
    local: Engine, fakes: ModuleType, crowd: int
) -> None:
    """Under the one name or the other, at whatever moment of a search: of a small gallery, and by stages."""
    for number in range(crowd):
        local.enroll(f"other {number}", [fakes.image(10_000 + number)])

    def names(identity: int, change: Callable[[], object], at: int) -> tuple[list[str], bool]:
        """Whom a search for an identity finds, at whose `at`th look at the clock the change is made."""
        looks = iter(range(1, 1_000_000))
        made = []

        def remaining() -> float:
            if next(looks) == at:
                made.append(change())
            return 60.0

        answer = local.identify([fakes.image(identity, 9)], deadline=Deadline(remaining))
        return [candidate.subject_id for candidate in answer.candidates], bool(made)

    for at in range(1, 100):
        first, second = 10 * at, 10 * at + 1
        local.enroll(f"{at} gone", [fakes.image(first)])
        local.enroll(f"{at} kept", [fakes.image(second)])
        found, merged = names(first, partial(local.merge, f"{at} kept", f"{at} gone"), at)
        assert found in ([f"{at} gone"], [f"{at} kept"]), at
        key = local.enroll(f"{at} from", [fakes.image(first + 2)]).sequence
        local.enroll(f"{at} from", [fakes.image(first + 3)], subject_is=SubjectIs.KNOWN)
        move = partial(local.move, key, f"{at} to", subject_is=SubjectIs.EITHER)
        found, moved = names(first + 2, move, at)
        assert found in ([f"{at} from"], [f"{at} to"]), at
        if not (merged or moved):
            break
    assert not merged
    assert not moved
    assert at > 2
