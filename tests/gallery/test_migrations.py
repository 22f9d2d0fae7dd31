"""Stores of earlier versions come up to this one whole, or stay what they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, inspect

from matcher.gallery import load
from matcher.gallery.migrate import migrate
from matcher.gallery.records import ChangeKind, sample_key_of
from matcher.gallery.schema import SCHEMA_VERSION
from matcher.gallery.store import Store
from matcher.template.modality import decode

DUMP = Path(__file__).resolve().parent.parent / "golden" / "store_v1.sql"
"""Written by the program of schema version 1, see write_store_v1.py."""

TABLES_V1 = ("subjects", "encounters", "samples", "idempotency_keys", "changes", "change_counter")


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
            {tuple(i["column_names"]) for i in tables.get_indexes(name)},
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
