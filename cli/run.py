"""One run of the whole product against the sandbox: buyers buy, an operator decides, money comes, all is counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from activities.channel import ChannelAccount
from capture.temporal import connect
from cli import schedules
from cli.channels import audited
from cli.demo_result import DemoResult, counted
from cli.happened import Happened, Recipe, happened, left_beside
from cli.inventory import reconciled
from cli.operator import Operator
from connectors.registry import Connections
from models.audit import AuditReport
from models.inventory import InventoryReport
from models.messages import FINAL_STATES, OrderState
from models.order import Order
from stack.up import LocalStack
from store import catalogue, inbox, orders, outbox, refunds, settlement_views, settlements
from store.database import Database
from store.settlement_views import Summary
from workflows import policy
from workflows.stock_sync import StockSync

AT_REST = FINAL_STATES | {OrderState.SHIPPED}
"""Nothing more happens to such an order before money comes."""
BOOKING = 'WorkflowType = "SettlementWorkflow" AND ExecutionStatus = "Running"'
"""An order hears of its money before the ERP's books do: a real ERP takes a second for each payment."""
SANDBOX_SECONDS = 60.0
AUDIT_HOURS = 24 * 60
"""Far enough back for the orders of files that a sandbox serves."""

Condition = Callable[[], Awaitable[bool]]
Show = Callable[[int], Awaitable[None]]


