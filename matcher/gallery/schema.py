"""The tables of the system of record, in portable SQL.

A change's number (`changes.sequence`) is also the primary key of what it created: the encounter of an
enrolment, and the subject of its first encounter. So there is one counter, no autoincrement and no database
sequence, whose numbers could become visible out of order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

SCHEMA_VERSION = 1
"""Written into every store; a store with a greater number was written by a later program."""

STORE_FORMAT = "matcher-gallery"
"""Written into every store; tells ours from somebody else's database."""

MAX_ID_LENGTH = 128
"""Longest subject id and idempotency key, characters."""

# INTEGER PRIMARY KEY is SQLite's own row number; BIGINT would cost a second index.
BIG = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

store_info = Table(
    "store_info",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1"),
    Column("format", String(32), nullable=False),
    Column("schema_version", Integer, nullable=False),
)

change_counter = Table(
    "change_counter",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1"),
    Column("last_sequence", BIG, nullable=False, comment="number of the last committed change"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("subject_key", BIG, primary_key=True, autoincrement=False, comment="change that created it"),
    Column("subject_id", String(MAX_ID_LENGTH), nullable=False, unique=True),
)

encounters = Table(
    "encounters",
    metadata,
    Column("encounter_key", BIG, primary_key=True, autoincrement=False, comment="change that created it"),
    Column("subject_key", BIG, ForeignKey("subjects.subject_key"), nullable=False, index=True),
    Column("enrolled_at_us", BIG, nullable=False, comment="microseconds since 1970-01-01 UTC"),
)

samples = Table(
    "samples",
    metadata,
    Column(
        "encounter_key",
        BIG,
        ForeignKey("encounters.encounter_key"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False, comment="order in the request"),
    Column("modality", SmallInteger, nullable=False, comment="types.Modality"),
    Column("position", SmallInteger, nullable=False, comment="by modality, 0 unknown"),
    Column("quality", SmallInteger, nullable=False, comment="0 to 100"),
    Column("template", LargeBinary, nullable=False, comment="our own stored form, with its checksum"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(MAX_ID_LENGTH), primary_key=True),
    Column("payload_digest", LargeBinary, nullable=False, comment="SHA-256 of the request"),
    Column("subject_id", String(MAX_ID_LENGTH), nullable=False),
    Column("sequence", BIG, nullable=False, comment="change that did the work"),
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", BIG, primary_key=True, autoincrement=False, comment="commit order, no gaps"),
    Column("kind", SmallInteger, nullable=False, comment="records.ChangeKind"),
    Column("subject_key", BIG, nullable=False),
    Column("subject_id", String(MAX_ID_LENGTH), nullable=False),
    Column("changed_at_us", BIG, nullable=False, comment="microseconds since 1970-01-01 UTC"),
)
