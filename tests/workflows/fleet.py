"""Many orders at once in one world: systems whose troubles belong to one order, and counts by order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle

from connectors.errors import ConnectorError, Unavailable
from models.channel import Acknowledgement, Progress
from models.fulfilment import PickLine
from models.order import Order, OrderKey
from models.systems import FraudVerdict, ReleaseCancelled
from store.database import Database
from tests.workflows.world import ChannelSide, Erp, FraudService, Notifier, Scripted, TaxEngine, Wms, World

MAINTENANCE = timedelta(hours=4)
"""After so long, a system that is away asks its callers to come again."""
FORWARD = {"create_order", "post_shipment", "post_invoice", "release"}
"""What makes an order go forward in the ERP and the warehouses."""


def key_of(subject: Any) -> str:
    """The order that a request is about."""
    if isinstance(subject, str):
        return subject.partition("#")[0]
    if isinstance(subject, OrderKey):
        return str(subject)
    order = getattr(subject, "order", None)
    return str(getattr(order or subject, "key", None) or subject.order_key)


class Gate:
    """One call of one order, stopped on its way: before its effect, or with its answer still to come."""

    def __init__(self, *, after: bool) -> None:
        self.after = after
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.opened.wait()


class ByOrder(Scripted):
    """Troubles and counts of each order by itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.counts: Counter[tuple[str, str]] = Counter()
        self._of: dict[tuple[str, str], list[ConnectorError]] = {}
        self.away: set[str] = set()
        """Operations that the system does for nobody now."""
        self.moments: dict[str, list[tuple[str, datetime]]] = {}
        """Order -> what was done for it, and when."""
        self._gates: dict[tuple[str, str], Gate] = {}

    def will_fail_for(self, order: Order, operation: str, *errors: ConnectorError) -> None:
        self._of.setdefault((str(order.key), operation), []).extend(errors)

    def gate(self, order: Order, operation: str, *, after: bool) -> Gate:
        return self._gates.setdefault((str(order.key), operation), Gate(after=after))

    def heal(self, order: Order) -> None:
        for what in [what for what in self._of if what[0] == str(order.key)]:
            del self._of[what]

    async def _do(self, operation: str, subject: Any) -> None:
        if subject is None or operation == "follow":
            return await super()._do(operation, subject)
        key = key_of(subject)
        gate = self._gates.get((key, operation))
        if gate and not gate.after:
            await gate.pass_through()
        if operation in self.away:
            raise Unavailable(f"{operation}: closed for maintenance", retry_after=MAINTENANCE)
        if waiting := self._of.get((key, operation)):
            raise waiting.pop(0)
        await super()._do(operation, subject)
        self.counts[key, operation] += 1
        self.moments.setdefault(key, []).append((operation, datetime.now(UTC)))
        if gate and gate.after:
            await gate.pass_through()
        return None


class FleetErp(ByOrder, Erp): ...


class FleetTax(ByOrder, TaxEngine): ...


class FleetNotifier(ByOrder, Notifier): ...


class FleetChannel(ByOrder, ChannelSide):
    def __init__(self) -> None:
        super().__init__()
        self.slow = timedelta()
        """When given: taken is not done, and whoever looks is asked to look again after so long."""

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        await super().acknowledge(request, retry=retry)
        return self._under_way()

    async def follow(self, operation: str) -> Progress:
        return self._under_way()

    def _under_way(self) -> Progress:
        return Progress(operation="feed", look_again=self.slow) if self.slow else Progress()


class FleetFraud(ByOrder, FraudService):
    def __init__(self) -> None:
        super().__init__()
        self.doubted: set[str] = set()

    async def assess(self, order: Order) -> FraudVerdict:
        verdict = await super().assess(order)
        return verdict.model_copy(update={"decision": "review"}) if str(order.key) in self.doubted else verdict


class FleetWms(ByOrder, Wms):
    """Ships only what it is told to; of each order it may be said that its releases are not stopped."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.manual = True
        self.stubborn: set[str] = set()
        self._forgotten: dict[str, Counter[tuple[str, str]]] = {}

    def forget(self, fulfilment_id: str, picks: tuple[PickLine, ...]) -> None:
        """It says that it will not ship these."""
        forgotten = self._forgotten.setdefault(fulfilment_id, Counter())
        forgotten.update({(pick.line_id, pick.item): pick.quantity for pick in picks})

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        if key_of(fulfilment_id) in self.stubborn:
            await self._do("cancel", fulfilment_id)
            return ReleaseCancelled(confirmed=False, reason="it is being packed")
        return await super().cancel(fulfilment_id, correlation_id)

    def unshipped(self, order: Order) -> Iterator[tuple[str, tuple[PickLine, ...]]]:
        """Fulfilments of the order that it was told of and not told to forget, with what it has not shipped."""
        for name in [name for name in self.releases if key_of(name) == str(order.key) and name not in self.stopped]:
            gone = Counter(self._forgotten.get(name, {}))
            for pick in (pick for parcel in self.shipped.get(name, []) for pick in parcel.picks):
                gone[pick.line_id, pick.item] += pick.quantity
            left = [(pick, pick.quantity - gone[pick.line_id, pick.item]) for pick in self.releases[name].picks]
            if picks := tuple(pick.model_copy(update={"quantity": units}) for pick, units in left if units > 0):
                yield name, picks


class Fleet(World):
    erp: FleetErp
    wms: FleetWms
    tax: FleetTax
    fraud: FleetFraud
    channel: FleetChannel
    notifier: FleetNotifier

    def __init__(self, client: Client, database: Database) -> None:
        super().__init__(client, database)
        self.erp, self.tax, self.fraud = FleetErp(), FleetTax(), FleetFraud()
        self.wms, self.channel, self.notifier = FleetWms(self.client), FleetChannel(), FleetNotifier()

    @property
    def systems(self) -> tuple[ByOrder, ...]:
        return (self.erp, self.wms, self.tax, self.fraud, self.channel)

    async def time_of(self, handle: WorkflowHandle[Any, Any]) -> datetime:
        """The process's own clock."""
        return await self._skipper.get_current_time(handle)

    async def fast_forward_to(self, handle: WorkflowHandle[Any, Any], moment: datetime) -> None:
        """Nothing is done when the moment has come already."""
        if (left := moment - await self.time_of(handle)) > timedelta():
            await self.fast_forward(handle, left)

    def heal(self, order: Order) -> None:
        for system in self.systems:
            system.heal(order)
        self.wms.stubborn.discard(str(order.key))

    def forward_since(self, order: Order, moment: datetime) -> list[str]:
        """What went forward in the ERP and the warehouses after a moment."""
        done = [each for system in (self.erp, self.wms) for each in system.moments.get(str(order.key), [])]
        return [name for name, at in done if name in FORWARD and at > moment]

    def forward_effects(self, order: Order) -> dict[str, int]:
        """Operation -> how often it was done for this order."""
        key = str(order.key)
        return {
            name: system.counts[key, name]
            for system in (self.erp, self.wms)
            for name in FORWARD
            if system.counts[key, name]
        }
