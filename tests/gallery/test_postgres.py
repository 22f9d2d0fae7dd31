"""What is particular to PostgreSQL: order under open transactions, ownership, durability, outages."""

from __future__ import annotations

import threading
import time
from types import ModuleType
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import create_engine

from matcher.errors import (
    MatcherError,
    StoreCorruptError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
)
from matcher.gallery.ledger import last_sequence
from matcher.gallery.postgres import PostgresBackend
from matcher.gallery.store import Store
from matcher.gallery.transaction import GroupTransaction

PATIENCE_S = 30.0


@pytest.fixture
def url(postgres: Any) -> str:
    return str(postgres.url())


def query(url: str, statement: str) -> Any:
    """Run a statement beside the store."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.exec_driver_sql(statement)
        found = result.all() if result.returns_rows else []
    engine.dispose()
    return found


def eventually(act: Any) -> Any:
    """Return what `act` returns once it stops refusing."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except MatcherError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_an_open_transaction_makes_neither_gap_nor_disorder(url: str, tools: ModuleType) -> None:
    """The second writer waits for the first, whoever holds what lock: numbers come in commit order."""
    live = tools.Mirror()
    store = Store(url, live)
    store.submit(tools.enrolment("first")).result()
    backend = store._backend
    other = create_engine(url)
    done: list[int] = []
    began = threading.Event()

    def second() -> None:
        with other.begin() as connection:
            began.set()
            group = GroupTransaction(backend, connection, [tools.enrolment("third")])
            done.append(group.before)
            group.run()

    with backend.writer.begin() as held:
        group = GroupTransaction(backend, held, [tools.enrolment("second")])
        assert [o.sequence for o in group.run()] == [2]  # type: ignore[union-attr]
        thread = threading.Thread(target=second)
        thread.start()
        assert began.wait(PATIENCE_S)
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while query(url, waits)[0][0] == 0:
            time.sleep(0.01)
        # The first is not visible, and the second cannot overtake it.
        assert not done
        assert [c.sequence for c in store.changes_after(0)] == [1]
        with backend.reader.connect() as reader:
            assert last_sequence(reader, lock=False) == 1
    thread.join(PATIENCE_S)
    assert done == [2]
    log = store.changes_after(0)
    assert [(c.sequence, c.subject_id) for c in log] == [(1, "first"), (2, "second"), (3, "third")]
    live.apply(store.changes_after(live.sequence))
    store.close()
    other.dispose()
    afresh = tools.Mirror()
    Store(url, afresh).close()
    assert afresh.state == live.state


def test_a_reader_sees_one_state_however_long_it_reads(url: str, tools: ModuleType) -> None:
    store = Store(url, tools.Mirror())
    store.submit(tools.enrolment("early")).result()
    with store.state() as (sequence, stored):
        store.submit(tools.enrolment("late")).result()
        assert sequence == 1
        assert {e.subject_id for page in stored.encounters() for e in page} == {"early"}
        assert {s.subject_id for page in stored.samples() for s in page} == {"early"}
    store.close()


@pytest.mark.parametrize("parameter", ["fsync", "full_page_writes"])
def test_a_database_that_may_lose_commits_is_refused(url: str, tools: ModuleType, parameter: str) -> None:
    query(url, f"ALTER SYSTEM SET {parameter} = off")
    try:
        query(url, "SELECT pg_reload_conf()")
        while query(url, f"SHOW {parameter}") != [("off",)]:
            time.sleep(0.02)
        with pytest.raises(StoreUnavailableError, match=f"{parameter} off"):
            Store(url, tools.Mirror())
    finally:
        query(url, f"ALTER SYSTEM RESET {parameter}")
        query(url, "SELECT pg_reload_conf()")
    while query(url, f"SHOW {parameter}") != [("on",)]:
        time.sleep(0.02)
    Store(url, tools.Mirror()).close()


