"""Documents of the inbox that may be long, file to store and back: a part at a time is in memory, never the whole."""

from __future__ import annotations

from itertools import count
from typing import BinaryIO

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from store import inbox
from store.inbox import NewEvent
from store.tables import InboxEvent, InboxPart

Column = Mapped[bytes] | Mapped[bytes | None]

PART = 1 << 18
"""Bytes of a part. The relay takes many events at once, each with its beginning: hence not more."""
SLICE = 4 << 20
"""Bytes of a body that are read at once: an edited one, or one that was kept before there were parts."""


async def keep(session: AsyncSession, event: NewEvent, file: BinaryIO) -> int | None:
    """Keep an event whose body is the content of the file; its id, or None when that delivery is known already.

    The parts are of the same transaction: nobody sees the event without its end.
    """
    file.seek(0)
    event_id = await inbox.keep(session, event.model_copy(update={"body": file.read(PART)}))
    if event_id is None:
        return None
    number = 0
    while part := file.read(PART):
        number += 1
        await session.execute(insert(InboxPart), {"event_id": event_id, "number": number, "body": part})
    return event_id


async def copy_payload(session: AsyncSession, event_id: int, file: BinaryIO) -> None:
    """What is to be understood of an event: the operator's edition, or what came."""
    edited = select(col(InboxEvent.edited_body).is_not(None)).where(col(InboxEvent.id) == event_id)
    if await session.scalar(edited):
        await _copy(session, event_id, col(InboxEvent.edited_body), file)
    else:
        await copy_raw(session, event_id, file)


async def copy_raw(session: AsyncSession, event_id: int, file: BinaryIO) -> None:
    """What came, byte by byte."""
    await _copy(session, event_id, col(InboxEvent.body), file)
    for number in count(1):
        part = await session.scalar(select(col(InboxPart.body)).filter_by(event_id=event_id, number=number))
        if part is None:
            return
        file.write(part)


async def _copy(session: AsyncSession, event_id: int, body: Column, file: BinaryIO) -> None:
    of_event = col(InboxEvent.id) == event_id
    size = await session.scalar(select(func.octet_length(body)).where(of_event)) or 0
    for start in range(1, size + 1, SLICE):
        part = await session.scalar(select(func.substring(body, start, SLICE)).where(of_event))
        file.write(part or b"")
