"""The proofs of capture: what the network and the channels spoil, the polls find; and a dead ERP delays no answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import col

from activities.channel import ChannelAccount
from cli import schedules
from connectors.registry import ChannelConnection
from store.tables import InboxEvent
from tests.capture.scene import an_id, payload
from tests.gateway.load import Measured, Request, load
from tests.gateway.processes import echo_process
from tests.gateway.serving import SHOPIFY, signed
from tests.prove import audit
from tests.prove.postman import Postman
from tests.prove.product import Product
from tests.prove.scenes import calls
from tests.shopify import shop
from workflows import policy
from workflows.channel_sync import ChannelSync

LISTS = (
    "amazon.search_orders",
    "shopify.orders",
    "walmart.list_orders",
    "mirakl.list_orders",
    "storefront.list_orders",
)
FREQUENT = 2
SELDOM = 3600
"""Seconds between polls that are only made when they are asked for."""
NOBODY = "http://127.0.0.1:9"
"""The discard port: a connection is refused at once."""
RATE = 100.0
"""Webhooks a second."""


def in_small_pages(connections: dict[str, Any]) -> None:
    """So that a cycle has pages enough for one in fifty to fail. (Shopify's pages have one size.)"""
    for channel in connections["channels"]:
        channel["options"]["page_size"] = 5


def without_erp(connections: dict[str, Any]) -> None:
    connections["erp"]["base_url"] = NOBODY


async def captures_all_after_two_cycles(product: Product) -> None:
    """Webhooks lost, doubled and late, polls that fail: two poll cycles after the last order nothing is missing.

    For a product that polls only when it is told to.
    """
    postman = product.postman
    postman.losing, postman.doubling, postman.delaying = 0.05, 0.1, 0.1
    for operation in LISTS:
        fault = {"operation": operation, "kind": "error", "status": 500, "probability": 0.02}
        (await product.run.sandbox.post("/_sandbox/faults", json=fault)).raise_for_status()
    await product.buy(product.size.orders)

    async def all_sold() -> bool:
        return await product.run.sold() == product.size.orders

    await product.until(all_sold, "every buyer to have bought")
    for cycle in (1, 2):
        await _poll_cycle(product, cycle)
    captured = await _captured(product)
    answers = await calls(product)
    (await product.run.sandbox.delete("/_sandbox/faults")).raise_for_status()
    failed, polls = (sum(answers.get(f"{name} {status}", 0) for name in LISTS) for status in (500, 200))
    print(
        f"\n{product.size.orders} orders; {_spoilt(postman)}; of {failed + polls} polls {failed} failed:"
        f" {captured} captured after two poll cycles"
    )
    assert captured == product.size.orders
    assert all((postman.lost, postman.doubled, postman.delayed, failed)), "something was not spoilt: nothing is proven"
    postman.losing = postman.doubling = postman.delaying = 0.0
    await schedules.apply(product.run.client, product.run.connections, FREQUENT)
    await product.ship()
    await product.settle()
    await audit.check(product.run)
    effects = await product.run.effects()
    print(f"{effects['erp/order_created']} sales orders, {effects['erp/invoice_posted']} invoices, none of them double")


def _spoilt(postman: Postman) -> str:
    return (
        f"webhooks lost {len(postman.lost)}, doubled {len(postman.doubled)}, out of order {len(postman.delayed)}"
        f" of {postman.taken}"
    )


async def _poll_cycle(product: Product, number: int) -> None:
    """Every account is read to its last page."""
    client = product.run.client
    accounts = [ChannelAccount(channel=c.provider, account=c.account) for c in product.run.connections.channels]
    await asyncio.gather(
        *(
            client.execute_workflow(
                ChannelSync.run,
                account,
                id=f"cycle-{number}/{account.channel}/{account.account}",
                task_queue=policy.channel_queue(account.channel),
            )
            for account in accounts
        )
    )


async def _captured(product: Product) -> int:
    """Orders that the inbox holds at least one version of."""
    topic = col(InboxEvent.topic)
    order = select(InboxEvent.channel, InboxEvent.account, InboxEvent.external_id).distinct()  # type: ignore[call-overload]
    known = order.where(or_(topic == "order", topic.startswith("orders/")))
    async with product.run.database.session() as session:
        return await session.scalar(select(func.count()).select_from(known.subquery())) or 0


async def acknowledges_while_the_erp_is_dead(product: Product, home: Path, seconds: float) -> Measured:
    """Webhooks of good orders at a fixed rate, which the worker takes to an ERP that is not there; beside an echo.

    For a product whose ERP is nowhere. Returns how the gateway answered.
    """
    connection = product.run.connections.channel("shopify", "main")
    assert connection
    assert product.stack.gateway_url
    async with echo_process(home) as echo_url:
        acknowledged, echoed = await asyncio.gather(
            load(product.stack.gateway_url, lambda: _webhook(connection), RATE, seconds),
            load(echo_url, lambda: _webhook(connection), RATE, seconds),
        )
    orders, effects = await _captured(product), await product.run.effects()
    print(f"\nwebhooks: {acknowledged}\necho:     {echoed}")
    print(f"{orders} orders captured, {len(await product.run.states())} registered by now, none in the ERP")
    assert orders == acknowledged.statuses.total()
    assert not effects.get("erp/order_created")
    return acknowledged


def _webhook(connection: ChannelConnection) -> Request:
    (secret, *_) = connection.resolved_webhook_secrets
    body = payload(an_id(), line_items=[shop.line(sku="HEADLAMP")])
    return SHOPIFY, body, signed(body, secret=secret)
