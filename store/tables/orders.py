"""The permanent registry of orders, and the projection of where each of them stands."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.case import ExceptionCase
from models.messages import OrderSnapshot, OrderState, Transition
from models.order import Order
from store.tables import columns


class OrderRow(SQLModel, table=True):
    """An order for ever: a workflow id is unique only within the engine's retention, this row always."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("channel", "account", "external_id", name="orders_once"),
        columns.one_of("state", OrderState, "orders_state"),
        Index("orders_by_state", "state", "channel"),
        Index("orders_by_age", "created_at"),
        Index("orders_by_release", "released_at", postgresql_where=sql("released_at IS NOT NULL")),
    )

    order_key: str = columns.key()
    channel: str = columns.text()
    account: str = columns.text()
    external_id: str = columns.text()
    workflow_id: str = columns.text()
    correlation_id: UUID
    state: str = columns.word(OrderState.RECEIVED)
    delivered_version: datetime | None = columns.moment(nullable=True)
    """Version of the order that its workflow was last told; null until then."""
    mapping_version: int
    """Version of the channel's parser that produced the payload."""
    raw_event_id: int | None = Field(default=None, sa_type=BigInteger())
    currency: str = columns.text()
    total: Decimal = columns.amount()
    payload: dict[str, Any] = columns.document()
    """The canonical order, `models.order.Order`."""
    snapshot: dict[str, Any] | None = columns.document(nullable=True)
    last_transition: int = columns.count()
    """Number of the newest transition in the projection: an older report never overwrites a newer one."""
    purchased_at: datetime = columns.moment()
    ship_by: datetime | None = columns.moment(nullable=True)
    received_at: datetime = columns.moment()
    """When the earliest raw event of the order was received."""
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()
    released_at: datetime | None = columns.moment(nullable=True)
    closed_at: datetime | None = columns.moment(nullable=True)

    def order(self) -> Order:
        return Order.model_validate(self.payload)

    def order_snapshot(self) -> OrderSnapshot | None:
        """Where the order stands; None until its workflow first reported."""
        return OrderSnapshot.model_validate(self.snapshot) if self.snapshot is not None else None


class OrderTransition(SQLModel, table=True):
    """One change of an order's state. Append-only: the database refuses changes and deletions."""

    __tablename__ = "order_transition"
    __table_args__ = (
        ForeignKeyConstraint(["order_key"], ["orders.order_key"], name="order_transition_order"),
        columns.one_of("state", OrderState, "order_transition_state"),
    )

    order_key: str = columns.key()
    number: int = Field(primary_key=True)
    at: datetime = columns.moment()
    state: str = columns.text()
    cause: str = columns.text()
    actor: str = columns.text()
    authority: str = columns.text()

    def transition(self) -> Transition:
        return Transition(
            at=self.at, state=OrderState(self.state), cause=self.cause, actor=self.actor, authority=self.authority
        )


class CaseRow(SQLModel, table=True):
    """An exception case, `models.case.ExceptionCase`."""

    __tablename__ = "exception_case"
    __table_args__ = (
        Index("exception_case_open", "opened_at", postgresql_where=sql("resolved_at IS NULL")),
        Index("exception_case_order", "order_key"),
        Index("exception_case_subject", "subject", postgresql_where=sql("resolved_at IS NULL AND subject <> ''::text")),
    )

    case_id: str = columns.key()
    order_key: str = columns.text()
    channel: str = columns.text()
    workflow_id: str = columns.text()
    kind: str = columns.text()
    step: str = columns.text()
    reason: str = columns.text()
    detail: dict[str, Any] = columns.document()
    allowed: list[str] = columns.document()
    owner: str = columns.word("operations")
    subject: str = columns.word("")
    expires_at: datetime | None = columns.moment(nullable=True)
    on_expiry: str | None = columns.text(nullable=True)
    opened_at: datetime = columns.moment()
    resolved_at: datetime | None = columns.moment(nullable=True)
    resolution: dict[str, Any] | None = columns.document(nullable=True)

    def case(self) -> ExceptionCase:
        key = dict(zip(("channel", "account", "external_id"), self.order_key.split("/", 2), strict=True))
        return ExceptionCase.model_validate({**self.model_dump(), "order_key": key})
