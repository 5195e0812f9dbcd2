"""How Alembic reaches the database. Online only; the whole upgrade is one transaction."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from store.database import driver_url
from store.tables import metadata
from store.tables.columns import AnyText

ONE_AT_A_TIME = 7_306_118
"""Number of the advisory lock that an upgrade holds."""


def in_plain_types(kind: str, column_type: Any, _: object) -> str | Literal[False]:
    """A migration is history: it must not change with the types that today's code uses."""
    return "sa.Text()" if kind == "type" and isinstance(column_type, AnyText) else False


def run() -> None:
    engine = create_engine(driver_url(context.config.attributes["database_url"]), poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_server_default=True,
            render_item=in_plain_types,
        )
        with context.begin_transaction():
            # Before the current revision is read, so that whoever had to wait sees what the other one did.
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ONE_AT_A_TIME})
            context.run_migrations()


run()
