"""The engine against a plain model of it: whatever is done in whatever order, with restarts between.

Every search must name exactly those whom the model names, whichever way memory came to its state: change
by change, from the store as a whole, or from a snapshot and the changes since.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    EncounterExistsError,
    EncounterNotFoundError,
    IdempotencyMismatchError,
    MatcherError,
    NothingLeftError,
    SampleNotFoundError,
    SubjectExistsError,
    SubjectNotFoundError,
)
from matcher.gallery import snapshots
from matcher.gallery.filters import EVERYBODY, Filter
from matcher.gallery.operations import EncounterUpdate, SubjectIs
from matcher.gallery.records import ClientEncounter, EncounterDetails, EncounterStatus, sample_key_of

IDENTITIES = range(8)
NAMES = st.sampled_from("abcd")
PEOPLE = st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=3, unique=True)
GALLERIES = st.frozensets(st.sampled_from(["north", "south"]))
STATUS = st.sampled_from(EncounterStatus)
YEARS = st.one_of(st.none(), st.sampled_from([1950, 2000]))
CHOSEN = st.sampled_from(
    [
        EVERYBODY,
        Filter(),
        Filter(active_only=False, galleries=frozenset({"north"})),
        Filter(active_only=False, year_of_birth=(1990, 2010)),
        Filter(active_only=False, excluded=frozenset("a")),
        Filter(tags={"t": "1"}),
    ]
)
OWN_IDS = st.one_of(st.none(), st.sampled_from(["v1", "v2"]))
PICK = st.integers(0, 5)
"""Which of the encounters that there were: gone ones too."""

THRESHOLD = 50.0
"""Between the fakes' mated and non-mated scores."""


@dataclass
class Visit:
    """An encounter of the model."""

    subject: str
    samples: dict[int, int]
    """Identity by ordinal."""

    status: EncounterStatus
    galleries: frozenset[str]
    year: int | None
    tags: dict[str, str] = field(default_factory=dict)
    own_id: str | None = None

    def passes(self, chosen: Filter) -> bool:
        """Whether a search looks at it."""
        first, last = chosen.year_of_birth or (0, 9999)
        return (
            (not chosen.active_only or self.status is EncounterStatus.ACTIVE)
            and (chosen.galleries is None or bool(chosen.galleries & self.galleries))
            and self.subject not in chosen.excluded
            and (self.year is None or first <= self.year <= last)
            and chosen.tags.items() <= self.tags.items()
        )


