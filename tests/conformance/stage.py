"""A channel's twin on a real port with its real connector, and the words in which the points are written."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from connectors.errors import ConnectorError, Declined
from connectors.http import CORRELATION_HEADER
from connectors.ports import Channel, OrderPage
from connectors.registry import ChannelConnection
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    Progress,
    RefundLine,
    RefundReason,
    RefundRequest,
    ReturnAction,
    ReturnDecision,
    StockQuantity,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import ChannelState, Order, OrderKey
from models.returns import ChannelReturn
from models.settlement import Settlement
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS, Listing
from sandbox.traits import Traits
from sandbox.webhooks import WebhookSender
from tests.conformance.subject import Clock, Delivery, Subject, Throttled, throttled_by_status
from tests.fetched import fetched

JOB_DELAY = 0.02
PATIENCE = 5.0
CORRELATION = "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"
Seen = TypeVar("Seen")
FIRST, SECOND = LISTINGS[0], LISTINGS[3]


def now() -> datetime:
    return datetime.now(UTC)


class Stand:
    """The port of the whole run: serves whichever stage is on, and counts the refusals for quota that go out."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.app = Starlette()
        self.throttled: Throttled = throttled_by_status
        self.refused: Counter[str] = Counter()
        """Path -> refusals for quota."""
        self.correlations: set[str] = set()

    def show(self, app: Starlette, throttled: Throttled) -> None:
        self.app, self.throttled = app, throttled
        self.refused, self.correlations = Counter(), set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0
        self.correlations.update(Headers(scope=scope).getlist(CORRELATION_HEADER))

        async def counted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if self.throttled(status, message.get("body", b"")):
                self.refused[scope["path"]] += 1
            await send(message)

        await self.app(scope, receive, counted)


