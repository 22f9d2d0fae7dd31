"""Upgrades: templates of a new generation beside the old ones; the resolution that came with an image."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring version 2 to version 3."""
    op.add_column("images", sa.Column("milli_ppi", sa.Integer))
    op.create_table(
        "upgrades",
        sa.Column("upgrade_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("modality", sa.SmallInteger, nullable=False),
        sa.Column("extractor", sa.String(64), nullable=False),
        sa.Column("setting", sa.Text, nullable=False),
        sa.Column("former_extractor", sa.String(64), nullable=False),
        sa.Column("former_setting", sa.Text, nullable=False),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("cursor", BIG, nullable=False),
        sa.Column("staged", BIG, nullable=False),
        sa.Column("kept", BIG, nullable=False),
        sa.Column("without_image", BIG, nullable=False),
        sa.Column("failed", BIG, nullable=False),
        sa.Column("started_at_us", BIG, nullable=False),
        sa.Column("ended_at_us", BIG),
    )
    op.create_table(
        "next_samples",
        sa.Column("sample_key", BIG, primary_key=True, autoincrement=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.Column("extractor", sa.String(64), nullable=False),
        sa.Column("template", sa.LargeBinary, nullable=False),
    )
    op.execute("UPDATE store_info SET schema_version = 3")
