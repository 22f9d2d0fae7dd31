"""Stores of earlier versions come up to this one whole, or stay what they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, inspect

from matcher.errors import EncounterExistsError
from matcher.gallery import load
from matcher.gallery.migrate import migrate
from matcher.gallery.operations import EncounterUpdate, Merge, Operation, StatusChange, SubjectIs
from matcher.gallery.records import ChangeKind, EncounterStatus, sample_key_of
from matcher.gallery.schema import SCHEMA_VERSION
from matcher.gallery.store import Store
from matcher.template.modality import decode

DUMP = Path(__file__).resolve().parent.parent / "golden" / "store_v1.sql"
"""Written by the program of schema version 1, see write_store_v1.py."""

DUMP_V3 = Path(__file__).resolve().parent.parent / "golden" / "store_v3.sql"
"""Written by the program of schema version 3, see write_store_v3.py."""

TABLES_V1 = ("subjects", "encounters", "samples", "idempotency_keys", "changes", "change_counter")
TABLES_V3 = (*TABLES_V1, "store_info", "images", "missing_positions", "upgrades", "next_samples")


def restore_v3(url: str, tmp_path: Path) -> None:
    """Make a store of version 3: of the dump itself, or its rows in tables of Alembic's making."""
    path = tmp_path / ("gallery.db" if url.startswith("sqlite") else "v3.db")
    old = sqlite3.connect(path)
    old.executescript(DUMP_V3.read_text())
    old.commit()
    if not url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.begin() as connection:
            migrate(connection, 0, 3)
            for table in ("store_info", "change_counter"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
            for table in TABLES_V3:
                names = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
                marks = ", ".join(["%s"] * len(names))
                for row in old.execute(f"SELECT * FROM {table}"):
                    connection.exec_driver_sql(
                        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", row
                    )
        engine.dispose()
    old.close()


def restore_v1(url: str, tmp_path: Path) -> None:
    """Make a store of version 1: of the dump itself, or its rows in tables of Alembic's making."""
    path = tmp_path / ("gallery.db" if url.startswith("sqlite") else "v1.db")
    old = sqlite3.connect(path)
    old.executescript(DUMP.read_text())
    old.commit()
    if not url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.begin() as connection:
            migrate(connection, 0, 1)
            connection.exec_driver_sql("DROP TABLE alembic_version")
            connection.exec_driver_sql("DELETE FROM change_counter")
            for table in TABLES_V1:
                for row in old.execute(f"SELECT * FROM {table}"):
                    marks = ", ".join(["%s"] * len(row))
                    connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", row)
        engine.dispose()
    old.close()


def shape(url: str) -> dict[str, Any]:
    """Return what the tables of a database look like."""
    engine = create_engine(url)
    tables = inspect(engine)
    found = {
        name: (
            {(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in tables.get_columns(name)},
            tables.get_pk_constraint(name)["constrained_columns"],
            {(tuple(i["column_names"]), i["unique"]) for i in tables.get_indexes(name)},
            {(tuple(k["constrained_columns"]), k["referred_table"]) for k in tables.get_foreign_keys(name)},
            {tuple(u["column_names"]) for u in tables.get_unique_constraints(name)},
        )
        for name in tables.get_table_names()
    }
    engine.dispose()
    return found


def dump(url: str) -> dict[str, list[Any]]:
    """Return every row of every table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}").all()))
            for name in inspect(engine).get_table_names()
        }
    engine.dispose()
    return found


def test_a_store_of_version_1_comes_up(store_url: str, tmp_path: Path, tools: ModuleType) -> None:
    restore_v1(store_url, tmp_path)
    mirror = tools.Mirror()
    store = Store(store_url, mirror)
    assert len(store.identity) == 32
    assert {k: (e.subject_id, len(s)) for k, (e, s) in mirror.state.items()} == {
        1: ("subject-0", 1),
        3: ("subject-2", 3),
        4: ("subject-3", 1),
        5: ("subject-4", 2),
        7: ("subject-1", 1),
    }
    for _, samples in mirror.state.values():
        assert all(len(decode(template).minutiae) == 12 for template in samples.values())  # type: ignore[union-attr]
    [third] = store.samples([sample_key_of(3, 2)])
    assert (third.position, third.quality, third.subject_id, third.extractor) == (3, 53, "subject-2", None)
    changes = store.changes_after(0)
    assert [c.kind for c in changes] == [ChangeKind.ENROLL] * 5 + [ChangeKind.DELETE, ChangeKind.ENROLL]
    assert [c.encounter is not None for c in changes] == [True, False, True, True, True, False, True]
    again = store.submit(tools.enrolment("whoever", key="key-3", digest=bytes([3] * 32))).result()
    assert (again.subject_id, again.created, again.sequence) == ("subject-3", False, 4)
    assert store.submit(tools.enrolment("new")).result().sequence == 8
    identity = store.identity
    store.close()
    store = Store(store_url, tools.Mirror())
    assert store.identity == identity
    store.close()


def test_a_store_of_version_3_comes_up_and_takes_ids(
    store_url: str, tmp_path: Path, tools: ModuleType
) -> None:
    restore_v3(store_url, tmp_path)
    store = Store(store_url, tools.Mirror())
    subject = store.subject("subject-0")
    assert subject is not None
    assert [(v.encounter_key, v.client_id) for v in subject.encounters] == [
        (1, None),
        (2, None),
        (4, None),
        (5, None),
    ]
    assert store.image(sample_key_of(1, 0)) == b"image"
    repeated: list[tuple[Operation, int]] = [
        (EncounterUpdate(1, 1990, key="update"), 7),
        (StatusChange(2, EncounterStatus.INACTIVE, "status"), 8),
        (Merge("subject-0", "subject-1", "merge"), 9),
        (tools.enrolment("x", key="enrol-4", digest=bytes([4] * 32)), 5),
    ]
    for operation, sequence in repeated:
        again = store.submit(operation).result()
        assert (again.created, again.sequence) == (False, sequence)
    named = tools.enrolment("subject-2", subject_is=SubjectIs.KNOWN, client_id="visit")
    assert store.submit(named).result().sequence == 10
    with pytest.raises(EncounterExistsError):
        store.submit(named).result()
    store.close()


def test_a_migrated_store_has_the_tables_of_a_new_one(
    store_url: str, tmp_path: Path, tools: ModuleType, request: pytest.FixtureRequest
) -> None:
    restore_v1(store_url, tmp_path)
    Store(store_url, tools.Mirror()).close()
    if store_url.startswith("sqlite"):
        fresh = f"sqlite:///{tmp_path}/fresh.db"
    else:
        fresh = request.getfixturevalue("postgres").url("fresh")
    Store(fresh, tools.Mirror()).close()
    assert shape(store_url) == shape(fresh)


def test_a_failed_migration_leaves_the_old_store_as_it_was(
    store_url: str, tmp_path: Path, tools: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_v1(store_url, tmp_path)
    before = dump(store_url)

    def fail_late(connection: Connection, version: int, target: int) -> None:
        migrate(connection, version, target)
        raise RuntimeError("at the very end")

    with monkeypatch.context() as patch:
        patch.setattr(load, "migrate", fail_late)
        with pytest.raises(RuntimeError):
            Store(store_url, tools.Mirror())
    assert dump(store_url) == before
    mirror = tools.Mirror()
    Store(store_url, mirror).close()
    assert len(mirror.state) == 5


def test_every_version_has_its_migration() -> None:
    scripts = sorted((Path(load.__file__).parent / "migrations" / "versions").glob("v*.py"))
    assert [int(path.name[1:5]) for path in scripts] == list(range(1, SCHEMA_VERSION + 1))
