"""The system of record: durable, ordered, owned by one, and honest about what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event

from matcher.errors import (
    ArgumentError,
    IdempotencyMismatchError,
    InternalError,
    NotReadyError,
    StoreCorruptError,
    StoreLockedError,
    StoreNewerError,
    StoreUnavailableError,
    SubjectExistsError,
    SubjectNotFoundError,
)
from matcher.gallery.generations import Counts, NextTemplate, StageSamples, StartUpgrade
from matcher.gallery.operations import Enrolment, SubjectDeletion
from matcher.gallery.read import Stored
from matcher.gallery.records import Change, ChangeKind, Receipt, SampleRecord, StoredSample, sample_key_of
from matcher.gallery.schema import SCHEMA_VERSION
from matcher.gallery.store import Store
from matcher.template.envelope import Modality


class Follower:
    """Keeps what the store hands over, as the memory does."""

    def __init__(self) -> None:
        self.applied: list[Change] = []
        self.replays: list[tuple[int, list[StoredSample]]] = []
        self.fail = False
        self.fail_replay = False

    def apply(self, changes: Sequence[Change]) -> None:
        if self.fail:
            self.fail = False
            raise RuntimeError("memory is broken")
        self.applied += changes

    def resume(self, identity: str, sequence: int, stored: Stored) -> int | None:
        return None

    def replay(self, sequence: int, stored: Stored) -> None:
        if self.fail_replay:
            raise RuntimeError("memory is still broken")
        assert sum(map(len, stored.encounters())) <= sequence
        self.replays.append((sequence, [sample for chunk in stored.samples() for sample in chunk]))


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder}/gallery.db"


def enrolment(subject_id: str, key: str | None = None, digest: bytes = b"1", count: int = 2) -> Enrolment:
    samples = tuple(
        SampleRecord(Modality.FINGERPRINT, position, 40 + position, subject_id.encode() * 20)
        for position in range(count)
    )
    return Enrolment(subject_id, samples, key, digest, resident=subject_id)


@pytest.fixture
def follower() -> Follower:
    return Follower()


def alter(url: str, statement: str) -> None:
    """Write into a store from outside."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def store(store_url: str, follower: Follower) -> Iterator[Store]:
    store = Store(store_url, follower)
    yield store
    store.close()


def test_an_enrolment_is_handed_over_before_it_is_acknowledged_and_read_back(
    store_url: str, follower: Follower
) -> None:
    store = Store(store_url, follower)
    receipt = store.submit(enrolment("alice")).result()
    assert (receipt.subject_id, receipt.created, receipt.sequence) == ("alice", True, 1)
    [change] = follower.applied
    assert (change.sequence, change.kind, change.subject_key) == (1, ChangeKind.ENROLL, 1)
    assert (change.subject_id, change.resident) == ("alice", "alice")
    store.submit(enrolment("bob", count=1)).result()
    store.close()
    again = Follower()
    Store(store_url, again).close()
    [(sequence, samples)] = again.replays
    assert sequence == 2
    assert [s.subject_id for s in samples] == ["alice", "alice", "bob"]
    assert samples[1] == StoredSample(
        sample_key_of(1, 1), 1, 1, "alice", Modality.FINGERPRINT, 1, 41, None, b"alice" * 20
    )


