"""Run by Alembic: the migrations of a store, in the transaction that the caller holds open."""

from __future__ import annotations

from alembic import context

from matcher.gallery.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()
