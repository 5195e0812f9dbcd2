"""One provider on one ERP, and the words in which the points are written. Every point sells orders of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from connectors.errors import NOT_FOUND, ConnectorError
from connectors.ports import ErpOrder
from models.bank import StatementLine
from models.catalogue import ComponentLine
from models.channel import RefundReason
from models.fulfilment import ConfirmedParcel
from models.ledger import AccountRole, DocumentKind, Journal, JournalLine, OrderDocuments, Payment
from models.money import Money
from models.order import (
    Address,
    Buyer,
    ChannelState,
    Charge,
    ChargeKind,
    Discount,
    Order,
    OrderKey,
    OrderLine,
    Remitter,
    Tax,
)
from models.systems import Condition, CreditNote, CreditNoteLine, ReturnedItem, ReturnReceipt
from tests.erp_conformance.subject import Banked, Running
from tests.erp_conformance.transport import Line
from tests.provider_suite import Harmed

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CHANNEL, ACCOUNT = "amazon", "EU-DE"
CHANNEL_ACCOUNT = f"{CHANNEL}/{ACCOUNT}"
CORRELATION = "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"
BERLIN = Address(name="Ada Berg", lines=("Torstr. 1",), city="Berlin", postal_code="10119", country="DE")
BANK_ACCOUNTS = {"EUR": "DE89370400440532013000", "SEK": "House bank, crowns"}
"""Of the company whose books these are, by currency."""
UNKNOWN = frozenset({NOT_FOUND, "unknown_order"})
"""Codes for an order that the ERP does not have."""


@dataclass
class Stage(Harmed):
    most_writes = 16
    running: Running
    line: Line = field(init=False)
    erp: Any = field(init=False)
    told: list[ConnectorError] = field(default_factory=list)
    """What the provider said of the harm that was done to it."""

    def __post_init__(self) -> None:
        self.line = Line(read_paths=self.running.subject.read_paths)
        self.erp = self.running.provider(self.line)

    async def aclose(self) -> None:
        await self.erp.aclose()

    # Orders

    def money(self, amount: str | Decimal, currency: str = "EUR") -> Money:
        return Money.of(amount, currency)

    def order(
        self, *, entity: str = "", currency: str = "EUR", amounts: tuple[str, ...] = (), **changes: Any
    ) -> ErpOrder:
        """Three tents that do not divide, with a discount and the seller's tax; a set whose tax the channel remits; and
        shipping."""
        goods, off, tax, kit, channel_tax, shipping = (
            self.money(amount, currency) for amount in amounts or ("100.00", "1.01", "15.81", "60.01", "4.99", "4.90")
        )
        tents = OrderLine(
            line_id="L1",
            sku="TENT-4P-GRN",
            title="Tent",
            quantity=3,
            goods=goods,
            discounts=(Discount(amount=off, code="AUTUMN"),),
            taxes=(Tax(amount=tax, remitter=Remitter.SELLER, included=True, jurisdiction="DE", rate="0.19"),),
        )
        starter = OrderLine(
            line_id="L2",
            sku="CAMP-STARTER",
            quantity=2,
            goods=kit,
            taxes=(Tax(amount=channel_tax, remitter=Remitter.CHANNEL),),
        )
        values: dict[str, Any] = {
            "key": OrderKey(channel=CHANNEL, account=ACCOUNT, external_id=f"C-{uuid4().hex[:12]}"),
            "correlation_id": CORRELATION,
            "purchased_at": AT,
            "version": AT,
            "state": ChannelState.OPEN,
            "currency": currency,
            "lines": (tents, starter),
            "charges": (Charge(kind=ChargeKind.SHIPPING, amount=shipping),),
            "total": goods - off + kit + channel_tax + shipping,
            "buyer": Buyer(name="Ada Berg", email="ada@example.com"),
            "ship_to": BERLIN,
        }
        order = Order(**{**values, **changes})
        assert not order.totals.difference
        parts = kit.allocate([7, 3])
        components = (
            ComponentLine(line_id="L1", item="TENT-4P", per_unit=1, quantity=3, amount=goods),
            ComponentLine(line_id="L2", item="STOVE-GAS", per_unit=1, quantity=2, amount=parts[0]),
            ComponentLine(line_id="L2", item="SOCK-WOOL", per_unit=3, quantity=6, amount=parts[1]),
        )
        return ErpOrder(order=order, components=components, seller_tax=order.totals.seller_tax, entity=entity)

    async def unposted(self) -> ErpOrder:
        return self.order()

    async def entered(self, **changes: Any) -> ErpOrder:
        request = self.order(**changes)
        await self.erp.create_order(request, retry=False)
        return request

    def parcel(self, request: ErpOrder, number: int, units: dict[str, int], **changes: Any) -> ConfirmedParcel:
        values: dict[str, Any] = {
            "order_key": request.order.key,
            "correlation_id": CORRELATION,
            "shipment_id": f"P{number}",
            "package_number": number,
            "carrier": "DHL",
            "tracking": f"T{number}",
            "shipped_at": AT,
            "units": units,
            "node": "BER-1",
        }
        return ConfirmedParcel(**{**values, **changes})

    def parcels(self, request: ErpOrder) -> tuple[ConfirmedParcel, ...]:
        """The whole order in three parcels from two nodes."""
        return (
            self.parcel(request, 1, {"L1": 1}),
            self.parcel(request, 2, {"L1": 1, "L2": 1}, node="LEJ-2"),
            self.parcel(request, 3, {"L1": 1, "L2": 1}),
        )

    async def booked(self, *parcels: ConfirmedParcel) -> None:
        for parcel in parcels:
            await self.erp.post_shipment(parcel, retry=False)
            await self.erp.post_invoice(parcel, retry=False)

    async def sold(self, **changes: Any) -> ErpOrder:
        request = await self.entered(**changes)
        await self.booked(*self.parcels(request))
        return request

    def credit(self, request: ErpOrder, purpose: str = "R-1", **changes: Any) -> CreditNote:
        """One tent and one set, with their taxes."""
        currency = request.order.currency
        zero = Money.zero(currency)
        tent = CreditNoteLine(
            line_id="L1", quantity=1, goods=self.money("27.73", currency), shipping=zero,
            seller_tax=self.money("5.27", currency), channel_tax=zero,
        )  # fmt: skip
        kit = CreditNoteLine(
            line_id="L2", quantity=1, goods=self.money("30.00", currency), shipping=self.money("1.00", currency),
            seller_tax=zero, channel_tax=self.money("2.49", currency),
        )  # fmt: skip
        values: dict[str, Any] = {
            "note_id": f"{request.order.key}#credit:{purpose}",
            "order_key": request.order.key,
            "correlation_id": CORRELATION,
            "issued_at": AT,
            "lines": (tent, kit),
            "reason": RefundReason.RETURNED,
            "entity": request.entity,
        }
        return CreditNote(**{**values, **changes})

    def receipt(self, request: ErpOrder, *conditions: Condition) -> ReturnReceipt:
        return ReturnReceipt(
            receipt_id=f"{request.order.key}#receipt:R-1-1",
            order_key=request.order.key,
            correlation_id=CORRELATION,
            node="BER-1",
            received_at=AT,
            items=tuple(
                ReturnedItem(line_id="L1", item="TENT-4P", quantity=1, condition=condition) for condition in conditions
            ),
            entity=request.entity,
        )

    def payment(self, request: ErpOrder, amount: Money, purpose: str = "S-1") -> Payment:
        return Payment(
            payment_id=f"{CHANNEL_ACCOUNT}#settlement:{purpose}#{request.order.key.external_id}",
            order_key=request.order.key,
            correlation_id=CORRELATION,
            channel_account=CHANNEL_ACCOUNT,
            amount=amount,
            on=date(2026, 11, 25),
            entity=request.entity,
        )

    def journal(self, *, currency: str = "EUR", payout_on: AccountRole = AccountRole.BANK, **changes: Any) -> Journal:
        """A payout: what came to the bank, what the channel kept."""
        lines = (
            JournalLine(account=payout_on, amount=self.money("90.11", currency)),
            JournalLine(account=AccountRole.COMMISSION, amount=self.money("9.99", currency), label="Commission"),
            JournalLine(
                account=AccountRole.CLEARING, amount=self.money("-100.10", currency), channel_account=CHANNEL_ACCOUNT
            ),
        )
        values: dict[str, Any] = {
            "journal_id": f"{CHANNEL_ACCOUNT}#settlement:{uuid4().hex[:10]}",
            "correlation_id": CORRELATION,
            "on": date(2026, 11, 25),
            "lines": lines,
        }
        return Journal(**{**values, **changes})

    async def payout(self, currency: str = "EUR") -> StatementLine:
        """A payout is under way, and this line of the bank's statement brings it."""
        journal = self.journal(currency=currency, payout_on=AccountRole.TRANSIT)
        await self.erp.post_journal(journal, retry=False)
        return StatementLine(
            bank_account=BANK_ACCOUNTS[currency],
            line_id=f"NTRF-{uuid4().hex[:10]}",
            booked_on=date(2026, 11, 27),
            amount=self.money("90.11", currency),
            counterparty="Amazon Payments Europe",
            text="Payout 281",
            payout_of=journal.journal_id,
        )

    async def bank(self, line: StatementLine, retry: bool) -> None:
        await self.erp.post_statement_line(line, retry=retry)

    # What the ERP holds

    async def banked(self, line: StatementLine) -> Banked:
        [found] = await self.running.server.banked(line.reference)
        return found

    async def documents(self, request: ErpOrder) -> OrderDocuments:
        found = await self.running.server.documents(request.order.key)
        assert found is not None, f"no sales order for {request.order.key}"
        return found

    async def count(self, request: ErpOrder, kind: DocumentKind) -> int:
        return len((await self.documents(request)).of_kind(kind))