def test_a_deleted_subject_is_gone_and_its_bytes_are_overwritten(tmp_path: Path, follower: Follower) -> None:
    store = Store(url_of(tmp_path), follower)
    store.submit(enrolment("carol-secret-template")).result()
    store.submit(enrolment("dave")).result()
    store.submit(SubjectDeletion("carol-secret-template")).result()
    with pytest.raises(SubjectNotFoundError):
        store.submit(SubjectDeletion("carol-secret-template")).result()
    store.close()
    again = Follower()
    Store(url_of(tmp_path), again).close()
    assert {s.subject_id for s in again.replays[0][1]} == {"dave"}
    template = enrolment("carol-secret-template").samples[0].template
    assert all(template not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_subject_id_is_taken_once_and_free_again_after_deletion(store: Store) -> None:
    first = store.submit(enrolment("erin")).result()
    with pytest.raises(SubjectExistsError):
        store.submit(enrolment("erin")).result()
    store.submit(SubjectDeletion("erin")).result()
    second = store.submit(enrolment("erin")).result()
    assert (first.sequence, second.sequence) == (1, 3)


def test_a_key_makes_one_enrolment_of_many_requests(store: Store) -> None:
    first = store.submit(enrolment("frank", key="k")).result()
    again = store.submit(enrolment("another-id", key="k")).result()
    assert (first.created, again.created) == (True, False)
    assert (again.subject_id, again.sequence) == ("frank", first.sequence)
    with pytest.raises(IdempotencyMismatchError):
        store.submit(enrolment("frank", key="k", digest=b"2")).result()
    store.submit(SubjectDeletion("frank")).result()
    with pytest.raises(SubjectNotFoundError, match="deleted since"):
        store.submit(enrolment("frank", key="k")).result()
    store.submit(enrolment("frank", key="other")).result()
    with pytest.raises(SubjectNotFoundError, match="deleted since"):
        store.submit(enrolment("frank", key="k")).result()


def test_keys_survive_a_restart(store_url: str, follower: Follower) -> None:
    store = Store(store_url, follower)
    store.submit(enrolment("grace", key="k")).result()
    store.close()
    store = Store(store_url, follower)
    assert store.find_key("k") == (b"1", "grace", 1)
    assert store.find_key("none") is None
    assert not store.submit(enrolment("x", key="k")).result().created
    store.close()


def test_concurrent_writes_are_grouped_numbered_without_gaps_and_handed_over_in_order(
    store: Store, follower: Follower
) -> None:
    commits: list[int] = []
    event.listen(store._backend.writer, "commit", lambda _connection: commits.append(1))
    receipts: list[int] = []

    def enrol(worker: int) -> None:
        pending = [store.submit(enrolment(f"{worker}-{i}")) for i in range(40)]
        receipts.extend(p.result().sequence for p in pending)

    workers = [threading.Thread(target=enrol, args=(w,)) for w in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(receipts) == list(range(1, 321))
    assert [c.sequence for c in follower.applied] == list(range(1, 321))
    assert len(commits) < 160  # grouped, or it would be 320
    log = store.changes_after(0)
    assert [(c.sequence, c.subject_id) for c in log] == [(c.sequence, c.subject_id) for c in follower.applied]
    assert [c.sequence for c in store.changes_after(300, limit=5)] == [301, 302, 303, 304, 305]


def test_one_group_sees_its_own_members(store: Store) -> None:
    """Held back by a slow first member, the rest meet in one transaction."""
    operations = [
        enrolment("same", key="k"),
        enrolment("same"),
        enrolment("whoever", key="k"),
        SubjectDeletion("same"),
        enrolment("same"),
        enrolment("empty", count=0),
        enrolment("later"),
    ]
    outcomes = store._commit_group(operations)
    names = [
        type(o).__name__ if isinstance(o, Exception) else (o.sequence, o.created)  # type: ignore[union-attr]
        for o in outcomes
    ]
    assert names == [
        (1, True),
        "SubjectExistsError",
        (1, False),
        (2, False),
        (3, True),
        "ArgumentError",
        (4, True),
    ]


def test_what_was_called_off_in_time_never_happens(store: Store, follower: Follower) -> None:
    gate = threading.Event()
    original = follower.apply

    def slow(changes: Sequence[Change]) -> None:
        gate.wait(10)
        original(changes)

    follower.apply = slow  # type: ignore[method-assign]
    first = store.submit(enrolment("first"))
    while not first.running():
        pass
    second = store.submit(enrolment("second"))
    assert second.cancel()
    gate.set()
    assert first.result().created
    store.submit(enrolment("third")).result()
    assert [c.subject_id for c in follower.applied] == ["first", "third"]
    with pytest.raises(CancelledError):
        second.result()


def test_a_failed_apply_replays_before_the_caller_is_answered(store: Store, follower: Follower) -> None:
    store.submit(enrolment("heidi")).result()
    follower.fail = True
    assert store.submit(enrolment("ivan")).result().sequence == 2
    assert follower.replays[-1][0] == 2
    assert {s.subject_id for s in follower.replays[-1][1]} == {"heidi", "ivan"}


def test_a_failed_replay_is_told_and_tried_again(store: Store, follower: Follower) -> None:
    follower.fail = follower.fail_replay = True
    with pytest.raises(NotReadyError):
        store.submit(enrolment("judy")).result()
    follower.fail_replay = False
    assert store.submit(enrolment("mallory")).result().sequence == 2
    assert follower.replays[-1][0] == 1
    assert [c.sequence for c in follower.applied] == [2]


def test_without_writes_a_failed_replay_is_mended_by_itself(store: Store, follower: Follower) -> None:
    follower.fail = follower.fail_replay = True
    with pytest.raises(NotReadyError):
        store.submit(enrolment("niaj")).result()
    follower.fail_replay = False
    mended = threading.Event()
    original = follower.replay

    def replay(sequence: int, stored: Iterator[list[StoredSample]]) -> None:
        original(sequence, stored)
        mended.set()

    follower.replay = replay  # type: ignore[method-assign]
    assert mended.wait(20)
    assert follower.replays[-1][0] == 1


def test_a_request_that_the_database_chokes_on_harms_nobody_else(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    poison = Enrolment("poison", (SampleRecord(Modality.FINGERPRINT, 1, 1, object()),))  # type: ignore[arg-type]
    outcomes = store._commit_group([enrolment("olivia"), poison, enrolment("peggy")])
    assert [type(o) for o in outcomes][1] is InternalError
    assert [o.sequence for o in (outcomes[0], outcomes[2])] == [1, 2]  # type: ignore[union-attr]
    with pytest.raises(InternalError):
        store.submit(poison).result()
    assert "A write failed" in caplog.text
    assert "INSERT" not in caplog.text  # neither the statement nor its parameters


def test_rows_that_the_database_refuses_harm_nobody_else(store: Store) -> None:
    """Not even by saying that the database is not there: whoever believes that sends them again and again."""
    sample = sample_key_of(store.submit(enrolment("quentin")).result().sequence, 0)
    start = StartUpgrade(Modality.FINGERPRINT, "new", "new", "old", "old")
    upgrade = int(store.submit(start).result().subject_id)
    twice = ((sample, NextTemplate("new", 1, b"template")),) * 2
    poison = StageSamples(upgrade, 0, sample, twice, Counts(staged=2))
    outcomes = store._commit_group([enrolment("romeo"), poison, enrolment("sierra")])
    assert [type(o) for o in outcomes] == [Receipt, InternalError, Receipt]
    assert store.submit(enrolment("tango")).result().sequence == 4


@pytest.mark.parametrize("ppi", [float("inf"), float("nan"), 1e9, -1.0])
def test_a_resolution_that_no_column_holds_is_refused(store: Store, ppi: float) -> None:
    image = SampleRecord(Modality.IRIS, 1, 50, b"template", image=b"image", ppi=ppi)
    with pytest.raises(ArgumentError):
        store.submit(Enrolment("victor", (image,))).result()


def test_somebody_elses_write_is_noticed(store: Store, follower: Follower, store_url: str) -> None:
    store.submit(enrolment("rupert")).result()
    alter(store_url, "UPDATE change_counter SET last_sequence = 7")
    with pytest.raises(StoreCorruptError):
        store.submit(enrolment("sybil")).result()
    assert store.submit(enrolment("trent")).result().sequence == 8
    assert follower.replays[-1][0] == 7


def test_a_second_process_is_locked_out(store: Store, store_url: str) -> None:
    code = (
        "import sys\n"
        "from matcher.errors import StoreLockedError\n"
        "from matcher.gallery.store import Store\n"
        "try:\n"
        "    Store(sys.argv[1], None)\n"
        "except StoreLockedError as error:\n"
        "    print(error)\n"
        "    sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, store_url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr
    assert str(os.getpid()) in done.stdout


def test_the_lock_is_free_after_closing_and_after_a_failed_opening(
    store_url: str, follower: Follower
) -> None:
    first = Store(store_url, follower)
    with pytest.raises(StoreLockedError):
        Store(store_url, Follower())
    first.close()
    failing = Follower()
    failing.fail_replay = True
    with pytest.raises(RuntimeError):
        Store(store_url, failing)
    Store(store_url, follower).close()


def test_after_closing_nothing_is_taken(store_url: str, follower: Follower) -> None:
    store = Store(store_url, follower)
    store.close()
    with pytest.raises(NotReadyError):
        store.submit(enrolment("late"))
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=memory",
        "mysql://host/db",
        "postgresql+psycopg://host",
        "postgresql+psycopg2://host/db",
        "http://host/db",
    ],
)
def test_an_unusable_url_is_refused(
    url: str, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="Store URL"):
        Store(url, follower)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nobody.invalid"])
def test_a_database_that_is_not_there_is_told(host: str, follower: Follower) -> None:
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        Store(f"postgresql+psycopg://somebody@{host}/gallery", follower)


def test_a_missing_folder_is_told(tmp_path: Path, follower: Follower) -> None:
    with pytest.raises(StoreUnavailableError, match="folder exists"):
        Store(f"sqlite:///{tmp_path}/missing/gallery.db", follower)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path, follower: Follower) -> None:
    (tmp_path / "gallery.db").mkdir()
    with pytest.raises(StoreUnavailableError):
        Store(url_of(tmp_path), follower)


def fill(url: str) -> None:
    store = Store(url, Follower())
    for pending in [store.submit(enrolment(f"subject-{number}")) for number in range(50)]:
        pending.result()
    store.close()


def filled(folder: Path) -> Path:
    fill(url_of(folder))
    return folder / "gallery.db"


def test_bytes_that_are_no_database_are_corrupt(tmp_path: Path, follower: Follower) -> None:
    (tmp_path / "gallery.db").write_bytes(b"This is no database. " * 500)
    with pytest.raises(StoreCorruptError):
        Store(url_of(tmp_path), follower)


def test_a_damaged_page_is_corrupt(tmp_path: Path, follower: Follower) -> None:
    path = filled(tmp_path)
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(bytes(data))
    with pytest.raises(StoreCorruptError):
        Store(url_of(tmp_path), follower)


def test_a_truncated_database_is_corrupt(tmp_path: Path, follower: Follower) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // 4096 * 4096])
    with pytest.raises(StoreCorruptError):
        Store(url_of(tmp_path), follower)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"UPDATE store_info SET schema_version = {SCHEMA_VERSION + 1}", StoreNewerError),
        ("UPDATE store_info SET format = 'other'", StoreCorruptError),
        ("DELETE FROM store_info", StoreCorruptError),
        ("DROP TABLE samples", StoreCorruptError),
        ("DELETE FROM changes WHERE sequence = 3", StoreCorruptError),
        ("UPDATE change_counter SET last_sequence = last_sequence - 1", StoreCorruptError),
        ("DELETE FROM change_counter", StoreCorruptError),
        ("UPDATE samples SET modality = 99", StoreCorruptError),
        ("UPDATE encounters SET status = 9", StoreCorruptError),
    ],
)
def test_a_store_that_contradicts_itself_is_told_from_a_newer_one(
    store_url: str, follower: Follower, statement: str, expected: type[Exception]
) -> None:
    fill(store_url)
    alter(store_url, statement)
    with pytest.raises(expected):
        Store(store_url, follower)


def test_a_database_of_somebody_else_is_left_alone(store_url: str, follower: Follower) -> None:
    alter(store_url, "CREATE TABLE theirs (x integer)")
    with pytest.raises(StoreCorruptError, match="not of this program"):
        Store(store_url, follower)


def test_a_commit_of_unknown_outcome_is_looked_up_before_the_next(store: Store, follower: Follower) -> None:
    """The connection dies after the commit happened: the caller is told of a failure, nothing is lost."""

    deaths: list[str] = []

    def die(connection: Connection) -> None:
        if not deaths:
            deaths.append("committed, then gone")
            raw = connection.connection.dbapi_connection
            raw.execute("COMMIT")
            raw.close()

    event.listen(store._backend.writer, "commit", die)
    with pytest.raises(StoreUnavailableError):
        store.submit(enrolment("victor", key="k")).result()
    again = store.submit(enrolment("victor", key="k")).result()
    assert (again.created, again.sequence) == (False, 1)
    assert follower.replays[-1][0] == 1
    assert store.submit(enrolment("walter")).result().sequence == 2
