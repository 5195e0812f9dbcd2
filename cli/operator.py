"""The demo's operator: decides open cases as a person at a retailer would, and keeps a list of what was decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError

from cli.catalogue import map_sku
from cli.settlement_work import given_up
from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from models.catalogue import Component
from models.order import Address, Order, OrderKey
from models.settlement import SettlementKey
from models.settlement_books import WriteOff
from store import cases, orders, rates, stock
from store.database import Database

log = structlog.get_logger(__name__)

NODE = "BER-1"
OPENING_STOCK = 1000
POSTAL_CODES = {"DE": "10115", "US": "98101"}
FIRST_LINE = "first_line"
"""In a case about a settlement: a line that nobody could explain. Such a case is no question to a workflow."""
RATES = {"USD": Decimal("0.8631"), "JPY": Decimal("0.0056"), "CHF": Decimal("1.0712"), "GBP": Decimal("1.1402")}
"""Into EUR."""
Decision = tuple[Action, Amendment, str]
NOTHING = Amendment()

SIMPLE: dict[CaseKind, Decision] = {
    CaseKind.FRAUD_REVIEW: (Action.SKIP, NOTHING, "known customer"),
    CaseKind.CANCEL_REQUESTED: (Action.CANCEL, NOTHING, "the buyer asked for it"),
    CaseKind.CANCEL_TOO_LATE: (Action.RETRY, NOTHING, "return offered; the money is waited for"),
    CaseKind.OUT_OF_STOCK: (Action.CANCEL, NOTHING, "cannot be delivered"),
    CaseKind.CHANNEL_DECLINED: (Action.SKIP, NOTHING, "entered on the channel by hand"),
    CaseKind.SETTLEMENT_DIFFERS: (Action.SKIP, NOTHING, "difference written off"),
    CaseKind.CHANNEL_DIFFERS: (Action.SKIP, NOTHING, "looked at, and left so"),
    CaseKind.SETTLEMENT_OVERDUE: (Action.SKIP, NOTHING, "written off"),
    CaseKind.RETURN_REVIEW: (Action.SKIP, NOTHING, "taken back"),
    CaseKind.PRICE_BELOW_FLOOR: (Action.SKIP, NOTHING, "price approved"),
    CaseKind.OPERATOR_HOLD: (Action.SKIP, NOTHING, "the hold is lifted"),
    CaseKind.LATE_EVENT: (Action.SKIP, NOTHING, "looked at, and dealt with"),
}


class Operator:
    """`look` once decides every open case that has a decision."""

    def __init__(self, database: Database, client: Client) -> None:
        self._database = database
        self._client = client
        self.decided: list[tuple[ExceptionCase, str]] = []
        self.left: set[OrderKey] = set()
        """Orders whose cases somebody else decides."""
        self._seen: set[str] = set()
        self._special: dict[CaseKind, Callable[[Order], Decision]] = {
            CaseKind.TAX_DECLINED: _corrected_postal_code,
            CaseKind.ADDRESS_INCOMPLETE: _address_from_invoice,
        }

    async def look(self) -> int:
        """Returns how many cases are open."""
        async with self._database.session() as session:
            found = [case for case in await cases.find(session) if case.allowed or FIRST_LINE in case.detail]
        for case in found:
            if case.case_id not in self._seen and case.order_key not in self.left:
                self._seen.add(case.case_id)
                await self._decide(case)
        return len(found)

    async def _decide(self, case: ExceptionCase) -> None:
        if case.kind is CaseKind.UNMAPPED_SKU:
            await self._map(case)
            return
        if case.kind is CaseKind.SETTLEMENT_RESIDUAL:
            await self._write_off(case)
            return
        if case.kind is CaseKind.RATE_MISSING:
            await self._enter_rate(case)
            return
        action, amendment, note = await self._decision(case)
        if action not in case.allowed:
            action = case.allowed[0]
        resolution = Resolution(
            case_id=case.case_id, action=action, actor="demo operator", note=note, amendment=amendment
        )
        await self.answer(case, resolution)

    async def answer(self, case: ExceptionCase, resolution: Resolution) -> None:
        """Send a decision, and keep it in the list of those that were made."""
        try:
            await self._client.get_workflow_handle(case.workflow_id).execute_update("resolve", resolution)
        except (WorkflowUpdateFailedError, RPCError) as error:
            # The case went away by itself between our look and our answer; if not, the next look finds it again.
            log.info("decision came too late", case_id=case.case_id, error=str(error))
            self._seen.discard(case.case_id)
            return
        self.decided.append((case, f"{resolution.action.value}: {resolution.note}"))

    async def _decision(self, case: ExceptionCase) -> Decision:
        if case.kind in SIMPLE:
            return SIMPLE[case.kind]
        if case.kind in self._special:
            async with self._database.session() as session:
                row = await orders.get(session, case.order_key)
            assert row is not None
            return self._special[case.kind](Order.model_validate(row.payload))
        return (Action.RETRY, NOTHING, "tried again")

    async def _write_off(self, case: ExceptionCase) -> None:
        """What a channel booked under a name that no rule knows; the next look finds the case's next line."""
        key = SettlementKey.from_string(case.workflow_id.removeprefix("settlement/"))
        number = int(case.detail[FIRST_LINE])
        off = WriteOff(
            key=key, number=number, actor="demo operator", note="asked the channel", on=datetime.now(UTC).date()
        )
        await given_up(self._client, off)
        self._seen.discard(case.case_id)
        self.decided.append((case, f"written off: {case.detail['label']}"))

    async def _enter_rate(self, case: ExceptionCase) -> None:
        """The rate of the day of the purchase; all orders that wait for it resume by themselves."""
        currency, _, books = case.subject.partition(":")[2].partition("/")
        async with self._database.session() as session:
            row = await orders.get(session, case.order_key)
            assert row is not None
            day = row.order().purchased_at.date()
            await rates.put(session, currency, books, RATES.get(currency, Decimal(1)), day, "demo operator")
        self.decided.append((case, f"entered the rate of {currency} into {books}"))

    async def _map(self, case: ExceptionCase) -> None:
        """Map the SKU to an item of the same name, and bring some into stock; the order resumes by itself."""
        skus: list[Any] = case.detail["skus"]
        for sku in skus:
            async with self._database.session() as session:
                await stock.set_level(session, sku, NODE, OPENING_STOCK)
            await map_sku(self._database, case.order_key.channel, sku, (Component(item=sku),))
        self.decided.append((case, f"mapped {', '.join(skus)}"))


def _corrected_postal_code(order: Order) -> Decision:
    address = order.ship_to or Address()
    postal_code = POSTAL_CODES.get(address.country, "10115")
    corrected = address.model_copy(update={"postal_code": postal_code})
    return (Action.AMEND, Amendment(ship_to=corrected), f"postal code corrected to {postal_code}")


def _address_from_invoice(order: Order) -> Decision:
    if order.bill_to and not order.bill_to.missing:
        return (
            Action.AMEND,
            Amendment(ship_to=order.bill_to),
            "shipped to the billing address, as the buyer confirmed",
        )
    return (Action.CANCEL, NOTHING, "the buyer gave no address to deliver to")
