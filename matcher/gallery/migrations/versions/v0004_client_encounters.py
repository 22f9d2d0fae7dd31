"""Ids that clients give to encounters, each once within a subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring version 3 to version 4."""
    op.add_column("encounters", sa.Column("client_id", sa.String(128)))
    given = sa.text("client_id IS NOT NULL")
    op.create_index(
        "ix_encounters_client_id",
        "encounters",
        ["subject_key", "client_id"],
        unique=True,
        sqlite_where=given,
        postgresql_where=given,
    )
    op.execute("UPDATE store_info SET schema_version = 4")