async def until(look: Callable[[], Awaitable[Seen]], holds: Callable[[Seen], object], what: str) -> Seen:
    """Look again and again, until what is seen is as it should be."""
    end = time.monotonic() + PATIENCE
    while not holds(seen := await look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {what}; last seen: {seen!r}")
        await asyncio.sleep(JOB_DELAY)
    return seen


@dataclass
class Stage:
    subject: Subject
    stand: Stand
    scale: float = 100_000
    """Of the vendor's quota: so large that only the points about quotas meet it."""
    deliveries: list[Delivery] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    sold: int = 0
    """Orders so far; each has a number of its own."""

    def __post_init__(self) -> None:
        options = SandboxOptions(
            base_url=self.stand.base_url,
            webhooks_to=self.stand.base_url,
            quota_scale=self.scale,
            job_delay=JOB_DELAY,
        )
        self.sandbox = Sandbox(options)
        self.webhooks = WebhookSender(self.sandbox)
        self.twin = self.subject.twin(self.sandbox, self.webhooks)
        receiver = Route("/webhooks/{path:path}", self._receive, methods=["POST"])
        routes: list[BaseRoute] = [receiver, *self.twin.routes()]
        self.stand.show(Starlette(routes=routes), self.subject.throttled)
        self.account = str(self.twin.connection()["account"])
        self.channel = self.connect()

    async def aclose(self) -> None:
        for channel in self.channels:
            await channel.aclose()
        for task in list(self.sandbox.tasks):
            task.cancel()
        await asyncio.gather(*self.sandbox.tasks, return_exceptions=True)
        await self.webhooks.aclose()
        self.sandbox.shelf.close()

    async def _receive(self, request: Request) -> Response:
        self.deliveries.append(Delivery(request.url.path, dict(request.headers), await request.body()))
        return Response(status_code=204)

    # The connector

    def connection(self, *, options: dict[str, Any] | None = None, **changes: Any) -> ChannelConnection:
        entry = {"quota_scale": self.scale, **self.twin.connection(), **changes}
        entry["options"] = {**entry.get("options", {}), **self.subject.small_pages, **(options or {})}
        return ChannelConnection.model_validate(entry)

    def connect(self, *, clock: Clock = now, **changes: Any) -> Channel:
        self.channels.append(self.subject.connect(self.connection(**changes), clock))
        return self.channels[-1]

    # Buyers and their orders

    def sell(self, *items: tuple[Listing, int], **traits: Any) -> str:
        """An order of two lines, three units and one, unless said otherwise."""
        self.sold += 1
        return self.sell_drawn(Traits(self.sold, items or ((FIRST, 3), (SECOND, 1)), **traits))

    def sell_drawn(self, traits: Traits) -> str:
        return self.twin.sell(traits)

    def sell_pages(self) -> list[str]:
        """Orders enough to fill more than a page."""
        return [self.sell() for _ in range(self.subject.fills_pages)]

    def parsed(self, body: bytes) -> Order:
        """The one order of a payload, whose totals are proven."""
        parsed = self.subject.format.parse(body, self.account)
        assert not parsed.refusals, [str(refusal) for refusal in parsed.refusals]
        (order,) = parsed.orders
        assert not order.totals.difference, order.totals
        return order

    async def body(self, external_id: str) -> bytes:
        return await self.channel.order(external_id)

    async def order(self, external_id: str) -> Order:
        return self.parsed(await self.body(external_id))

    async def until(
        self, external_id: str, holds: Callable[[Order], object], what: str = "the expected state"
    ) -> Order:
        """Read the order again and again, until it is as it should be."""

        async def look() -> Order:
            return await self.order(external_id)

        return await until(look, holds, f"{external_id} to come to {what}")

    async def shippable(self, *items: tuple[Listing, int], **traits: Any) -> Order:
        """A fresh order, taken and paid, that waits for its parcels."""
        external_id = self.sell(*items, **traits)
        order = await self.order(external_id)
        await self.done(await self.channel.acknowledge(self.acknowledgement(order), retry=False))
        return await self.until(external_id, lambda read: read.state is ChannelState.OPEN, "being open")

    async def shipped(self, *items: tuple[Listing, int], **traits: Any) -> Order:
        """A fresh order that has left in one parcel."""
        order = await self.shippable(*items, **traits)
        await self.channel.confirm(self.parcel(order), retry=False)
        return await self.until(order.key.external_id, is_shipped, "being shipped")

    async def walk(self, channel: Channel, cursor: str | None = None) -> tuple[list[OrderPage], str]:
        """All pages up to the last."""
        pages = [await channel.poll(cursor)]
        while pages[-1].more:
            pages.append(await channel.poll(pages[-1].cursor))
            assert len(pages) < 200, "a walk that never ends"
        return pages, pages[-1].cursor

    async def returned_of(
        self, order: Order, holds: Callable[[ChannelReturn], object] = lambda _: True
    ) -> ChannelReturn:
        """The order's return as the channel tells it last, once it is as it should be."""

        async def look() -> list[ChannelReturn]:
            return [each for each in await self.returns() if each.order_key == order.key]

        return (await until(look, lambda found: found and holds(found[-1]), f"a return of {order.key}"))[-1]

    async def returns(self) -> list[ChannelReturn]:
        """All returns of a walk from the beginning, the last version of each last."""
        cursor, found, more = None, list[ChannelReturn](), True
        while more:
            page = await self.channel.returns(cursor)
            for polled in page.returns:
                parsed = self.subject.format.parse_returns(polled.body, self.account)
                assert not parsed.refusals, parsed.refusals
                found += parsed.returns
            cursor, more = page.cursor, page.more
        return found

    async def settled(self) -> list[Settlement]:
        """The period is closed: what the channel pays for everything so far."""
        assert self.twin.close_period()
        documents = [await fetched(self.channel, ref) for ref in await self.channel.settlements()]
        return [self.subject.format.parse_settlement(document, self.account) for document in documents]

    # Requests

    def key(self, external_id: str) -> OrderKey:
        return OrderKey(channel=self.subject.name, account=self.account, external_id=external_id)

    def _about(self, order: Order, purpose: str) -> dict[str, Any]:
        return {
            "request_id": f"{order.key}#{purpose}",
            "order_key": order.key,
            "correlation_id": CORRELATION,
            "region": order.region,
            "extras": order.extras,
        }

    def acknowledgement(self, order: Order) -> Acknowledgement:
        return Acknowledgement(**self._about(order, "acknowledge"), lines=tuple(line.line_id for line in order.lines))

    def parcel(self, order: Order, units: dict[str, int] | None = None, **changes: Any) -> ConfirmedParcel:
        number = int(changes.get("package_number", 1))
        values = {
            "order_key": order.key,
            "correlation_id": CORRELATION,
            "shipment_id": f"SHIP-{order.key.external_id}-{number}",
            "package_number": number,
            "carrier": "UPS",
            "tracking": f"1Z{number:09d}",
            "shipped_at": now(),
            "units": units or open_units(order),
            "region": order.region,
            "extras": order.extras,
        }
        return ConfirmedParcel.model_validate({**values, **changes})

    def cancellation(self, order: Order, units: dict[str, int] | None = None) -> Cancellation:
        return Cancellation(
            **self._about(order, "cancel"),
            units=units or open_units(order),
            whole=units is None,
            reason=CancelReason.OUT_OF_STOCK,
        )

    def refund(self, order: Order, *, line: int = 0, times: int = 1, purpose: str = "refund") -> RefundRequest:
        """The goods of one unit of a line, at the price that the buyer paid for it; `times` over."""
        sold = order.lines[line]
        goods = Money.rounded(sold.goods.amount / sold.quantity, order.currency) * times
        return RefundRequest(
            **self._about(order, purpose),
            lines=(RefundLine(line_id=sold.line_id, quantity=1, goods=goods),),
            reason=RefundReason.RETURNED,
        )

    def decision(self, order: Order, found: ChannelReturn, action: ReturnAction) -> ReturnDecision:
        return ReturnDecision(
            **self._about(order, f"return-{action}"),
            return_id=found.return_id,
            action=action,
            units={line.return_line_id: line.quantity for line in found.lines},
        )

    def stock(self, quantities: dict[str, int], purpose: str = "stock") -> StockUpdate:
        entries = tuple(StockQuantity(sku=sku, quantity=units) for sku, units in quantities.items())
        return StockUpdate(request_id=f"{self.account}#{purpose}", correlation_id=CORRELATION, quantities=entries)

    async def done(self, progress: Progress) -> Progress:
        """Follow what is under way to its real end."""
        async with asyncio.timeout(PATIENCE):
            while progress.operation is not None:
                await asyncio.sleep(JOB_DELAY)
                progress = await self.channel.follow(progress.operation)
        return progress

    # The vendor's side

    def fault(self, operation: str, kind: FaultKind, times: int | None = 1, **more: Any) -> None:
        assert operation in self.sandbox.operations, f"the twin has no operation {operation!r}"
        self.sandbox.faults.add(Fault(operation=operation, kind=kind, times=times, **more))

    async def fails_once(
        self, operation: str, kind: FaultKind, call: Callable[[], Awaitable[Any]], **more: Any
    ) -> ConnectorError:
        """Let the operation fail under this call; returns how the connector says so."""
        self.fault(operation, kind, **more)
        try:
            await call()
        except ConnectorError as error:
            return error
        raise AssertionError(f"{kind} of {operation} went unnoticed")

    def effects(self, effect: str, external_id: str = "") -> list[dict[str, Any]]:
        key = str(self.key(external_id)) if external_id else ""
        return self.sandbox.ledger.entries(self.subject.name, effect, key)

    def answers(self, status: str) -> dict[str, int]:
        """Operation -> how often it has answered so."""
        return {name.split()[0]: count for name, count in self.sandbox.calls.items() if name.split()[1] == status}

    def stock_of(self, sku: str) -> int | None:
        """What the channel would sell of a SKU, by the last effect in its ledger."""
        entries = [entry for entry in self.effects(self.subject.effects.stock_set) if sku in _mentioned(entry)]
        return int(entries[-1]["detail"]["quantity"]) if entries else None

    async def delivered(self, count: int = 1) -> list[Delivery]:
        """The webhooks that have arrived, once there are so many."""

        async def look() -> list[Delivery]:
            return list(self.deliveries)

        return await until(look, lambda found: len(found) >= count, f"{count} deliveries")


def _mentioned(entry: dict[str, Any]) -> set[str]:
    return {entry["key"].rpartition("/")[2], str(entry["detail"].get("sku", ""))}


def open_units(order: Order) -> dict[str, int]:
    return {line.line_id: line.open for line in order.lines if line.open}


def is_shipped(order: Order) -> bool:
    return order.state is ChannelState.SHIPPED


def is_cancelled(order: Order) -> bool:
    return order.state is ChannelState.CANCELLED


async def refusal_of(call: Any) -> Declined:
    """The business no that a call ends in."""
    try:
        await call
    except Declined as declined:
        return declined
    raise AssertionError("it was not declined")
