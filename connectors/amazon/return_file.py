"""The returns report (`GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE`): a row for each listing that comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.amazon.flatfile import Row, decoded
from connectors.amazon.words import RETURN_STATES
from connectors.errors import SchemaDrift
from models.money import Money
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnLine, ReturnState

ORDER, RMA, STATUS = "order id", "amazon rma id", "return request status"
REQUESTED, DELIVERED = "return request date", "return delivery date"
SKU, QUANTITY, REFUNDED, CURRENCY = "merchant sku", "return quantity", "refunded amount", "currency code"
NEEDED = (ORDER, STATUS, REQUESTED, SKU, QUANTITY)
COLUMNS = frozenset(
    {
        *NEEDED, RMA, DELIVERED, REFUNDED, CURRENCY,
        "order date", "merchant rma id", "label type", "label cost", "return carrier", "tracking id",
        "label to be paid by", "a-to-z claim", "is prime", "asin", "item name", "return reason", "in policy",
        "return type", "resolution", "invoice number", "order amount", "order quantity", "safet action reason",
        "safet claim id", "safet claim state", "safet claim creation time", "safet claim reimbursement amount",
    }
)  # fmt: skip
_WORDS = {word.lower(): state for word, state in RETURN_STATES.items()}
_HOW_FAR = {state: number for number, state in enumerate(ReturnState)}


@dataclass
class Group:
    """The rows of one return, and their lines as they stand in the file."""

    return_id: str
    rows: list[Row] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def is_return_file(text: str) -> bool:
    names = _names(text.split("\n", 1)[0])
    return "\t" in text and len(set(NEEDED) & set(names)) >= 3


def unknown_columns(text: str) -> list[str]:
    return [name for name in _names(text.split("\n", 1)[0]) if name and name not in COLUMNS]


def groups(body: bytes) -> tuple[str, list[Group]]:
    """The header line, and the rows by return. Raises `SchemaDrift` for a file without the columns that are needed."""
    lines = [line.removesuffix("\r") for line in decoded(body).replace("\x00", "").split("\n")]
    names = _names(lines[0])
    for column in NEEDED:
        if column not in names:
            remedy = f"The returns report has a column {column!r}: ask for the report again, in English."
            raise SchemaDrift("missing_column", "line 1", lines[0], remedy)
    found: dict[str, Group] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            row = Row(number, dict(zip(names, (_bare(cell) for cell in line.split("\t")), strict=False)))
            group = found.setdefault(row[RMA] or row[ORDER], Group(row[RMA] or row[ORDER]))
            group.rows.append(row)
            group.lines.append(line)
    return lines[0], list(found.values())


def of_group(group: Group, account: str) -> ChannelReturn:
    """Raises `SchemaDrift` naming line and column."""
    first = group.rows[0]
    if not first[ORDER]:
        raise first.drift("missing", ORDER, "A return belongs to an order.")
    state, refunded = _state(group), _refunded(group)
    return ChannelReturn(
        return_id=group.return_id,
        order_key=OrderKey(channel="amazon", account=account, external_id=first[ORDER]),
        version=_version(group, state, refunded),
        state=state,
        lines=tuple(_lines(group)),
        rma=first["merchant rma id"],
        carrier=first["return carrier"],
        tracking=first["tracking id"],
        requested_at=first.moment(REQUESTED),
        refunded=refunded,
    )


def _state(group: Group) -> ReturnState:
    """Of the row that is least far: a return is closed when all of it is."""
    return min((_row_state(row) for row in group.rows), key=lambda state: _HOW_FAR[state])


def _row_state(row: Row) -> ReturnState:
    word = row[STATUS]
    state = _WORDS.get(word.lower())
    if state is None:
        remedy = f"Known are {', '.join(sorted(RETURN_STATES))}; map the new status, then replay the return."
        raise row.drift("unknown_status" if word else "missing", STATUS, remedy)
    return ReturnState.RECEIVED if state is ReturnState.APPROVED and row[DELIVERED] else state


def _lines(group: Group) -> Iterator[ReturnLine]:
    """One a SKU, which is all that the report says of an order's line."""
    units: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for row in group.rows:
        quantity = row.quantity(QUANTITY)
        if quantity is None or quantity < 1:
            raise row.drift("wrong_value" if row[QUANTITY] else "missing", QUANTITY, "A number of units is expected.")
        sku = row[SKU] or row["asin"] or "?"
        units[sku] = units.get(sku, 0) + quantity
        reasons.setdefault(sku, row["return reason"])
    for sku, quantity in units.items():
        yield ReturnLine(return_line_id=sku, sku=sku, quantity=quantity, reason=reasons[sku])


def _refunded(group: Group) -> Money | None:
    paid = [row for row in group.rows if row[REFUNDED]]
    if not paid:
        return None
    currency = paid[0][CURRENCY]
    if not currency:
        raise paid[0].drift("missing", CURRENCY, "An amount that was refunded has a currency.")
    amounts = [row.amount(REFUNDED, currency) for row in paid]
    return Money.total(amounts, currency) or None


def _version(group: Group, state: ReturnState, refunded: Money | None) -> datetime:
    """The report does not say when a return changed: its latest date, and of two states of a day the further one."""
    dates = [row.moment(column) for row in group.rows for column in (REQUESTED, DELIVERED)]
    known = [date for date in dates if date]
    if not known:
        raise group.rows[0].drift("missing", REQUESTED, "A time like `2026-01-31` is expected.")
    further = _HOW_FAR[state] + (len(ReturnState) if refunded else 0)
    return max(known) + timedelta(milliseconds=further)


def _names(line: str) -> list[str]:
    return [_bare(name).lower() for name in line.removeprefix("\ufeff").split("\t")]


def _bare(cell: str) -> str:
    return cell.strip().strip('"').strip()
