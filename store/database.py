"""The connection to PostgreSQL: one pool a process, one transaction a session."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from store.bell import WorkBell

_NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Database:
    """`async with database.session() as session:` is one transaction: committed at the end, undone by an exception."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        """`url` is `postgresql://user:password@host:port/name`. Nothing connects before the first use."""
        self._engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            # A server that was restarted has closed the pooled connections: find out before they are used.
            pool_pre_ping=True,
            json_serializer=to_json,
            # An error names its statement; the values may be a buyer's name and address.
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._bell = WorkBell(url)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions.begin() as session:
            yield session

    async def ping(self) -> None:
        """Ask the server for an answer. Raises SQLAlchemy's `OperationalError` when there is none."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def wait_for_work(self, timeout: float) -> None:  # noqa: ASYNC109 - not a limit but the rhythm of the caller
        """Return as soon as an inbox or outbox row may be due, at the latest after `timeout` seconds."""
        await self._bell.wait(timeout)

    async def aclose(self) -> None:
        await self._bell.aclose()
        await self._engine.dispose()


def driver_url(url: str) -> URL:
    """The URL for SQLAlchemy, whichever of PostgreSQL's two spellings and whatever driver it names."""
    return make_url(url).set(drivername="postgresql+psycopg")


def to_json(value: Any) -> str:
    """JSON that `jsonb` can hold. PostgreSQL knows no U+0000, so what a payload has of them becomes U+FFFD."""
    return _NUL_ESCAPE.sub(r"\1\\ufffd", json.dumps(value))
