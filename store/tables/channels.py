"""What is known of each channel account: its health, its drift, its returns, its stock, its audits."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Index
from sqlmodel import Field, SQLModel

from models.channel import QuotaLeft
from models.returns import ChannelReturn, ReturnState
from store.tables import columns


class ChannelHealthRow(SQLModel, table=True):
    """What a channel account's connector said of itself last, and how its last calls went."""

    __tablename__ = "channel_health"

    channel: str = columns.key()
    account: str = columns.key()
    api_version: str = columns.word("")
    sunset: date | None = Field(default=None, sa_type=Date(), nullable=True)
    credential_expires: datetime | None = columns.moment(nullable=True)
    quotas: list[dict[str, Any]] = columns.documents()
    newest_version: datetime | None = columns.moment(nullable=True)
    """Version of the newest order that was read: how far behind the channel we may be."""
    last_success_at: datetime | None = columns.moment(nullable=True)
    last_failure_at: datetime | None = columns.moment(nullable=True)
    last_failure: str | None = columns.text(nullable=True)
    updated_at: datetime = columns.now()

    def quotas_left(self) -> list[QuotaLeft]:
        return [QuotaLeft.model_validate(quota) for quota in self.quotas]


class DriftRow(SQLModel, table=True):
    """Something that payloads of a channel hold and its mapping does not know, and how often."""

    __tablename__ = "schema_drift"
    __table_args__ = (
        CheckConstraint("count >= 1", name="schema_drift_count"),
        columns.one_of("kind", ("unknown_field", "unknown_value"), "schema_drift_kind"),
    )

    channel: str = columns.key()
    api_version: str = columns.key()
    kind: str = columns.key()
    path: str = columns.key()
    value: str = columns.key()
    count: int = columns.count()
    first_seen: datetime = columns.now()
    last_seen: datetime = columns.now()
    last_event: int | None = Field(default=None, sa_type=BigInteger(), nullable=True)
    """An inbox event to look at."""


class ReturnRow(SQLModel, table=True):
    """The newest version of a return, `models.returns.ChannelReturn`."""

    __tablename__ = "channel_return"
    __table_args__ = (
        columns.one_of("state", ReturnState, "channel_return_state"),
        Index("channel_return_of_order", "order_key"),
    )

    channel: str = columns.key()
    account: str = columns.key()
    return_id: str = columns.key()
    order_key: str = columns.text()
    state: str = columns.text()
    version: datetime = columns.moment()
    payload: dict[str, Any] = columns.document()
    correlation_id: UUID
    raw_event_id: int | None = Field(default=None, sa_type=BigInteger(), nullable=True)
    received_at: datetime = columns.now()
    updated_at: datetime = columns.now()

    def channel_return(self) -> ChannelReturn:
        return ChannelReturn.model_validate(self.payload)


class ChannelStockRow(SQLModel, table=True):
    """The quantity of a SKU that a channel was last told, and what it refused."""

    __tablename__ = "channel_stock"
    __table_args__ = (CheckConstraint("quantity >= 0", name="channel_stock_quantity"),)

    channel: str = columns.key()
    account: str = columns.key()
    sku: str = columns.key()
    quantity: int
    told_at: datetime = columns.now()
    problem: str | None = columns.text(nullable=True)


class ChannelAuditRow(SQLModel, table=True):
    """One comparison of a channel's orders with ours, and what came of it."""

    __tablename__ = "channel_audit"
    __table_args__ = (Index("channel_audit_by_account", "channel", "account", "id"),)

    id: int = columns.serial()
    channel: str = columns.text()
    account: str = columns.text()
    since: datetime = columns.moment()
    until: datetime = columns.moment()
    ran_at: datetime = columns.now()
    report: dict[str, Any] = columns.document()
