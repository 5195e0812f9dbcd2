"""Repairs and what became of each case, causes that are gone, the tax codes of items, and the trips of breakers."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.repair import Repair, RepairItem, RepairKind, RepairState
from store.tables import columns


class RepairRow(SQLModel, table=True):
    """A repair, `models.repair.Repair`: who decided what, when and why."""

    __tablename__ = "repair"
    __table_args__ = (
        columns.one_of("kind", RepairKind, "repair_kind"),
        columns.one_of("state", RepairState, "repair_state"),
        Index("repair_by_age", "planned_at"),
    )

    repair_id: str = columns.key()
    kind: str = columns.text()
    query: str = columns.text()
    action: str | None = columns.text(nullable=True)
    amendment: dict[str, Any] = columns.document()
    mapping_version: int | None = Field(default=None, nullable=True)
    note: str = columns.text()
    actor: str = columns.text()
    per_second: int
    state: str = columns.word(RepairState.PLANNED)
    planned_at: datetime = columns.now()
    started_at: datetime | None = columns.moment(nullable=True)
    ended_at: datetime | None = columns.moment(nullable=True)
    ended_by: str | None = columns.text(nullable=True)

    def repair(self) -> Repair:
        return Repair.model_validate(self.model_dump())


class RepairItemRow(SQLModel, table=True):
    """One case or order of a repair, `models.repair.RepairItem`."""

    __tablename__ = "repair_item"
    __table_args__ = (
        ForeignKeyConstraint(["repair_id"], ["repair.repair_id"], name="repair_item_repair"),
        CheckConstraint("outcome IS NULL OR done_at IS NOT NULL", name="repair_item_done"),
        Index("repair_item_left", "repair_id", "number", postgresql_where=sql("outcome IS NULL")),
        Index("repair_item_order", "order_key"),
    )

    repair_id: str = columns.key()
    number: int = Field(primary_key=True)
    target: str = columns.text()
    order_key: str = columns.text()
    workflow_id: str = columns.text()
    outcome: str | None = columns.text(nullable=True)
    reason: str = columns.word("")
    before: dict[str, Any] | None = columns.document(nullable=True)
    after: dict[str, Any] | None = columns.document(nullable=True)
    attempts: int = columns.count()
    done_at: datetime | None = columns.moment(nullable=True)

    def item(self) -> RepairItem:
        return RepairItem.model_validate(self.model_dump())


class CauseGoneRow(SQLModel, table=True):
    """When a cause that several cases may share was last put right."""

    __tablename__ = "cause_gone"

    subject: str = columns.key()
    gone_at: datetime = columns.now()
    note: str = columns.word("")


class ItemTaxCodeRow(SQLModel, table=True):
    """The tax engine's code for an item (or for a channel's SKU, which goes first)."""

    __tablename__ = "item_tax_code"

    item: str = columns.key()
    tax_code: str = columns.text()
    actor: str = columns.word("operator")
    updated_at: datetime = columns.now()


class BreakerTripRow(SQLModel, table=True):
    """One time that calls to an outside system were stopped for the whole fleet."""

    __tablename__ = "breaker_trip"
    __table_args__ = (
        Index("breaker_trip_open", "queue", unique=True, postgresql_where=sql("closed_at IS NULL")),
        Index("breaker_trip_by_age", "queue", "opened_at"),
    )

    id: int = columns.serial()
    queue: str = columns.text()
    reason: str = columns.text()
    actor: str = columns.word("orderyard")
    """Whoever stopped it; `orderyard` when failures did."""
    rate_before: float | None = Field(default=None, nullable=True)
    """Calls a second that the queue was limited to before; null where it was not."""
    opened_at: datetime = columns.now()
    closed_at: datetime | None = columns.moment(nullable=True)
    closed_by: str | None = columns.text(nullable=True)
    probes: int = columns.count()
    last_probe_at: datetime | None = columns.moment(nullable=True)
    last_probe: str | None = columns.text(nullable=True)
