"""A retailer's world in memory around the real engine: real Temporal, real PostgreSQL, and systems that do as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO, Self
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from capture.temporal import send, start_order
from connectors.errors import ConnectorError, Declined
from connectors.ports import NO_CODES, OrderPage, PolledOrder, ReturnPage, SettlementRef
from connectors.providers import Connectors
from connectors.registry import ChannelPolicies
from models.breaker import BreakerPolicy
from models.catalogue import Component, ListingMap
from models.channel import (
    Acknowledgement,
    Cancellation,
    ChannelHealth,
    Progress,
    RefundRequest,
    ReturnDecision,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel, PickLine, Release, Shipment, Shortfall, ShortfallKind
from models.ledger import StockLevel
from models.messages import OrderSnapshot, OrderState
from models.money import Money
from models.order import Address, Buyer, ChannelState, Order, OrderKey, OrderLine, Remitter, Tax
from models.refunds import TaxRefund
from models.settlement import OrderMoney
from models.states import strays
from models.systems import CreditNote, ErpOrder, FraudVerdict, Notice, ReleaseCancelled, ReturnReceipt, TaxQuote
from models.terms import SalesTerms
from store import catalogue, orders, outbox, stock
from store.database import Database
from tests.settlement.books import Books
from worker import Queues
from workflows.order import OrderWorkflow

PATIENCE = 30.0
NEVER_BREAKS = BreakerPolicy(threshold=1_000_000)
"""The server, and what is set for its queues, is shared by all tests."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PURCHASED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ADDRESS = Address(name="A. Buyer", lines=("Main Street 1",), city="Berlin", postal_code="10115", country="DE")

Handle = WorkflowHandle[OrderWorkflow, OrderSnapshot]


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def line(line_id: str, sku: str, quantity: int, unit_price: str, **more: Any) -> OrderLine:
    price = eur(unit_price)
    return OrderLine(line_id=line_id, sku=sku, quantity=quantity, unit_price=price, goods=price * quantity, **more)


def an_order(*lines: OrderLine, **changes: Any) -> Order:
    """One mat at 34.50 unless told otherwise; the total always adds up."""
    lines = lines or (line("1", "MAT", 1, "34.50"),)
    fields: dict[str, Any] = {
        "key": OrderKey(channel="shopify", account="main", external_id=str(uuid4().int % 10**12)),
        "correlation_id": uuid4(),
        "purchased_at": PURCHASED,
        "version": PURCHASED,
        "state": ChannelState.OPEN,
        "currency": "EUR",
        "lines": lines,
        "total": eur("0"),
        "buyer": Buyer(name="A. Buyer", email="buyer@example.com"),
        "ship_to": ADDRESS,
        **changes,
    }
    draft = Order(**fields)
    return draft if "total" in changes else draft.model_copy(update={"total": draft.totals.computed})


def taxed(order_line: OrderLine, amount: str, remitter: Remitter = Remitter.SELLER) -> OrderLine:
    return order_line.model_copy(update={"taxes": (Tax(amount=eur(amount), remitter=remitter),)})