class Run:
    """Use `running` to make one. `operator` decides open cases whenever somebody waits with `until`."""

    def __init__(
        self, database: Database, client: Client, sandbox: httpx.AsyncClient, connections: Connections
    ) -> None:
        self.database = database
        self.client = client
        self.sandbox = sandbox
        self.connections = connections
        self.operator = Operator(database, client)
        self._paid: set[tuple[str, str]] = set()
        """Channel and name of each document of payment."""

    async def buy(self, count: int, per_second: float) -> None:
        """Buyers place `count` orders in the background, spread over the channels."""
        names = sorted({connection.provider for connection in self.connections.channels})
        share, rest = divmod(count, len(names))
        bought = {name: share + (number < rest) for number, name in enumerate(names)}
        await self._post("orders", {"orders": bought, "per_second": per_second})

    async def sell(self, channel: str, special: dict[str, Any]) -> str:
        """One order whose story is told; its key."""
        answer = (await self._post(f"orders/{channel}", special)).json()
        return str(answer["key"])

    async def tell_sandbox(self, control: str, body: dict[str, Any]) -> None:
        await self._post(control, body)

    async def trouble(self, fault: dict[str, Any]) -> int:
        """Something goes wrong from now on; the number with which it is ended."""
        return int((await self._post("faults", fault)).json()["number"])

    async def heal(self, number: int) -> None:
        (await self.sandbox.delete("/_sandbox/faults", params={"number": number})).raise_for_status()

    async def close_period(self) -> None:
        """The channels pay, and their settlements are fetched at once."""
        paid: dict[str, list[str]] = (await self._post("settlements")).json()
        self._paid |= {(channel, document) for channel, documents in paid.items() for document in documents}
        for connection in self.connections.channels:
            await schedules.trigger(self.client, "settlements", connection)

    async def until(self, done: Condition, seconds: float, look_seconds: float, show: Show | None = None) -> bool:
        """Let the operator work until no case is open and `done` says so; False when that took too long.

        `show` is called after each look with the number of open cases.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            open_cases = await self.operator.look()
            if show:
                await show(open_cases)
            if not open_cases and await done():
                return True
            await asyncio.sleep(look_seconds)
        return False

    async def shipped(self, count: int) -> bool:
        """Everything that was sold is captured, at least `count` orders are known, and all of them are at rest."""
        states = await self.states()
        rest = all(state in AT_REST for state in states.values())
        return rest and len(states) >= count and await self.captured() >= await self.sold()

    async def ended(self) -> bool:
        return all(state in FINAL_STATES for state in (await self.states()).values())

    async def settled(self) -> bool:
        """Every order has ended, what the channels paid is posted and booked, and the orders are told of it."""
        async with self.database.session() as session:
            posted = await settlements.find(session, limit=1_000_000)
            waiting = await outbox.waiting(session)
        told = not waiting and len(posted) >= len(self._paid) and await self.ended()
        return told and not (await self.client.count_workflows(BOOKING)).count

    async def states(self) -> dict[str, str]:
        """Order key -> state."""
        async with self.database.session() as session:
            return await orders.states(session)

    async def happened(self) -> list[Happened]:
        """What became of each order."""
        async with self.database.session() as session:
            found = await orders.find(session, limit=1_000_000)
            given = await refunds.done(session)
            recipes = {row.order_key: await _recipe(session, row.order()) for row in found if left_beside(row)}
        return happened(found, given, await self.ledger(), recipes)

    async def settlements(self) -> list[Summary]:
        async with self.database.session() as session:
            return await settlement_views.find(session, limit=1_000_000)

    async def captured(self) -> int:
        async with self.database.session() as session:
            return await inbox.captured(session)

    async def sold(self) -> int:
        """Orders that the twins offer: placed by buyers, or read from files."""
        answer: dict[str, Any] = (await self._get("orders")).json()
        loaded = {key for keys in answer["loaded"].values() for key in keys}
        numbers: dict[str, int] = answer["numbers"]
        return sum(numbers.values()) + len(loaded)

    async def effects(self) -> dict[str, int]:
        """`system/effect` -> how often it really happened."""
        counts: dict[str, int] = (await self._get("ledger/counts")).json()
        return counts

    async def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self._get("ledger")).json()
        return entries

    async def audited(self) -> list[AuditReport]:
        """Each channel's own list of its orders against the registry, when nothing is under way any more."""
        return await audited(self.client, self.connections.channels, AUDIT_HOURS, timedelta())

    async def reconciled(self) -> InventoryReport:
        """Stock over all systems, once each channel was told what is left; what differs only shows."""
        await asyncio.gather(*(self._tell_stock(each.provider, each.account) for each in self.connections.channels))
        return await reconciled(self.client, policy.IN_FLIGHT)

    async def _tell_stock(self, channel: str, account: str) -> None:
        await self.client.execute_workflow(
            StockSync.run,
            ChannelAccount(channel=channel, account=account),
            id=f"stock-at-the-end/{channel}/{account}",
            task_queue=policy.channel_queue(channel),
            static_summary=f"Tell {channel}/{account} what may be sold, now",
        )

    async def count(self, seconds: float, audits: Sequence[AuditReport] = ()) -> DemoResult:
        """What the run came to, from the ledger and the store."""
        decided = self.operator.decided
        decisions = Counter(f"{case.kind.value}: {what.split(' ')[0].rstrip(':')}" for case, what in decided)
        return await counted(self.database, await self.ledger(), await self.sold(), seconds, decisions, audits)

    async def _get(self, path: str) -> httpx.Response:
        return (await self.sandbox.get(f"/_sandbox/{path}")).raise_for_status()

    async def _post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return (await self.sandbox.post(f"/_sandbox/{path}", json=body)).raise_for_status()


async def _recipe(session: AsyncSession, order: Order) -> Recipe:
    skus = {line.sku for line in order.lines}
    known = await catalogue.listings(session, order.key.channel, order.key.account, skus, order.purchased_at)
    return {line.line_id: {part.item: part.quantity for part in known[line.sku].components} for line in order.lines}


@asynccontextmanager
async def running(stack: LocalStack, connections: Connections) -> AsyncIterator[Run]:
    """A run against a stack that is up and prepared."""
    assert stack.sandbox_url is not None
    database = Database(stack.database_url, pool_size=3)
    client = await connect(stack.temporal_address, stack.options.temporal_namespace)
    async with httpx.AsyncClient(base_url=stack.sandbox_url, timeout=SANDBOX_SECONDS) as sandbox:
        try:
            yield Run(database, client, sandbox, connections)
        finally:
            await database.aclose()