class Model(RuleBasedStateMachine):
    """Does everything twice, and compares."""

    def __init__(self, make_url: Callable[[Path], str], fakes: ModuleType) -> None:
        super().__init__()
        self.fakes = fakes
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.url = make_url(self.path)
        self.visits: dict[int, Visit] = {}
        self.keys: list[int] = []
        self.requests: dict[str, tuple[Any, int]] = {}
        self.engine = self.opened()

    def opened(self) -> Engine:
        fakes = self.fakes
        return Engine(
            self.url, scorers=fakes.scorers(), read=fakes.read, threads=1, snapshot=self.path / "snapshot"
        )

    def teardown(self) -> None:
        self.engine.close()
        self.folder.cleanup()

    def own(self, name: str) -> list[int]:
        """Encounters of a subject."""
        return [key for key, visit in self.visits.items() if visit.subject == name]

    def own_ids(self, name: str) -> set[str]:
        """Ids of the client's that encounters of a subject have."""
        return {own_id for key in self.own(name) if (own_id := self.visits[key].own_id) is not None}

    def key(self, pick: int) -> int:
        """One of all encounters that there ever were; one that never was where there were none."""
        return self.keys[-1 - pick % len(self.keys)] if self.keys else 1

    def tried(self, act: Callable[[], Any], *expected: type[MatcherError] | bool) -> Any:
        """Do something; the first error of those given whose condition holds must be raised."""
        wanted = next((e for e, when in zip(expected[::2], expected[1::2], strict=True) if when), None)
        if wanted is None:
            return act()
        with pytest.raises(wanted):  # type: ignore[call-overload]
            act()
        return None

    def images(self, people: list[int]) -> list[Any]:
        return [self.fakes.image(identity) for identity in people]

    @rule(
        name=NAMES,
        people=PEOPLE,
        expected=st.sampled_from(SubjectIs),
        status=STATUS,
        galleries=GALLERIES,
        year=YEARS,
        own_id=OWN_IDS,
    )
    def enroll(
        self,
        name: str,
        people: list[int],
        expected: SubjectIs,
        status: EncounterStatus,
        galleries: frozenset[str],
        year: int | None,
        own_id: str | None,
    ) -> None:
        there = bool(self.own(name))
        details = EncounterDetails(status, galleries, year)
        done = self.tried(
            lambda: self.engine.enroll(
                name, self.images(people), details=details, subject_is=expected, client_encounter_id=own_id
            ),
            SubjectExistsError,
            there and expected is SubjectIs.NEW,
            SubjectNotFoundError,
            not there and expected is SubjectIs.KNOWN,
            EncounterExistsError,
            own_id in self.own_ids(name),
        )
        if done is not None:
            self.keys.append(done.sequence)
            visit = Visit(name, dict(enumerate(people)), status, galleries, year, own_id=own_id)
            self.visits[done.sequence] = visit

    @rule(key=st.sampled_from("xyz"), people=PEOPLE)
    def enroll_under_a_key(self, key: str, people: list[int]) -> None:
        former, sequence = self.requests.get(key, (people, 0))
        done = self.tried(
            lambda: self.engine.enroll(None, self.images(people), idempotency_key=key),
            IdempotencyMismatchError,
            former != people,
            SubjectNotFoundError,
            sequence > 0 and sequence not in self.visits,
        )
        if done is None:
            return
        assert done.created is (sequence == 0)
        if done.created:
            self.requests[key] = people, done.sequence
            self.keys.append(done.sequence)
            visit = Visit(done.subject_id, dict(enumerate(people)), EncounterStatus.ACTIVE, frozenset(), None)
            self.visits[done.sequence] = visit
        else:
            assert (done.sequence, done.subject_id) == (sequence, self.visits[sequence].subject)

    @rule(name=NAMES, people=PEOPLE)
    def enroll_if_unique(self, name: str, people: list[int]) -> None:
        alike = {v.subject for v in self.visits.values() if set(v.samples.values()) & set(people)}
        done = self.tried(
            lambda: self.engine.enroll_if_unique(name, self.images(people), threshold=THRESHOLD),
            SubjectExistsError,
            not alike and bool(self.own(name)),
        )
        if done is None:
            return
        if alike:
            assert {one.subject_id for one in done.search.candidates} == alike
            return
        key = done.enrolled.sequence
        self.keys.append(key)
        self.visits[key] = Visit(name, dict(enumerate(people)), EncounterStatus.ACTIVE, frozenset(), None)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        own = self.own(name)
        self.tried(lambda: self.engine.delete(name), SubjectNotFoundError, not own)
        for key in own:
            del self.visits[key]

    @rule(pick=PICK)
    def delete_encounter(self, pick: int) -> None:
        key = self.key(pick)
        gone = key not in self.visits
        last = not gone and len(self.own(self.visits[key].subject)) == 1
        self.tried(
            lambda: self.engine.delete_encounter(key), EncounterNotFoundError, gone, NothingLeftError, last
        )
        if not (gone or last):
            del self.visits[key]

    @rule(pick=PICK, ordinal=st.integers(0, 2))
    def delete_sample(self, pick: int, ordinal: int) -> None:
        key = self.key(pick)
        samples = self.visits[key].samples if key in self.visits else {}
        self.tried(
            lambda: self.engine.delete_sample(sample_key_of(key, ordinal)),
            SampleNotFoundError,
            ordinal not in samples,
            NothingLeftError,
            len(samples) == 1,
        )
        if ordinal in samples and len(samples) > 1:
            del samples[ordinal]

    @rule(name=NAMES, other=NAMES)
    def merge(self, name: str, other: str) -> None:
        unknown = not (self.own(name) and self.own(other))
        self.tried(
            lambda: self.engine.merge(name, other),
            ArgumentError,
            name == other,
            SubjectNotFoundError,
            unknown,
            EncounterExistsError,
            both := bool(self.own_ids(name) & self.own_ids(other)),
        )
        if name != other and not (unknown or both):
            for key in self.own(other):
                self.visits[key].subject = name

    @rule(pick=PICK, name=NAMES)
    def move(self, pick: int, name: str) -> None:
        key = self.key(pick)
        visit = self.visits.get(key)
        last = visit is not None and len(self.own(visit.subject)) == 1
        same = visit is not None and visit.subject == name
        self.tried(
            lambda: self.engine.move(key, name, subject_is=SubjectIs.EITHER),
            EncounterNotFoundError,
            visit is None,
            ArgumentError,
            same,
            NothingLeftError,
            last,
            EncounterExistsError,
            both := visit is not None and visit.own_id in self.own_ids(name),
        )
        if visit is not None and not (same or last or both):
            visit.subject = name

    @rule(name=NAMES, own_id=st.sampled_from(["v1", "v2"]), new_id=OWN_IDS)
    def give_another_id(self, name: str, own_id: str, new_id: str | None) -> None:
        visit = next((self.visits[k] for k in self.own(name) if self.visits[k].own_id == own_id), None)
        update = EncounterUpdate(ClientEncounter(name, own_id), client_id=new_id)
        clash = visit is not None and new_id != own_id and new_id in self.own_ids(name)
        self.tried(
            lambda: self.engine.update(update),
            EncounterNotFoundError,
            visit is None,
            EncounterExistsError,
            clash,
        )
        if visit is not None and not clash:
            visit.own_id = new_id
        for key in self.own(name):
            named = self.visits[key].own_id
            if named is not None:
                assert self.engine.encounter(ClientEncounter(name, named)).encounter_key == key

    @rule(pick=PICK, status=STATUS, galleries=GALLERIES, year=YEARS, tag=st.sampled_from("12"))
    def alter(
        self, pick: int, status: EncounterStatus, galleries: frozenset[str], year: int | None, tag: str
    ) -> None:
        key = self.key(pick)
        update = EncounterUpdate(key, year_of_birth=year, tags={"t": tag})
        for act in (
            lambda: self.engine.set_status(key, status),
            lambda: self.engine.set_galleries(key, galleries),
            lambda: self.engine.update(update),
        ):
            self.tried(act, EncounterNotFoundError, key not in self.visits)
        if key in self.visits:
            visit = self.visits[key]
            visit.status, visit.galleries, visit.year, visit.tags = status, galleries, year, {"t": tag}

    @precondition(lambda self: self.keys)
    @rule(how=st.sampled_from(["closed", "killed", "without a snapshot"]))
    def restart(self, how: str) -> None:
        if how == "killed":  # no last snapshot is taken: the one that is there is behind
            self.engine._gallery._snapshots.finish = lambda memory, identity: None  # type: ignore[method-assign]
        self.engine.close()
        if how == "without a snapshot":
            (self.path / "snapshot").unlink(missing_ok=True)
        self.engine = self.opened()

    @rule(chosen=CHOSEN, identity=st.sampled_from(IDENTITIES))
    def identify(self, chosen: Filter, identity: int) -> None:
        self.check(chosen, identity)

    @invariant()
    def everybody_is_found(self) -> None:
        for identity in IDENTITIES:
            self.check(EVERYBODY, identity)
        assert self.engine.status().subjects == len({visit.subject for visit in self.visits.values()})

    def check(self, chosen: Filter, identity: int) -> None:
        passing = [visit for visit in self.visits.values() if visit.passes(chosen)]
        wanted = {visit.subject for visit in passing if identity in visit.samples.values()}
        answer = self.engine.identify([self.fakes.image(identity, 9)], threshold=THRESHOLD, chosen=chosen)
        assert {one.subject_id for one in answer.candidates} == wanted
        assert answer.subjects == len({visit.subject for visit in passing})


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_engine_does_what_a_plain_model_does(
    database: str,
    request: pytest.FixtureRequest,
    fakes: ModuleType,
    full_size: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "LEAST_SAMPLES", 1)
    few = {"sqlite": 6, "postgresql": 2}[database]

    def make_url(folder: Path) -> str:
        if database == "sqlite":
            return f"sqlite:///{folder}/gallery.db"
        return str(request.getfixturevalue("postgres").url())

    run_state_machine_as_test(
        lambda: Model(make_url, fakes),
        settings=settings(
            max_examples=5 * few if full_size else few,
            stateful_step_count=50 if full_size else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