class Scripted:
    """Raises what it was told to raise before it does its work, and counts what it did."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []
        self._trouble: dict[str, list[ConnectorError]] = {}
        self._held: dict[str, asyncio.Event] = {}
        self.entered: list[str] = []

    def will_fail(self, operation: str, *errors: ConnectorError) -> None:
        self._trouble.setdefault(operation, []).extend(errors)

    def forget_trouble(self, operation: str) -> None:
        self._trouble.pop(operation, None)

    def hold(self, operation: str) -> asyncio.Event:
        """The operation waits until the event is set."""
        return self._held.setdefault(operation, asyncio.Event())

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.done)

    async def ping(self) -> None:
        await self._do("ping", None)

    async def _do(self, operation: str, subject: Any) -> None:
        self.entered.append(operation)
        if held := self._held.get(operation):
            await held.wait()
        if waiting := self._trouble.get(operation):
            raise waiting.pop(0)
        self.done.append((operation, subject))


class Erp(Scripted):
    stock: tuple[StockLevel, ...] | None = None
    """What the books say is on hand; None: they cannot say."""

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        await self._do("stock_levels", None)
        return self.stock

    async def create_order(self, request: ErpOrder, *, retry: bool) -> str:
        await self._do("create_order", request)
        return f"SO-{request.order.key.external_id}"

    async def change_order(self, request: ErpOrder, *, retry: bool) -> None:
        await self._do("change_order", request)

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        await self._do("cancel_order", key)

    async def post_shipment(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        await self._do("post_shipment", parcel)
        return f"SH-{parcel.shipment_id}"

    async def post_invoice(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        await self._do("post_invoice", parcel)
        return f"INV-{parcel.shipment_id}"

    async def post_credit_note(self, note: CreditNote, *, retry: bool) -> str:
        await self._do("post_credit_note", note)
        return f"CN-{self.count('post_credit_note')}"

    async def receive_return(self, receipt: ReturnReceipt, *, retry: bool) -> str:
        await self._do("receive_return", receipt)
        return f"RET-{self.count('receive_return')}"


class Wms(Scripted):
    """Ships at once unless `manual`; `parcels` says into how many parcels it divides what it picked."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self.manual = False
        self.stock: tuple[StockLevel, ...] | None = None
        """What is on the shelves; None: the warehouse cannot say."""
        self.parcels: Callable[[Release], list[tuple[PickLine, ...]]] = lambda release: [release.picks]
        self.releases: dict[str, Release] = {}
        self.shipped: dict[str, list[Shipment]] = {}
        self.says_no_to_cancel = False
        self.does_not_stop: set[str] = set()
        self.stopped: set[str] = set()
        self.short: dict[str, list[Shortfall]] = {}
        """What is told of a release when the warehouse is asked."""

    async def release(self, release: Release, *, retry: bool) -> None:
        await self._do("release", release)
        if release.fulfilment_id in self.stopped:
            raise refused("fulfilment_id")
        self.releases[release.fulfilment_id] = release
        if not self.manual:
            for picks in self.parcels(release):
                await self.ship(release.fulfilment_id, picks)

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        await self._do("stock_levels", None)
        return self.stock

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        await self._do("cancel", fulfilment_id)
        picked = self.releases[fulfilment_id].picks if fulfilment_id in self.releases else ()
        gone = sum(pick.quantity for parcel in self.shipped.get(fulfilment_id, []) for pick in parcel.picks)
        refused = self.says_no_to_cancel or fulfilment_id in self.does_not_stop
        too_late = refused or bool(gone and gone >= sum(pick.quantity for pick in picked))
        if not too_late:
            self.stopped.add(fulfilment_id)
        return ReleaseCancelled(confirmed=not too_late, reason="a parcel has left" if too_late else "")

    async def shipments(self, fulfilment_id: str, correlation_id: str) -> list[Shipment]:
        await self._do("shipments", fulfilment_id)
        return self.shipped.get(fulfilment_id, [])

    async def shortfalls(self, fulfilment_id: str, correlation_id: str) -> list[Shortfall]:
        await self._do("shortfalls", fulfilment_id)
        return self.short.get(fulfilment_id, [])

    async def ship(
        self, fulfilment_id: str, picks: tuple[PickLine, ...] | None = None, *, report: bool = True
    ) -> Shipment:
        release = self.releases[fulfilment_id]
        number = len(self.shipped.setdefault(fulfilment_id, [])) + 1
        shipment = Shipment(
            shipment_id=f"{fulfilment_id}-{number}",
            fulfilment_id=fulfilment_id,
            node=release.node,
            carrier="DHL",
            tracking=f"TR{number}",
            shipped_at=PURCHASED + timedelta(days=1),
            picks=picks or release.picks,
        )
        self.shipped[fulfilment_id].append(shipment)
        if report:
            await self.report(shipment)
        return shipment

    async def fall_short(
        self,
        fulfilment_id: str,
        *picks: PickLine,
        kind: ShortfallKind = ShortfallKind.SHORT_PICK,
        report_id: str = "F1",
    ) -> None:
        """Report that the node does not ship these."""
        release = self.releases[fulfilment_id]
        shortfall = Shortfall(
            report_id=report_id,
            fulfilment_id=fulfilment_id,
            node=release.node,
            kind=kind,
            reported_at=PURCHASED + timedelta(days=1),
            picks=picks or release.picks,
        )
        await self._client.get_workflow_handle(release.reply_to).signal("shortfall_reported", shortfall)

    async def report(self, shipment: Shipment) -> None:
        reply_to = self.releases[shipment.fulfilment_id].reply_to
        await self._client.get_workflow_handle(reply_to).signal("shipment_reported", shipment)