def test_commits_are_synchronous_whatever_the_database_s_default(url: str, tools: ModuleType) -> None:
    name = url.rpartition("/")[2]
    query(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert query(url, "SHOW synchronous_commit") == [("off",)]
    store = Store(url, tools.Mirror())
    try:
        with store._backend.writer.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        for engine in (store._backend.writer, store._backend.reader):
            with engine.connect() as connection:
                plan = connection.exec_driver_sql("EXPLAIN DELETE FROM samples WHERE sample_key = 1").all()
                assert "Index Scan" in str(plan)  # of an empty table too
    finally:
        store.close()
        query(url, f"ALTER DATABASE {name} RESET synchronous_commit")


def test_a_lost_session_stops_writes_until_the_store_is_owned_again(
    url: str, mirror: Any, tools: ModuleType
) -> None:
    store = Store(url, mirror)
    store.submit(tools.enrolment("before")).result()
    query(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
    )
    eventually(lambda: store.submit(tools.enrolment("after", key="k")).result())
    assert [c.subject_id for c in store.changes_after(0)] == ["before", "after"]
    assert {e.subject_id for e, _ in mirror.state.values()} == {"before", "after"}
    store.close()


def test_who_lost_the_store_to_another_process_writes_no_more(
    url: str, tools: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matcher.gallery.postgres.LOCK_WAIT_S", 0.1)
    loser, winner = tools.Mirror(), tools.Mirror()
    store = Store(url, loser)
    store.submit(tools.enrolment("before")).result()
    store._backend.dispose()  # as when the network breaks
    other = Store(url, winner)
    other.submit(tools.enrolment("theirs")).result()
    for _ in range(2):
        with pytest.raises(StoreLockedError, match="owns this store"):
            store.submit(tools.enrolment("ours")).result()
    assert [c.subject_id for c in other.changes_after(0)] == ["before", "theirs"]
    other.close()
    eventually(lambda: store.submit(tools.enrolment("ours")).result())
    assert loser.state == {**winner.state, 3: loser.state[3]}
    store.close()


def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    postgres: Any, url: str, mirror: Any, tools: ModuleType
) -> None:
    store = Store(url, mirror)
    for number in range(5):
        store.submit(tools.enrolment(f"s{number}")).result()
    for crash in (lambda: postgres.stop("immediate"), lambda: postgres.stop("fast"), postgres.kill):
        acknowledged = set(mirror.state)
        crash()
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailableError):
                    store.submit(tools.enrolment("while-away")).result()
            with pytest.raises(StoreUnavailableError):
                store.changes_after(0)
        finally:
            eventually_started(postgres)
        again = eventually(lambda: store.submit(tools.enrolment("again", key="k")).result())
        assert again.subject_id == "again"
        assert acknowledged | {again.sequence} == set(mirror.state)
    assert [c.sequence for c in store.changes_after(0)] == list(range(1, 7))
    store.close()


def eventually_started(postgres: Any) -> None:
    """Start the server; after a kill -9 its shared memory may take a moment to be free."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            postgres.start()
            return
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.DiskFull(), StoreFullError),
        (errors.DataCorrupted(), StoreCorruptError),
        (errors.IndexCorrupted(), StoreCorruptError),
        (errors.AdminShutdown(), StoreUnavailableError),
        (errors.CannotConnectNow(), StoreUnavailableError),
        (errors.InsufficientPrivilege(), StoreUnavailableError),
        (psycopg.OperationalError("the connection is lost"), StoreUnavailableError),
        (None, StoreUnavailableError),
    ],
)
def test_what_the_driver_says_becomes_a_typed_error(
    error: Exception | None, expected: type[Exception]
) -> None:
    backend = PostgresBackend.__new__(PostgresBackend)
    assert type(backend.translate(error)) is expected


def test_no_statement_is_compiled_before_it_runs(url: str) -> None:
    """Plans without a key look dear where scans are discouraged: compiling them took 30 ms of each commit."""
    explained = "EXPLAIN (ANALYZE) SELECT last_sequence FROM one_row WHERE last_sequence > 0"
    backend = PostgresBackend(create_engine(url).url)
    try:
        for engine in (backend.writer, backend.reader):
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE TEMPORARY TABLE one_row AS SELECT 1 AS last_sequence")
                plan = connection.exec_driver_sql(explained).all()
                assert not [line for (line,) in plan if "JIT" in line]
    finally:
        backend.close()


def test_a_server_that_vanishes_amid_a_commit_is_noticed(url: str, tools: ModuleType) -> None:
    """Keepalives are for idle connections; what nobody acknowledges is sent again for a quarter hour."""
    store = Store(url, tools.Mirror())
    try:
        with store._backend.writer.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver.info.get_parameters()["tcp_user_timeout"] == "25000"
            (said,) = connection.exec_driver_sql("SHOW tcp_user_timeout").one()
            assert said in ("25s", "25000")
    finally:
        store.close()
