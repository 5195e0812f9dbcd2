"""What came in, what must go out to workflows, and how far each channel was read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from store.tables import columns

EVENT_SOURCES = ("webhook", "poll", "backlog", "file", "wms")
"""The backlog is what was polled of a long absence."""
LINE = "((((channel || '/'::text) || account) || '/'::text) || source)"
"""SQL: where an event stands in line. An expression, so that no index but that of due events can be mistaken for it."""
EVENT_STATUSES = ("received", "delivered", "ignored", "dead", "discarded")
STREAMS = ("orders", "backlog", "returns", "reports")
"""What is read of a channel account page by page; the backlog is what a long absence left behind. Reports are read of a
warehouse that is watched."""


class InboxEvent(SQLModel, table=True):
    """A raw event, kept before it is understood; one row for each delivery, however often it arrives."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("channel", "account", "source", "delivery_id", name="inbox_event_once"),
        columns.one_of("source", EVENT_SOURCES, "inbox_event_source"),
        columns.one_of("status", EVENT_STATUSES, "inbox_event_status"),
        Index("inbox_event_due", sql(LINE), "next_attempt_at", "id", postgresql_where=sql("status = 'received'")),
        Index("inbox_event_refused", "id", postgresql_where=sql("status = 'dead' OR refusals <> '[]'::jsonb")),
        Index("inbox_event_order", "channel", "account", "external_id"),
    )

    id: int = columns.serial()
    channel: str = columns.text()
    account: str = columns.text()
    source: str = columns.text()
    topic: str = columns.text()
    delivery_id: str = columns.text()
    external_id: str | None = columns.text(nullable=True)
    version: datetime | None = columns.moment(nullable=True)
    correlation_id: UUID
    headers: dict[str, str] = columns.document()
    body: bytes = Field(sa_type=LargeBinary(), nullable=False)
    """What came; of a long document the beginning, whose rest is in `InboxPart`."""
    edited_body: bytes | None = Field(default=None, sa_type=LargeBinary(), nullable=True)
    """What an operator made of a payload that could not be understood; the raw one stays as it came."""
    edited_by: str | None = columns.text(nullable=True)
    received_at: datetime = columns.moment()
    status: str = columns.word("received")
    attempts: int = columns.count()
    next_attempt_at: datetime = columns.now()
    finished_at: datetime | None = columns.moment(nullable=True)
    outcome: str | None = columns.text(nullable=True)
    refusals: list[dict[str, Any]] = columns.documents()

    @property
    def payload(self) -> bytes:
        """What is to be understood: the operator's edition, or what came."""
        return self.body if self.edited_body is None else self.edited_body


class InboxPart(SQLModel, table=True):
    """What follows on the body of an event, so that a long document comes and goes without being in memory whole."""

    __tablename__ = "inbox_part"

    event_id: int = Field(
        sa_type=BigInteger(), sa_column_args=(ForeignKey("inbox_event.id", ondelete="CASCADE"),), primary_key=True
    )
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """From one; the parts follow each other by it."""
    body: bytes = Field(sa_type=LargeBinary(), nullable=False)


class OutboxMessage(SQLModel, table=True):
    """A message to a workflow, written in the transaction that made it necessary, and delivered afterwards."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "next_attempt_at", "id", postgresql_where=sql("delivered_at IS NULL")),)

    id: int = columns.serial()
    workflow_id: str = columns.text()
    message: str = columns.text()
    payload: dict[str, Any] = columns.document()
    created_at: datetime = columns.now()
    delivered_at: datetime | None = columns.moment(nullable=True)
    attempts: int = columns.count()
    next_attempt_at: datetime = columns.now()
    last_error: str | None = columns.text(nullable=True)


class ChannelCursor(SQLModel, table=True):
    """How far one stream of a channel account was read."""

    __tablename__ = "channel_cursor"
    __table_args__ = (columns.one_of("stream", STREAMS, "channel_cursor_stream"),)

    channel: str = columns.key()
    account: str = columns.key()
    stream: str = Field(
        default="orders", primary_key=True, sa_type=columns.AnyText(), sa_column_kwargs={"server_default": "orders"}
    )
    cursor: str | None = columns.text(nullable=True)
    polled_at: datetime | None = columns.moment(nullable=True)
    last_success_at: datetime | None = columns.moment(nullable=True)
