"""The tables of the system of record, in portable SQL.

A change's number (`changes.sequence`) is also the primary key of what it created: the encounter of an
enrolment, and the subject of its first encounter. So there is one counter, no autoincrement and no database
sequence, whose numbers could become visible out of order. A sample's key contains its encounter's
(`records.sample_key_of`): the samples of an encounter are one range of the primary key, and reading by key is
reading in the order of enrolment.

A change of this file needs a migration of the same effect (`migrations/`); a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 4
"""Written into every store; a store with a greater number was written by a later program."""

STORE_FORMAT = "matcher-gallery"
"""Written into every store; tells ours from somebody else's database."""

MAX_ID_LENGTH = 128
"""Longest subject id, client's id of an encounter, idempotency key, gallery's name, tag's key, value."""

MAX_NAMES = 64
"""Most galleries and most tags of one encounter."""

MAX_EXTRACTOR_LENGTH = 64
"""Longest name of an extractor: a face model's id, hexadecimal digits of a SHA-256."""

MAX_CLIENT_DATA = 1 << 16
"""Most bytes of a client's own data in one encounter."""

MAX_IMAGE_BYTES = 1 << 26
"""Largest image file kept with a sample."""

BIRTH_YEARS = range(1800, 2201)
"""Years of birth that are taken."""

# INTEGER PRIMARY KEY is SQLite's own row number; BIGINT would cost a second index.
BIG = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

store_info = Table(
    "store_info",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="always 1"),
    Column("format", String(32), nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("store_id", String(32), nullable=False, server_default="", comment="of this history of changes"),
)

alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    comment="last migration, as Alembic keeps it",
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
    Column("captured_at_us", BIG, comment="when the visit was, microseconds since 1970-01-01 UTC"),
    Column("status", SmallInteger, nullable=False, server_default="1", comment="records.EncounterStatus"),
    Column("galleries", Text, comment="names, a JSON array in order; null: none"),
    Column("year_of_birth", SmallInteger),
    Column("tags", Text, comment="a JSON object of strings in order; null: none"),
    Column("client_data", LargeBinary),
    Column(
        "client_id", String(MAX_ID_LENGTH), comment="the client's own id, once within a subject; null: none"
    ),
)

# Most encounters of a register may have none: those take no room in it.
Index(
    "ix_encounters_client_id",
    encounters.c.subject_key,
    encounters.c.client_id,
    unique=True,
    sqlite_where=encounters.c.client_id.is_not(None),
    postgresql_where=encounters.c.client_id.is_not(None),
)

# No foreign key: the range of the primary key says whose a sample is, and the store deletes both together.
samples = Table(
    "samples",
    metadata,
    Column("sample_key", BIG, primary_key=True, autoincrement=False, comment="encounter * 256 + ordinal"),
    Column("modality", SmallInteger, nullable=False, comment="types.Modality"),
    Column("position", SmallInteger, nullable=False, comment="by modality, 0 unknown"),
    Column("quality", SmallInteger, nullable=False, comment="0 to 100"),
    Column("extractor", String(MAX_EXTRACTOR_LENGTH), comment="null: the template alone says it"),
    Column("template", LargeBinary, nullable=False, comment="our own stored form, with its checksum"),
)

images = Table(
    "images",
    metadata,
    Column("sample_key", BIG, primary_key=True, autoincrement=False),
    Column("image", LargeBinary, nullable=False, comment="the file as it came"),
    Column("milli_ppi", Integer, comment="pixels per 1000 inches as the caller said; null: the file says it"),
    comment="apart from samples, so that templates are read without them",
)

# No more than one upgrade is RUNNING or SWITCHED. While one is SWITCHED, a sample's template is the one in
# `next_samples`, where it has one; afterwards the table is empty, and `samples` holds them.
upgrades = Table(
    "upgrades",
    metadata,
    Column("upgrade_key", BIG, primary_key=True, autoincrement=False, comment="from 1"),
    Column("state", SmallInteger, nullable=False, comment="generations.UpgradeState"),
    Column("modality", SmallInteger, nullable=False, comment="types.Modality"),
    Column("extractor", String(MAX_EXTRACTOR_LENGTH), nullable=False, comment="who makes the new templates"),
    Column("setting", Text, nullable=False, comment="by which a reader finds that extractor"),
    Column(
        "former_extractor", String(MAX_EXTRACTOR_LENGTH), nullable=False, comment="of new samples, before"
    ),
    Column("former_setting", Text, nullable=False),
    Column("per_minute", Integer, nullable=False, comment="most samples extracted a minute, 0: no limit"),
    Column("cursor", BIG, nullable=False, comment="sample_key up to which samples were looked at"),
    Column("staged", BIG, nullable=False, comment="samples with a new template"),
    Column("kept", BIG, nullable=False, comment="that were of the new extractor already"),
    Column("without_image", BIG, nullable=False, comment="that stay as they are: no image was kept"),
    Column("failed", BIG, nullable=False, comment="that stay as they are: no template came of the image"),
    Column("started_at_us", BIG, nullable=False, comment="microseconds since 1970-01-01 UTC"),
    Column("ended_at_us", BIG, comment="of the switch or the end, microseconds since 1970-01-01 UTC"),
)

next_samples = Table(
    "next_samples",
    metadata,
    Column("sample_key", BIG, primary_key=True, autoincrement=False),
    Column("quality", SmallInteger, nullable=False, comment="0 to 100"),
    Column("extractor", String(MAX_EXTRACTOR_LENGTH), nullable=False),
    Column("template", LargeBinary, nullable=False, comment="our own stored form, with its checksum"),
    comment="templates of the upgrade that is on its way",
)

missing_positions = Table(
    "missing_positions",
    metadata,
    Column("encounter_key", BIG, primary_key=True, autoincrement=False),
    Column("modality", SmallInteger, primary_key=True, autoincrement=False, comment="types.Modality"),
    Column("position", SmallInteger, primary_key=True, autoincrement=False, comment="by modality"),
    Column("reason", SmallInteger, nullable=False, comment="records.MissingReason"),
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
    Column("encounter_key", BIG),
    Column("sample_key", BIG),
    Column("other_key", BIG, comment="the subject merged into this one, or whose the encounter was"),
    Column("other_id", String(MAX_ID_LENGTH)),
)
