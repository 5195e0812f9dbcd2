"""The proofs themselves, at any size."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cli import schedules
from cli.audit import by_key
from sandbox.core import SandboxOptions
from sandbox.traits import draw
from store import orders
from tests.prove import audit
from tests.prove.postman import Letter
from tests.prove.product import Product
from tests.prove.waiting import until

COPIES = 50
FEW = 8
WRITES = (
    "erp.create_order",
    "erp.post_shipment",
    "erp.post_invoice",
    "wms.release",
    "shopify.fulfillment_create",
    "amazon.confirm_shipment",
    "walmart.ship",
    "walmart.acknowledge",
    "mirakl.accept",
    "storefront.ship",
)
EXPIRING = ("amazon.*", "shopify.*", "walmart.*", "erp.*")


def moments(number: int, seed: int) -> list[float]:
    """Shares of the work at which something happens; the same for the same seed."""
    chance = random.Random(seed)
    return sorted(chance.uniform(0.05, 0.8) for _ in range(number))


async def survives_kills(
    product: Product, kills: Sequence[tuple[float, str]], *, while_money_comes: str | None = None
) -> None:
    """`kill -9` of a process at each share of the work, and of one while money comes; all happens exactly once."""
    await product.buy(product.size.orders)
    for share, name in kills:
        await product.reach(share)
        assert not await product.all_shipped(), f"{name} was to be killed in the middle, and all had ended"
        await product.kill(name)
    await product.ship()
    await product.run.close_period()
    if while_money_comes:
        await product.kill(while_money_comes)
    await product.until(product.run.ended, "every order to be closed or cancelled")
    await audit.check(product.run)


async def survives_the_end_of_everything(product: Product, at: Sequence[float]) -> None:
    await product.buy(product.size.orders)
    for share in at:
        await product.reach(share)
        assert not await product.all_shipped(), "everything was to end in the middle, and all had ended"
        await product.restart()
    await product.ship()
    await product.settle()
    await audit.check(product.run)


async def survives_faults(product: Product, *, times: int | None = None) -> None:
    """Lost replies, errors, refusals for quota and expired tokens; `times` bounds how often each strikes."""
    faults = [*_lost_replies(times), *_troubles(times)]
    for fault in faults:
        (await product.run.sandbox.post("/_sandbox/faults", json=fault)).raise_for_status()
    before = await calls(product)
    await product.buy(product.size.orders)
    await product.ship()
    await product.settle()
    (await product.run.sandbox.delete("/_sandbox/faults")).raise_for_status()
    await audit.check(product.run)
    struck = {name: count - before.get(name, 0) for name, count in (await calls(product)).items()}
    unhurt = [name for name in WRITES if not struck.get(f"{name} lost")]
    assert not unhurt, f"no reply was lost of {unhurt}: nothing is proven for them"
    for status in ("429", "500"):
        assert any(count for name, count in struck.items() if name.endswith(status)), f"no {status} in {struck}"


async def takes_copies_once(product: Product) -> None:
    """50 copies of one signed webhook at once, half of them under delivery ids of their own, and the poll besides."""
    letter = await _intercepted(product)
    key = f"shopify/main/{json.loads(letter.body)['id']}"
    copies = [letter if number % 2 else _as_another_delivery(letter) for number in range(COPIES)]
    answers = await asyncio.gather(
        *(product.postman.deliver(copy) for copy in copies),
        *(schedules.trigger(product.run.client, "orders", each) for each in product.run.connections.channels),
    )
    assert answers[:COPIES] == [200] * COPIES
    await product.ship()
    await product.settle()
    await audit.check(product.run)
    await _was_one_order(product, key)


async def captures_all_by_poll(product: Product, *, losing: float, doubling: float) -> None:
    """Webhooks are lost and doubled on their way; the poll finds what they did not bring."""
    postman = product.postman
    postman.losing, postman.doubling = losing, doubling
    try:
        await product.buy(product.size.orders)
        await product.ship()
    finally:
        postman.losing = postman.doubling = 0.0
    assert postman.lost, "no webhook was lost: nothing is proven"
    assert postman.doubled, "no webhook was doubled: nothing is proven"
    await product.settle()
    await audit.check(product.run)


def _lost_replies(times: int | None) -> list[dict[str, Any]]:
    """A bounded number strikes at once, so that a small run proves something of each; else one call in five."""
    chance = 1.0 if times else 0.2
    return [{"operation": name, "kind": "lost_reply", "probability": chance, "times": times} for name in WRITES]


def _troubles(times: int | None) -> list[dict[str, Any]]:
    """What makes a call come again; a bounded token expires once, for a second refusal in a row means a long pause."""
    everywhere = {"operation": "*", "times": times and times * len(WRITES)}
    once = times and 1
    return [
        {**everywhere, "kind": "error", "status": 500, "probability": 0.05},
        {**everywhere, "kind": "error", "status": 503, "probability": 0.05},
        {**everywhere, "kind": "throttle", "probability": 0.1},
        *({"operation": name, "kind": "expire_token", "probability": 0.05, "times": once} for name in EXPIRING),
    ]


async def calls(product: Product) -> Mapping[str, int]:
    calls: dict[str, int] = (await product.run.sandbox.get("/_sandbox/calls")).json()
    return calls


async def _intercepted(product: Product) -> Letter:
    """The webhook of an order that nobody has heard of yet."""
    postman = product.postman
    postman.holding = True
    try:
        await product.buy(FEW)
        await until(lambda: any(map(_stays, postman.held)), "a webhook of an order that its buyer will not cancel")
        return next(filter(_stays, postman.held))
    finally:
        postman.holding = False


def _stays(letter: Letter) -> bool:
    return not draw(SandboxOptions().seed, "shopify", json.loads(letter.body)["number"]).cancel


def _as_another_delivery(letter: Letter) -> Letter:
    """The signature covers the body alone: a vendor may well send the same under another delivery id."""
    return replace(letter, headers={**letter.headers, "x-shopify-webhook-id": str(uuid.uuid4())})


async def _was_one_order(product: Product, key: str) -> None:
    assert by_key(await product.run.ledger(), "erp/order_created")[key] == 1
    runs = [each async for each in product.run.client.list_workflows(f'WorkflowId = "order/{key}"')]
    assert len(runs) == 1
    async with product.run.database.session() as session:
        assert [row.order_key for row in await orders.find(session, limit=1_000_000)].count(key) == 1
