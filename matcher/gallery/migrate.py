"""Bringing a store of an earlier version up to this one, with Alembic.

All migrations of one opening happen in one transaction: either the store is of the new version, or it is what
it was.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

FOLDER = Path(__file__).parent / "migrations"
"""Scripts, one a version."""


def revision_of(version: int) -> str:
    """Return the migration that leads to a schema version."""
    return f"{version:04d}"


def migrate(connection: Connection, version: int, target: int) -> None:
    """Bring the tables from one schema version to another.

    Parameters
    ----------
    connection : Connection
        Inside the transaction that the caller commits.
    version : int
        Of the tables now; 0 where there are none.
    target : int
    """
    # Imported here: a store that is of this version already needs none of it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    if version and not inspect(connection).has_table("alembic_version"):
        command.stamp(config, revision_of(version))  # version 1 did not keep Alembic's mark
    command.upgrade(config, revision_of(target))