class TaxEngine(Scripted):
    async def quote(self, order: Order, *, retry: bool, codes: Mapping[str, str] = NO_CODES) -> TaxQuote:
        await self._do("quote", order)
        return TaxQuote(seller_tax=order.totals.seller_tax, source="avatax", document=str(order.key))

    async def commit(self, document: str, correlation_id: str) -> None:
        await self._do("commit", document)

    async def void(self, document: str, correlation_id: str) -> None:
        await self._do("void", document)

    async def refund(self, refund: TaxRefund, *, retry: bool) -> str | None:
        await self._do("refund", refund)
        return refund.refund_id


class FraudService(Scripted):
    decision = "approve"

    async def assess(self, order: Order) -> FraudVerdict:
        await self._do("assess", order)
        return FraudVerdict(decision=self.decision, score=80 if self.decision == "review" else 5, source="service")


class Notifier(Scripted):
    async def send(self, notice: Notice) -> None:
        await self._do("send", notice)


class ChannelSide(Scripted):
    name = "shopify"
    account = "main"

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[OrderPage] = []
        self.documents: dict[str, bytes] = {}
        self.orders: dict[str, bytes] = {}
        self.cursors: list[str | None] = []
        self.takes_its_time = False
        self.outcome = Progress()
        self.results: list[Progress] = []

    def offer(self, *bodies: tuple[str, bytes]) -> None:
        """One more page; the last one offered is the last page."""
        number = len(self.pages) + 1
        read = tuple(PolledOrder(external_id=name, version=PURCHASED, body=body) for name, body in bodies)
        self.pages = [page.model_copy(update={"more": True}) for page in self.pages]
        self.pages.append(OrderPage(orders=read, cursor=str(number), more=False))

    async def poll(self, cursor: str | None) -> OrderPage:
        await self._do("poll", cursor)
        self.cursors.append(cursor)
        return self.pages[int(cursor or 0)]

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        await self._do("confirm", parcel)

    async def aclose(self) -> None:
        pass

    def cursor_from(self, moment: datetime) -> str:
        return "0"

    async def order(self, external_id: str) -> bytes:
        await self._do("order", external_id)
        return self.orders[external_id]

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        return await self._asked("acknowledge", request)

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        return await self._asked("cancel", request)

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        return await self._asked("refund", request)

    async def returns(self, cursor: str | None) -> ReturnPage:
        await self._do("returns", cursor)
        return ReturnPage(returns=(), cursor="", more=False)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        return await self._asked("decide_return", decision)

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        return await self._asked("set_stock", update)

    async def follow(self, operation: str) -> Progress:
        await self._do("follow", operation)
        return self.results.pop(0) if self.results else Progress()

    def health(self) -> ChannelHealth:
        return ChannelHealth(api_version="test")

    async def _asked(self, operation: str, subject: object) -> Progress:
        """Done at once, unless `takes_its_time`: then it is to be followed, and `results` says what becomes of it."""
        await self._do(operation, subject)
        return Progress(operation=operation, look_again=timedelta()) if self.takes_its_time else self.outcome

    async def settlements(self) -> list[SettlementRef]:
        return [SettlementRef(settlement_id=name, document_id=name) for name in self.documents]

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._do("settlement", ref)
        into.write(self.documents[ref.document_id])


