"""Filters against a loop in plain Python; a selection holds exactly what passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from matcher.errors import ArgumentError
from matcher.gallery.filters import EVERYBODY, Filter, allowed, present
from matcher.gallery.gather import Selection, everything
from matcher.gallery.memory import Memory
from matcher.gallery.records import Change, ChangeKind, EncounterStatus, StoredEncounter
from matcher.gallery.rows import ResidentSample
from matcher.types import Modality

FINGERPRINT = Modality.FINGERPRINT


@dataclass(frozen=True)
class Visit:
    """One encounter as the plain loop knows it."""

    key: int
    subject: int
    stored: StoredEncounter


def register(seed: int, count: int = 200) -> tuple[Memory, list[Visit]]:
    """Return people of one or more encounters with every kind of attribute, some of them deleted."""
    rng = np.random.default_rng(seed)
    memory = Memory(block_rows=16)
    visits: list[Visit] = []
    changes = []
    for key in range(1, count + 1):
        known = [v.subject for v in visits]
        subject = int(rng.choice(known)) if known and rng.random() < 0.3 else key
        stored = StoredEncounter(
            key,
            subject,
            f"s{subject}",
            EncounterStatus(int(rng.integers(1, 3))),
            frozenset(rng.choice(["a", "b", "c"], int(rng.integers(0, 3))).tolist()),
            None if rng.random() < 0.2 else int(rng.integers(1950, 2000)),
            {"region": str(rng.integers(0, 3)), "sex": "f"} if rng.random() < 0.7 else {},
        )
        visits.append(Visit(key, subject, stored))
        samples = [ResidentSample(FINGERPRINT, np.array([key], np.uint64), 0, "x")]
        changes.append(Change(key, ChangeKind.ENROLL, subject, f"s{subject}", samples, key, encounter=stored))
    memory.apply(changes)
    gone = {int(s) for s in rng.choice([v.subject for v in visits], 20)}
    memory.apply([Change(count + 1 + i, ChangeKind.DELETE, s, f"s{s}") for i, s in enumerate(sorted(gone))])
    return memory, [v for v in visits if v.subject not in gone]


def passes(chosen: Filter, visit: Visit) -> bool:
    """The rule, said once more."""
    e = visit.stored
    first, last = chosen.year_of_birth or (0, 9999)
    return (
        (not chosen.active_only or e.status is EncounterStatus.ACTIVE)
        and (chosen.galleries is None or bool(chosen.galleries & e.galleries))
        and (e.year_of_birth is None or first <= e.year_of_birth <= last)
        and all(e.tags.get(k) == v for k, v in chosen.tags.items())
        and f"s{visit.subject}" not in chosen.excluded
    )


FILTERS = [
    EVERYBODY,
    Filter(),
    Filter(galleries=frozenset({"a"})),
    Filter(galleries=frozenset({"b", "c"}), active_only=False),
    Filter(galleries=frozenset({"nobody's"})),
    Filter(year_of_birth=(1960, 1975)),
    Filter(tags={"region": "1"}),
    Filter(tags={"region": "1", "sex": "f"}, active_only=False, year_of_birth=(1900, 1990)),
    Filter(tags={"region": "9"}),
    Filter(excluded=frozenset({"s1", "s2", "s3", "nobody"}), active_only=False),
]


@pytest.mark.parametrize("chosen", FILTERS)
def test_what_passes_is_what_the_rule_says(chosen: Filter) -> None:
    memory, visits = register(1)
    view = memory.view()
    numbers = {memory.find(name) for name in chosen.excluded} - {None}
    passing = allowed(view, chosen, frozenset(numbers))  # type: ignore[arg-type]
    expected = [v for v in visits if passes(chosen, v)]
    batches = list(everything(view.rows[FINGERPRINT], view, passing))
    found = sorted(int(k) for b in batches for k in memory.encounter_keys(b.encounter))
    assert found == [v.key for v in expected]
    assert passing.subjects == len({v.subject for v in expected})
    people = np.array(sorted({memory.find(f"s{v.subject}") for v in visits}), np.int64)  # type: ignore[type-var]
    own = Selection(memory, view, passing, people).hot(FINGERPRINT)
    pairs = {
        (int(people[o]), int(memory.encounter_keys(np.array([e]))[0]))
        for b in own.batches
        for o, e in zip(b.owner, b.encounter, strict=True)
    }
    assert pairs == {(memory.find(f"s{v.subject}"), v.key) for v in expected}
    assert all((form == memory.encounters.key[e]).all() for b in own.batches for form, e in forms(b))


def forms(batch):  # type: ignore[no-untyped-def]
    """Yield the words of each row with its encounter."""
    for row, encounter in zip(batch.rows.tolist(), batch.encounter.tolist(), strict=True):
        yield batch.words[batch.offsets[row] : batch.offsets[row + 1]], encounter


def test_without_conditions_there_is_no_bitmap() -> None:
    memory = Memory()
    sample = ResidentSample(FINGERPRINT, np.zeros(1, np.uint64), 0, "x")
    memory.apply([Change(1, ChangeKind.ENROLL, 1, "s1", [sample])])
    passing = allowed(memory.view(), Filter())
    assert (passing.encounters, passing.subjects) == (None, 1)


def test_what_was_enrolled_after_the_view_does_not_pass() -> None:
    memory, _ = register(2, 50)
    view = memory.view()
    passing = allowed(view, Filter())
    sample = ResidentSample(FINGERPRINT, np.zeros(1, np.uint64), 0, "x")
    number = memory.view().sequence + 1
    memory.apply([Change(number, ChangeKind.ENROLL, number, "new", [sample])])
    new = memory.find("new")
    assert new is not None
    for condition in (passing, allowed(view, EVERYBODY)):
        assert not len(Selection(memory, view, condition, np.array([new])).hot(FINGERPRINT))
    assert len(Selection(memory, memory.view(), allowed(memory.view(), EVERYBODY), np.array([new])).encounter)


def test_years_that_are_no_range_are_refused() -> None:
    for years in ((1990, 1980), (1700, 1980), (1990, 2300)):
        with pytest.raises(ArgumentError):
            Filter(year_of_birth=years)


def test_an_encounter_moved_to_a_new_subject_while_a_search_runs_is_that_subject_s() -> None:
    """Owners change in place: the view was taken before the subject had a number."""
    memory, visits = register(4)
    view = memory.view()
    visit, sequence = visits[-1], view.sequence + 1
    memory.apply(
        [
            Change(
                sequence,
                ChangeKind.MOVE,
                sequence,
                "split",
                encounter_key=visit.key,
                other_key=visit.subject,
                other_id=f"s{visit.subject}",
            )
        ]
    )
    number = memory.find("split")
    assert number is not None
    assert number >= view.numbers
    year = (1800, 2200)
    found = allowed(view, Filter(active_only=False, year_of_birth=year))
    living = view.encounters.alive[: view.encounters.count]
    owners = view.encounters.subject[: view.encounters.count][living]
    assert found.subjects == len(set(owners.tolist()))
    assert present(owners, view.numbers)[number]
    assert sorted(np.flatnonzero(present(owners, view.numbers)).tolist()) == sorted(set(owners.tolist()))
    assert not present(owners[:0], 3).any()
