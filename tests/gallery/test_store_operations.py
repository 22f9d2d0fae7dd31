"""Every operation of the store, on both databases: what it does, what it refuses, what its change says."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import pytest

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
from matcher.gallery.operations import (
    EncounterDeletion,
    EncounterUpdate,
    Enrolment,
    GalleriesChange,
    Merge,
    Move,
    Operation,
    SampleDeletion,
    StatusChange,
    SubjectDeletion,
    SubjectIs,
)
from matcher.gallery.records import (
    ChangeKind,
    ClientEncounter,
    EncounterDetails,
    EncounterStatus,
    MissingPosition,
    MissingReason,
    SampleRecord,
    sample_key_of,
)
from matcher.gallery.schema import subjects
from matcher.gallery.store import Store
from matcher.types import Modality

KNOWN, INACTIVE = SubjectIs.KNOWN, EncounterStatus.INACTIVE

DETAILS = EncounterDetails(
    EncounterStatus.INACTIVE,
    frozenset({"north", "süd"}),
    1961,
    {"sex": "x", "village": "Ñ"},
    1_700_000_000_000_000,
    (
        MissingPosition(Modality.FINGERPRINT, 3, MissingReason.MISSING),
        MissingPosition(Modality.IRIS, 1, MissingReason.UNABLE_TO_CAPTURE),
    ),
    b"\0client's\xff",
)


def test_an_encounter_is_kept_with_all_that_belongs_to_it(mirrored: Store, tools: ModuleType) -> None:
    samples = (
        tools.sample(1, extractor="numba/1", image=b"\x89PNG picture"),
        tools.sample(2, Modality.IRIS),
    )
    key = mirrored.submit(Enrolment("ada", samples, details=DETAILS)).result().sequence
    subject = mirrored.subject("ada")
    assert subject is not None
    [visit] = subject.encounters
    assert (subject.subject_key, visit.encounter_key, visit.details) == (key, key, DETAILS)
    assert visit.enrolled_at_us > DETAILS.captured_at_us  # type: ignore[operator]
    assert [(s.modality, s.extractor, s.template) for s in visit.samples] == [
        (s.modality, s.extractor, s.template) for s in samples
    ]
    first, second = (s.sample_key for s in visit.samples)
    assert mirrored.image(first) == b"\x89PNG picture"
    assert mirrored.image(second) is None
    assert mirrored.subject("nobody") is None
    assert mirrored.samples([second, first, 999]) == list(visit.samples)
    assert mirrored.samples([]) == []
    assert mirrored.stored_templates([second, first, 999]) == {
        s.sample_key: s.template for s in visit.samples
    }
    assert mirrored.stored_templates([]) == mirrored.stored_templates([999]) == {}


@pytest.mark.parametrize("count", [1, 5, 77])
def test_any_number_of_rows_is_inserted(mirrored: Store, count: int) -> None:
    """SQLite takes some rows a statement: none is left out, none comes twice, each value is in its column."""
    rows = [{"subject_key": 10 + n, "subject_id": f"s{n}"} for n in range(count)]
    with mirrored._backend.writer.connect() as connection, connection.begin() as transaction:
        mirrored._backend.insert(connection, subjects, rows)
        found = connection.execute(subjects.select().order_by(subjects.c.subject_key)).mappings().all()
        transaction.rollback()
    assert found == rows


def test_one_encounter_more_of_a_known_subject(mirrored: Store, tools: ModuleType) -> None:
    with pytest.raises(SubjectNotFoundError):
        mirrored.submit(tools.enrolment("ada", subject_is=KNOWN)).result()
    first = mirrored.submit(tools.enrolment("ada", subject_is=SubjectIs.EITHER)).result()
    second = mirrored.submit(tools.enrolment("ada", subject_is=KNOWN)).result()
    third = mirrored.submit(tools.enrolment("ada", subject_is=SubjectIs.EITHER)).result()
    with pytest.raises(SubjectExistsError):
        mirrored.submit(tools.enrolment("ada")).result()
    subject = mirrored.subject("ada")
    assert subject is not None
    assert [v.encounter_key for v in subject.encounters] == [r.sequence for r in (first, second, third)]


def test_deletions_take_what_they_name_and_nothing_else(
    mirrored: Store, mirror: Any, tools: ModuleType
) -> None:
    image = Enrolment("ada", (tools.sample(1, image=b"i"), tools.sample(2, image=b"j")), details=DETAILS)
    one = mirrored.submit(image).result().sequence
    two = mirrored.submit(tools.enrolment("ada", subject_is=KNOWN)).result().sequence
    mirrored.submit(tools.enrolment("bob")).result()
    gone, kept = sample_key_of(one, 0), sample_key_of(one, 1)
    mirrored.submit(SampleDeletion(gone)).result()
    assert (mirrored.image(gone), mirrored.image(kept)) == (None, b"j")
    with pytest.raises(SampleNotFoundError):
        mirrored.submit(SampleDeletion(gone)).result()
    with pytest.raises(NothingLeftError):
        mirrored.submit(SampleDeletion(kept)).result()
    mirrored.submit(EncounterDeletion(one)).result()
    assert mirrored.image(kept) is None
    with pytest.raises(EncounterNotFoundError):
        mirrored.submit(EncounterDeletion(one)).result()
    with pytest.raises(NothingLeftError):
        mirrored.submit(EncounterDeletion(two)).result()
    assert set(mirror.state) == {two, two + 1}
    mirrored.submit(SubjectDeletion("ada")).result()
    assert set(mirror.state) == {two + 1}
    assert not mirrored.samples([gone, kept, sample_key_of(two, 0)])


def test_merging_makes_one_subject_of_two(mirrored: Store, mirror: Any, tools: ModuleType) -> None:
    one = mirrored.submit(tools.enrolment("ada")).result().sequence
    two = mirrored.submit(tools.enrolment("eda", key="k", digest=b"d")).result().sequence
    mirrored.submit(Merge("ada", "eda")).result()
    assert {e.subject_id for e, _ in mirror.state.values()} == {"ada"}
    subject = mirrored.subject("ada")
    assert subject is not None
    assert [v.encounter_key for v in subject.encounters] == [one, two]
    assert mirrored.subject("eda") is None
    # The repeated enrolment of who is called otherwise now.
    again = mirrored.submit(tools.enrolment("eda", key="k", digest=b"d")).result()
    assert (again.subject_id, again.created, again.sequence) == ("ada", False, two)
    for wrong, refusal in (
        (Merge("ada", "eda"), SubjectNotFoundError),
        (Merge("eda", "ada"), SubjectNotFoundError),
        (Merge("ada", "ada"), ArgumentError),
    ):
        with pytest.raises(refusal):
            mirrored.submit(wrong).result()
    assert mirrored.submit(tools.enrolment("eda")).result().created


def test_moving_gives_an_encounter_to_another_subject(
    mirrored: Store, mirror: Any, tools: ModuleType
) -> None:
    one = mirrored.submit(tools.enrolment("ada")).result().sequence
    two = mirrored.submit(tools.enrolment("ada", subject_is=KNOWN)).result().sequence
    bob = mirrored.submit(tools.enrolment("bob")).result().sequence
    mirrored.submit(Move(two, "bob")).result()
    assert {k: e.subject_id for k, (e, _) in mirror.state.items()} == {one: "ada", two: "bob", bob: "bob"}
    split = mirrored.submit(Move(two, "eve", SubjectIs.NEW)).result()
    assert mirror.state[two][0].subject_key == split.sequence
    for wrong, refusal in (
        (Move(one, "bob"), NothingLeftError),
        (Move(bob, "nobody"), SubjectNotFoundError),
        (Move(bob, "ada", SubjectIs.NEW), SubjectExistsError),
        (Move(bob, "bob"), ArgumentError),
        (Move(bob, "\n", SubjectIs.NEW), ArgumentError),
        (Move(999, "ada"), EncounterNotFoundError),
    ):
        with pytest.raises(refusal):
            mirrored.submit(wrong).result()


def ids_of(store: Store, subject_id: str) -> list[str | None]:
    """Return the clients' ids of a subject's encounters."""
    subject = store.subject(subject_id)
    return [] if subject is None else [visit.client_id for visit in subject.encounters]


def refused(store: Store, *operations: Operation) -> None:
    """Submit operations that would give two encounters of a subject one id: nothing is done."""
    count = len(store.changes_after(0))
    for operation in operations:
        with pytest.raises(EncounterExistsError, match="'v1'"):
            store.submit(operation).result()
    assert len(store.changes_after(0)) == count


def test_an_id_of_the_clients_is_once_within_a_subject(mirrored: Store, tools: ModuleType) -> None:
    one = mirrored.submit(tools.enrolment("ada", client_id="v1", key="k", digest=b"d")).result()
    again = tools.enrolment("ada", client_id="v1", subject_is=KNOWN)
    refused(mirrored, again)
    repeated = mirrored.submit(tools.enrolment("ada", client_id="v1", key="k", digest=b"d")).result()
    assert (repeated.created, repeated.sequence) == (False, one.sequence)
    mirrored.submit(tools.enrolment("bob", client_id="v1")).result()
    for _ in range(2):  # those without an id never meet
        mirrored.submit(tools.enrolment("ada", subject_is=KNOWN)).result()
    assert ids_of(mirrored, "ada") == ["v1", None, None]
    found = mirrored.encounter(ClientEncounter("ada", "v1"))
    assert found is not None
    assert (found.encounter_key, found.subject_id, found.client_id) == (one.sequence, "ada", "v1")
    for name in (ClientEncounter("ada", "v2"), ClientEncounter("nobody", "v1")):
        assert mirrored.encounter(name) is None
        with pytest.raises(EncounterNotFoundError):
            mirrored.submit(EncounterDeletion(name)).result()
    mirrored.submit(EncounterDeletion(one.sequence)).result()
    assert mirrored.submit(again).result().created  # free again
    for wrong in ("", "x" * 129, "\n"):
        with pytest.raises(ArgumentError):
            mirrored.submit(tools.enrolment("carl", client_id=wrong)).result()


def test_of_one_id_in_one_group_the_first_is_taken(mirrored: Store, tools: ModuleType) -> None:
    mirrored.submit(tools.enrolment("ada")).result()
    pending = [
        mirrored.submit(tools.enrolment(name, client_id="v1", subject_is=SubjectIs.EITHER))
        for name in ("ada", "bob") * 5
    ]
    errors = [future.exception() for future in pending]
    assert [error is None for error in errors] == [True, True, *[False] * 8]
    assert all(isinstance(error, EncounterExistsError) for error in errors[2:])
    assert (ids_of(mirrored, "ada"), ids_of(mirrored, "bob")) == ([None, "v1"], ["v1"])


def test_everything_that_names_an_encounter_takes_the_clients_id(
    mirrored: Store, mirror: Any, tools: ModuleType
) -> None:
    key = mirrored.submit(tools.enrolment("ada", client_id="v1")).result().sequence
    mirrored.submit(tools.enrolment("ada", client_id="v2", subject_is=KNOWN)).result()
    mirrored.submit(tools.enrolment("bob", client_id="v1")).result()
    name = ClientEncounter("ada", "v1")
    mirrored.submit(StatusChange(name, INACTIVE)).result()
    mirrored.submit(GalleriesChange(name, frozenset({"g"}))).result()
    mirrored.submit(EncounterUpdate(name, 1990, missing=DETAILS.missing)).result()
    assert mirror.state[key][0][3:6] == (INACTIVE, frozenset({"g"}), 1990)
    visit = mirrored.encounter(name)
    assert visit is not None
    assert visit.details.missing == DETAILS.missing
    refused(
        mirrored,
        Move(name, "bob"),
        Merge("bob", "ada"),
        EncounterUpdate(ClientEncounter("ada", "v2"), client_id="v1"),
    )
    assert (ids_of(mirrored, "ada"), ids_of(mirrored, "bob")) == (["v1", "v2"], ["v1"])
    mirrored.submit(EncounterUpdate(name, client_id="v1")).result()  # that it has already
    mirrored.submit(EncounterUpdate(name, client_id="v3")).result()
    mirrored.submit(Move(ClientEncounter("ada", "v3"), "bob")).result()
    assert mirror.state[key][0].subject_id == "bob"
    assert ids_of(mirrored, "bob") == ["v3", "v1"]
    mirrored.submit(Merge("ada", "bob")).result()
    assert ids_of(mirrored, "ada") == ["v3", "v2", "v1"]
    assert mirrored.encounter(ClientEncounter("bob", "v3")) is None
    mirrored.submit(EncounterUpdate(key, client_id=None)).result()
    deletion = EncounterDeletion(ClientEncounter("ada", "v1"), "once")
    done = mirrored.submit(deletion).result()
    assert mirrored.submit(deletion).result().sequence == done.sequence  # though nothing has that name now
    assert ids_of(mirrored, "ada") == [None, "v2"]


def test_attributes_are_set_one_by_one(mirrored: Store, mirror: Any, tools: ModuleType) -> None:
    key = mirrored.submit(tools.enrolment("ada", details=DETAILS)).result().sequence
    mirrored.submit(StatusChange(key, EncounterStatus.ACTIVE)).result()
    mirrored.submit(GalleriesChange(key, frozenset({"east"}))).result()
    mirrored.submit(EncounterUpdate(key, year_of_birth=None, missing=())).result()
    mirrored.submit(EncounterUpdate(key, tags={"a": "b"}, client_data=b"new")).result()
    subject = mirrored.subject("ada")
    assert subject is not None
    [visit] = subject.encounters
    expected = EncounterDetails(
        galleries=frozenset({"east"}),
        tags={"a": "b"},
        captured_at_us=DETAILS.captured_at_us,
        client_data=b"new",
    )
    assert visit.details == expected
    encounter, samples = mirror.state[key]
    assert (encounter.status, encounter.galleries) == (EncounterStatus.ACTIVE, {"east"})
    assert (encounter.year_of_birth, encounter.tags, len(samples)) == (None, {"a": "b"}, 2)
    mirrored.submit(EncounterUpdate(key, captured_at_us=None, tags={}, client_data=None)).result()
    subject = mirrored.subject("ada")
    assert subject is not None
    assert subject.encounters[0].details == EncounterDetails(galleries=frozenset({"east"}))
    kinds = [c.kind for c in mirrored.changes_after(1)]
    assert kinds == [ChangeKind.STATUS, ChangeKind.GALLERIES, *[ChangeKind.UPDATE] * 3]


@pytest.mark.parametrize(
    "details",
    [
        EncounterDetails(status=7),  # type: ignore[arg-type]
        EncounterDetails(galleries=frozenset({""})),
        EncounterDetails(galleries=frozenset({"g" * 129})),
        EncounterDetails(galleries=frozenset(map(str, range(65)))),
        EncounterDetails(galleries="north"),  # type: ignore[arg-type]
        EncounterDetails(year_of_birth=1799),
        EncounterDetails(tags={"": "x"}),
        EncounterDetails(tags={"x": "\0"}),
        EncounterDetails(tags={str(n): "" for n in range(65)}),
        EncounterDetails(captured_at_us=1 << 63),
        EncounterDetails(missing=(DETAILS.missing[0], DETAILS.missing[0])),
        EncounterDetails(missing=(MissingPosition(Modality.IRIS, 256, MissingReason.MISSING),)),
        EncounterDetails(missing=(MissingPosition(Modality.IRIS, 1, 9),)),  # type: ignore[arg-type]
        EncounterDetails(client_data=bytes((1 << 16) + 1)),
    ],
)
def test_attributes_out_of_range_are_refused(
    details: EncounterDetails, tmp_path: Any, tools: ModuleType
) -> None:
    store = Store(f"sqlite:///{tmp_path}/g.db", tools.Mirror())
    key = store.submit(tools.enrolment("ada")).result().sequence
    wrong: list[Operation] = [tools.enrolment("bob", details=details)]
    if details.status != EncounterStatus.ACTIVE:
        wrong.append(StatusChange(key, details.status))
    elif details.galleries:
        wrong.append(GalleriesChange(key, details.galleries))
    else:
        values = (details.year_of_birth, details.tags, details.captured_at_us, details.missing)
        wrong.append(EncounterUpdate(key, *values, details.client_data))
    for operation in wrong:
        with pytest.raises(ArgumentError):
            store.submit(operation).result()
    assert len(store.changes_after(0)) == 1
    store.close()


def test_samples_out_of_range_are_refused(tmp_path: Any, tools: ModuleType) -> None:
    store = Store(f"sqlite:///{tmp_path}/g.db", tools.Mirror())
    good = tools.sample(1)
    for samples in (
        (),
        (good,) * 257,
        (SampleRecord(Modality.FACE, 256, 1, b""),),
        (SampleRecord(Modality.FACE, 1, 101, b""),),
        (tools.sample(1, extractor="x" * 65),),
    ):
        with pytest.raises(ArgumentError):
            store.submit(Enrolment("ada", samples)).result()
    store.close()


def test_a_key_makes_one_of_every_repeated_operation(mirrored: Store, tools: ModuleType) -> None:
    keys = [mirrored.submit(tools.enrolment("ada", subject_is=SubjectIs.EITHER)).result() for _ in range(4)]
    mirrored.submit(tools.enrolment("bob", count=3)).result()
    first, second, third, _ = (receipt.sequence for receipt in keys)
    operations: list[tuple[Operation, Operation]] = [
        (
            StatusChange(first, EncounterStatus.INACTIVE, "1"),
            StatusChange(first, EncounterStatus.ACTIVE, "1"),
        ),
        (GalleriesChange(first, frozenset("ab"), "2"), GalleriesChange(first, frozenset("b"), "2")),
        (EncounterUpdate(first, 1990, key="3"), EncounterUpdate(first, 1991, key="3")),
        (Move(first, "bob", key="4"), Move(first, "carl", SubjectIs.NEW, key="4")),
        (SampleDeletion(sample_key_of(second, 0), "5"), SampleDeletion(sample_key_of(second, 1), "5")),
        (EncounterDeletion(third, "6"), EncounterDeletion(second, "6")),
        (Merge("ada", "bob", "7"), Merge("bob", "ada", "7")),
        (SubjectDeletion("ada", "8"), SubjectDeletion("bob", "8")),
    ]
    for operation, other in operations:
        done = mirrored.submit(operation).result()
        count = len(mirrored.changes_after(0))
        again = mirrored.submit(operation).result()
        assert (again.created, again.sequence, again.subject_id) == (False, done.sequence, done.subject_id)
        with pytest.raises(IdempotencyMismatchError):
            mirrored.submit(other).result()
        assert len(mirrored.changes_after(0)) == count


def random_operation(rng: random.Random, state: Any, tools: ModuleType) -> Operation:
    """Return an operation, most often one that is possible."""
    names = [f"s{n}" for n in range(6)]
    encounters = [*state, 0]
    details = EncounterDetails(
        rng.choice(list(EncounterStatus)),
        frozenset(rng.sample("xyz", rng.randint(0, 2))),
        rng.choice([None, 1950, 2001]),
        {k: rng.choice("pq") for k in rng.sample("tu", rng.randint(0, 2))},
    )
    encounter = rng.choice(encounters)
    one: dict[int, Operation] = {
        0: tools.enrolment(
            rng.choice(names),
            rng.randint(1, 3),
            details=details,
            subject_is=rng.choice(list(SubjectIs)),
            resident=None,
            client_id=rng.choice([None, "v1", "v2"]),
        ),
        1: SubjectDeletion(rng.choice(names)),
        2: EncounterDeletion(encounter),
        3: SampleDeletion(sample_key_of(encounter, rng.randint(0, 2))),
        4: Merge(rng.choice(names), rng.choice(names)),
        5: Move(encounter, rng.choice(names), rng.choice(list(SubjectIs))),
        6: StatusChange(encounter, details.status),
        7: GalleriesChange(ClientEncounter(rng.choice(names), "v1"), details.galleries),
        8: EncounterUpdate(
            encounter, details.year_of_birth, details.tags, client_id=rng.choice([None, "v2"])
        ),
    }
    return one[rng.choices(range(9), [8, 1, 1, 2, 1, 3, 1, 1, 1])[0]]


def test_following_replaying_and_reading_afresh_agree(
    store_url: str, tools: ModuleType, full_size: bool
) -> None:
    """Whoever followed live, replays the log from any point, or reads the tables, holds the same."""
    live = tools.Mirror()
    store = Store(store_url, live)
    rng = random.Random(5)
    snapshots: list[tuple[int, Any]] = []
    refused = done = 0
    for _ in range(400 if full_size else 25):
        group = [random_operation(rng, live.state, tools) for _ in range(rng.randint(1, 12))]
        pending = [store.submit(operation) for operation in group]
        for future in pending:
            try:
                future.result()
                done += 1
            except MatcherError:
                refused += 1
        if rng.random() < 0.2:
            kept = {k: (e, dict(s)) for k, (e, s) in live.state.items()}
            snapshots.append((live.sequence, kept))
    assert done > 60 - 30 * (not full_size)
    assert refused
    assert {c.kind for c in store.changes_after(0, 10_000)} == set(ChangeKind) - {ChangeKind.SWITCH}
    assert [c.sequence for c in store.changes_after(0, 10_000)] == list(range(1, live.sequence + 1))
    for sequence, state in [(0, {}), *snapshots]:
        replayed = tools.Mirror(state, sequence)
        while changes := store.changes_after(replayed.sequence, 7):
            replayed.apply(changes)
        assert replayed.state == live.state
    store.close()
    afresh = tools.Mirror()
    Store(store_url, afresh).close()
    assert (afresh.state, afresh.sequence, afresh.replays) == (live.state, live.sequence, 1)
    resumed = tools.Mirror({}, 0, resume_at=0)
    Store(store_url, resumed).close()
    assert (resumed.state, resumed.sequence, resumed.replays) == (live.state, live.sequence, 0)
    assert resumed.identity == afresh.identity != ""
    ahead = tools.Mirror(resume_at=live.sequence + 1)
    Store(store_url, ahead).close()
    assert ahead.replays == 1