class World:
    """`async with World(client, database) as world:` runs workers for all queues."""

    def __init__(self, client: Client, database: Database) -> None:
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self.client = self._skipper.client
        self.database = database
        self.erp, self.wms, self.tax = Erp(), Wms(self.client), TaxEngine()
        self.fraud, self.notifier, self.channel = FraudService(), Notifier(), ChannelSide()
        self._terms = {("shopify", "main"): SalesTerms()}
        self._running = AsyncExitStack()
        self.started: list[Order] = []
        self.journals = Books()

    async def __aenter__(self) -> Self:
        systems = Connectors(
            channels={("shopify", "main"): self.channel},
            erp=self.erp,
            wms=self.wms,
            tax=self.tax,
            fraud=self.fraud,
            notifier=self.notifier,
            journals=self.journals,
            policies={("shopify", "main"): ChannelPolicies(safety_buffer=2)},
            terms=self._terms,
        )
        self.queues = Queues(systems, self.database, NEVER_BREAKS)
        for queue in self.queues.activities:
            await self._running.enter_async_context(self.queues.worker(self.client, queue))
        await self.stock_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()
        for order in self.started:
            await self.check_way(order)

    async def check_way(self, order: Order) -> None:
        """No order takes a way that `models.states` (and so `docs/states.md`) does not know."""
        path = [OrderState(state) for state in await self.states(order)]
        if stray := strays(path):
            raise AssertionError(f"{order.key} took ways that docs/states.md does not have: {stray} in {path}")

    @property
    def terms(self) -> SalesTerms:
        return self._terms["shopify", "main"]

    def sells_on(self, terms: SalesTerms) -> None:
        """The terms of the account, for orders that are accepted from now on."""
        self._terms["shopify", "main"] = terms

    async def stock_up(self) -> None:
        await self.map_sku("MAT", Component(item="MAT-FOAM"))
        await self.map_sku("BOTTLE", Component(item="BOTTLE-1L"))
        await self.map_sku("SET", Component(item="TENT", share=Decimal(7)), Component(item="LAMP", quantity=2))
        async with self.database.session() as session:
            await stock.set_level(session, "MAT-FOAM", "BER-1", 100)
            await stock.set_level(session, "BOTTLE-1L", "LEJ-2", 100)
            await stock.set_level(session, "TENT", "BER-1", 100)
            await stock.set_level(session, "LAMP", "BER-1", 100)

    async def map_sku(self, sku: str, *components: Component, **more: Any) -> ListingMap:
        listing = ListingMap(
            channel="shopify", account="*", sku=sku, valid_from=LONG_AGO, components=components, **more
        )
        async with self.database.session() as session:
            return await catalogue.put_listing(session, listing)

    async def tell_waiting_orders(self) -> None:
        """Deliver what the outbox holds, as the relay does."""
        async with self.database.session() as session:
            for message in await outbox.claim(session, 100):
                await send(self.client, message.workflow_id, message.message, message.payload)
                await outbox.delivered(session, message.id)

    async def start(self, order: Order) -> Handle:
        """Register and start an order as the relay does."""
        async with self.database.session() as session:
            await orders.register(session, order, 1)
        await start_order(self.client, order, told_before=False)
        self.started.append(order)
        return self.client.get_workflow_handle_for(OrderWorkflow.run, order.key.workflow_id)

    async def pay(self, handle: Handle, order: Order, amount: Money | None = None, settlement_id: str = "S1") -> None:
        money = OrderMoney(
            order_key=order.key,
            settlement_id=settlement_id,
            received=amount or order.receivable,
            fees=eur("-1.00"),
            refunds=eur("0.00"),
        )
        await handle.signal(OrderWorkflow.money_received, money)

    async def until(self, handle: Handle, holds: Callable[[OrderSnapshot], bool]) -> OrderSnapshot:
        """Ask the workflow until the condition holds; fails with the last snapshot when it never does."""
        snapshot = None
        try:
            async with asyncio.timeout(PATIENCE):
                while snapshot is None or not holds(snapshot):
                    snapshot = await self._asked(handle)
        except TimeoutError:
            raise AssertionError(f"never came to hold; last seen: {snapshot!r}") from None
        return snapshot

    async def _asked(self, handle: Handle) -> OrderSnapshot | None:
        """None while a new run has only just begun: it can answer nothing before its first task."""
        try:
            return await handle.query(OrderWorkflow.snapshot)
        except RPCError as error:
            if error.status is RPCStatusCode.FAILED_PRECONDITION:
                return None
            raise

    async def until_case(self, handle: Handle) -> OrderSnapshot:
        return await self.until(handle, lambda snapshot: snapshot.case is not None)

    async def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something has happened in one of the systems."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.wait([asyncio.create_task(self.client.service_client.check_health())])

    async def fast_forward(self, handle: WorkflowHandle[Any, Any], duration: timedelta) -> None:
        await self._skipper.fast_forward(handle, duration)

    async def end(self, handle: Handle) -> OrderSnapshot:
        async with asyncio.timeout(PATIENCE):
            return await handle.result()

    async def history(self, workflow_id: str) -> str | None:
        """The history of a workflow as JSON; None when there is no such workflow."""
        try:
            return (await self.client.get_workflow_handle(workflow_id).fetch_history()).to_json()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def states(self, order: Order) -> list[str]:
        """The states in the projection's ledger, in their order."""
        async with self.database.session() as session:
            return [transition.state.value for _, transition in await orders.transitions(session, order.key)]

    async def put_stock(self, item: str, node: str, units: int) -> None:
        """Orders that wait for the item are told."""
        async with self.database.session() as session:
            await stock.set_level(session, item, node, units)
        await self.tell_waiting_orders()

    async def free(self, item: str) -> int:
        """Units that are neither reserved nor gone."""
        async with self.database.session() as session:
            return sum(level.on_hand - level.reserved for level in await stock.levels(session) if level.item == item)


def refused(field: str = "ship_to") -> Declined:
    return Declined(f"the value of {field} is refused: correct it", code="refused", field=field)
