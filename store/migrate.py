"""Brings a database to the schema of this version: `python -m store.migrate` with ORDERYARD_DATABASE_URL set."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps what it works on in module variables: one upgrade at a time in a process, whatever the database.
_ALEMBIC = threading.Lock()


async def upgrade(database_url: str) -> None:
    """Apply what is missing. Several processes may do this at once: one works, the others wait and find it done."""
    await asyncio.to_thread(_upgrade, database_url)


def _upgrade(database_url: str) -> None:
    with _ALEMBIC:
        command.upgrade(configuration(database_url), "head")


def configuration(database_url: str) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    # Not an option: a `%` in a password would be read as interpolation.
    config.attributes["database_url"] = database_url
    return config


def main() -> None:
    url = os.environ.get("ORDERYARD_DATABASE_URL")
    if not url:
        sys.exit("ORDERYARD_DATABASE_URL is not set: give it as postgresql://user:password@host:port/name")
    asyncio.run(upgrade(url))


if __name__ == "__main__":
    main()
