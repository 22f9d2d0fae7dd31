"""Subjects with several encounters and their attributes; one key for a sample; images; missing positions."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ORDINALS = 256
"""Samples of an encounter that its keys have room for, in this version."""


def upgrade() -> None:
    """Bring version 1 to version 2."""
    op.add_column("store_info", sa.Column("store_id", sa.String(32), nullable=False, server_default=""))
    op.add_column("encounters", sa.Column("captured_at_us", BIG))
    op.add_column("encounters", sa.Column("status", sa.SmallInteger, nullable=False, server_default="1"))
    op.add_column("encounters", sa.Column("galleries", sa.Text))
    op.add_column("encounters", sa.Column("year_of_birth", sa.SmallInteger))
    op.add_column("encounters", sa.Column("tags", sa.Text))
    op.add_column("encounters", sa.Column("client_data", sa.LargeBinary))
    _one_key_for_a_sample()
    op.create_table(
        "images",
        sa.Column("sample_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("image", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "missing_positions",
        sa.Column("encounter_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("modality", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.SmallInteger, nullable=False),
    )
    for column in (
        sa.Column("encounter_key", BIG),
        sa.Column("sample_key", BIG),
        sa.Column("other_key", BIG),
        sa.Column("other_id", sa.String(128)),
    ):
        op.add_column("changes", column)
    # Kind 1 enrols; in version 1 an encounter had its change's number too.
    op.execute("UPDATE changes SET encounter_key = sequence WHERE kind = 1")
    info = sa.table("store_info", sa.column("store_id"), sa.column("schema_version"))
    op.execute(info.update().values(store_id=uuid.uuid4().hex, schema_version=2))


def _one_key_for_a_sample() -> None:
    """The table anew: a primary key cannot be altered everywhere."""
    op.rename_table("samples", "samples_v1")
    # PostgreSQL keeps the old index's name, which the new table wants.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX samples_pkey RENAME TO samples_v1_pkey")
    op.create_table(
        "samples",
        sa.Column("sample_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("modality", sa.SmallInteger, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.Column("extractor", sa.String(64)),
        sa.Column("template", sa.LargeBinary, nullable=False),
    )
    op.execute(
        "INSERT INTO samples (sample_key, modality, position, quality, template) "
        f"SELECT encounter_key * {ORDINALS} + ordinal, modality, position, quality, template "
        "FROM samples_v1 ORDER BY encounter_key, ordinal"
    )
    op.drop_table("samples_v1")
