"""Subjects with one encounter each, their samples, and the change log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of version 1."""
    op.create_table(
        "store_info",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "change_counter",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("last_sequence", BIG, nullable=False),
    )
    op.create_table(
        "subjects",
        sa.Column("subject_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("subject_id", sa.String(128), nullable=False, unique=True),
    )
    op.create_table(
        "encounters",
        sa.Column("encounter_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("subject_key", BIG, sa.ForeignKey("subjects.subject_key"), nullable=False, index=True),
        sa.Column("enrolled_at_us", BIG, nullable=False),
    )
    op.create_table(
        "samples",
        sa.Column(
            "encounter_key",
            BIG,
            sa.ForeignKey("encounters.encounter_key"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("ordinal", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("modality", sa.SmallInteger, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.Column("template", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("payload_digest", sa.LargeBinary, nullable=False),
        sa.Column("subject_id", sa.String(128), nullable=False),
        sa.Column("sequence", BIG, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("sequence", BIG, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("subject_key", BIG, nullable=False),
        sa.Column("subject_id", sa.String(128), nullable=False),
        sa.Column("changed_at_us", BIG, nullable=False),
    )
    op.execute("INSERT INTO store_info (id, format, schema_version) VALUES (1, 'matcher-gallery', 1)")
    op.execute("INSERT INTO change_counter (id, last_sequence) VALUES (1, 0)")
