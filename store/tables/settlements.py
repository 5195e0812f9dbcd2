"""Payouts of the channels line by line, what is wrong with them, and the rules by which they were understood."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Numeric
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.matching import Fault
from models.settlement import SettlementResult
from store.tables import columns

_DOCUMENT = ("channel", "account", "settlement_id")
STATUSES = ("keeping", "matching", "posted")
OPEN_RESIDUAL = "residual_amount <> 0 AND settled_by IS NULL"


def _of_settlement(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(_DOCUMENT, [f"settlement.{column}" for column in _DOCUMENT], name=f"{table}_settlement")


class SettlementRow(SQLModel, table=True):
    """A settlement; not a cent of it is unaccounted for, while it is posted and afterwards."""

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("matched + residual = payout", name="settlement_adds_up"),
        columns.one_of("status", STATUSES, "settlement_status"),
        Index("settlement_by_age", "posted_at"),
    )

    channel: str = columns.key()
    account: str = columns.key()
    settlement_id: str = columns.key()
    currency: str = columns.text()
    payout: Decimal = columns.amount()
    matched: Decimal = columns.amount()
    residual: Decimal = columns.amount()
    result: dict[str, Any] = columns.document()
    lines: int
    posted_at: datetime = columns.now()
    status: str = columns.word("posted")
    kept: int = columns.count()
    """Lines that are in the store: where the reading goes on after an interruption."""
    matched_to: str | None = columns.text(nullable=True)
    """The channel's id of the last order that was matched: where the matching goes on."""
    revision: int = Field(default=1, nullable=False, sa_column_kwargs={"server_default": sql("1")})
    """Raised when it is matched again under other rules."""
    rules_version: int = columns.count()
    event_id: int | None = Field(default=None, sa_type=BigInteger())
    """The raw document in the inbox."""
    starts_at: datetime | None = columns.moment(nullable=True)
    ends_at: datetime | None = columns.moment(nullable=True)
    deposited_at: datetime | None = columns.moment(nullable=True)
    entity: str = columns.word("")
    """Legal entity whose books it is posted in."""
    journal: str | None = columns.text(nullable=True)
    """Number of the journal in the ERP."""
    payout_on: str = columns.word("")
    """Role of the account that its journal debits with the payout; empty until there is one."""
    paid_to: str | None = columns.text(nullable=True)
    """The last order whose payment was posted to the ERP."""

    def settlement_result(self) -> SettlementResult:
        return SettlementResult.model_validate(self.result)


class SettlementLineRow(SQLModel, table=True):
    """A line of a settlement: matched to an order, in whole or in part; its rest is a residual with a name."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        _of_settlement("settlement_line"),
        CheckConstraint("matched = (residual IS NULL)", name="settlement_line_matched_or_named"),
        CheckConstraint("NOT matched OR order_key IS NOT NULL", name="settlement_line_order"),
        CheckConstraint("matched_amount + residual_amount = amount", name="settlement_line_adds_up"),
        columns.one_of("fault", Fault, "settlement_line_fault"),
        Index("settlement_line_of_order", "order_key"),
        Index("settlement_line_by_order", *_DOCUMENT, "external_order_id"),
        Index("settlement_line_open", *_DOCUMENT, "number", postgresql_where=sql(OPEN_RESIDUAL)),
    )

    channel: str = columns.key()
    account: str = columns.key()
    settlement_id: str = columns.key()
    number: int = Field(primary_key=True)
    type: str = columns.text()
    label: str = columns.text()
    labels: list[str] = columns.documents()
    amount: Decimal = columns.amount()
    currency: str = columns.text()
    order_key: str | None = columns.text(nullable=True)
    external_order_id: str | None = columns.text(nullable=True)
    line_id: str | None = columns.text(nullable=True)
    sku: str | None = columns.text(nullable=True)
    quantity: int | None = None
    marketplace: str = columns.word("")
    posted_at: datetime | None = columns.moment(nullable=True)
    matched: bool
    residual: str | None = columns.text(nullable=True)
    """Name of the residual."""
    matched_amount: Decimal = columns.amount()
    residual_amount: Decimal = columns.amount()
    fault: str | None = columns.text(nullable=True)
    rule: str = columns.word("")
    """By which rule it was matched."""
    settled_by: str | None = columns.text(nullable=True)
    """The later line that corrects the residual, or who wrote it off."""
    corrected_amount: Decimal = columns.sum_so_far()
    """What of the line takes back residuals of earlier settlements."""
    given_up_amount: Decimal | None = Field(default=None, sa_type=Numeric())
    """The residual that a person gave up: another one is another decision."""
    written_off_on: date | None = None
    """Accounting date of the entry that books the write-off; None when the books have none of its own."""


class SettlementOrderRow(SQLModel, table=True):
    """What a settlement has told an order, in sum."""

    __tablename__ = "settlement_order"
    __table_args__ = (
        _of_settlement("settlement_order"),
        Index("settlement_order_key", "order_key"),
        Index("settlement_order_waiting", *_DOCUMENT, "order_key", postgresql_where=sql("payment_waits")),
    )

    channel: str = columns.key()
    account: str = columns.key()
    settlement_id: str = columns.key()
    order_key: str = columns.key()
    received: Decimal = columns.amount()
    fees: Decimal = columns.amount()
    refunds: Decimal = columns.amount()
    booked: Decimal = columns.sum_so_far()
    """Payments of the order's invoices that the ERP was told of."""
    booked_back: Decimal = columns.sum_so_far()
    """The same of its credit notes: negative or zero."""
    payment_waits: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": sql("false")})
    """True while nothing of the order is invoiced that the payment could pay."""


class OrderWriteOffRow(SQLModel, table=True):
    """What the books are told that nobody will pay of an order, or that somebody has paid after all (negative)."""

    __tablename__ = "order_write_off"

    order_key: str = columns.key()
    nth: int = Field(primary_key=True)
    amount: Decimal = columns.amount()
    currency: str = columns.text()
    on: date
    """Accounting date."""
    entity: str = columns.word("")
    correlation_id: str = columns.text()
    booked: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": sql("false")})


class FindingRow(SQLModel, table=True):
    """Money of an order that is not as expected, `models.matching.Finding`; closed by what settles it."""

    __tablename__ = "settlement_finding"
    __table_args__ = (
        columns.one_of("fault", Fault, "settlement_finding_fault"),
        Index(
            "settlement_finding_open",
            "order_key",
            "fault",
            "component",
            unique=True,
            postgresql_where=sql("settled_at IS NULL"),
        ),
    )

    id: int = columns.serial()
    order_key: str = columns.text()
    channel: str = columns.text()
    account: str = columns.text()
    fault: str = columns.text()
    component: str = columns.text()
    amount: Decimal = columns.amount()
    currency: str = columns.text()
    settlement_id: str = columns.text()
    """Of the settlement that showed it."""
    number: int | None = None
    found_at: datetime = columns.now()
    settled_at: datetime | None = columns.moment(nullable=True)
    settled_by: str | None = columns.text(nullable=True)


class RuleSetRow(SQLModel, table=True):
    """A version of a channel's settlement rules, `models.settlement_rules.RuleSet`. The highest one is in force."""

    __tablename__ = "settlement_rules"

    channel: str = columns.key()
    version: int = Field(primary_key=True)
    document: dict[str, Any] = columns.document()
    applied_by: str = columns.text()
    applied_at: datetime = columns.now()
