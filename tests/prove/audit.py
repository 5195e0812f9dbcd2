"""What must hold when everything has ended: acceptance 2, counted from the ledger of the outside world."""

from __future__ import annotations

from collections import Counter

from cli.audit import by_key
from cli.run import Run
from models.case import Action, CaseKind
from models.messages import OrderState
from store import cases, orders
from store.tables import OrderRow
from workflows.channel_parcels import CHANNEL_NODE

CONFIRMED = (
    "amazon/shipment_confirmed",
    "shopify/fulfillment_created",
    "walmart/shipped",
    "mirakl/shipped",
    "storefront/shipped",
)


async def check(run: Run) -> None:
    """Every order has ended, and every effect happened exactly as often as it should."""
    result = await run.count(seconds=0.0)
    assert result.duplicates == {}, "effects too many"
    assert result.unequal == {}, "one ERP order each, one ERP shipment and one invoice for each parcel"
    assert result.unfinished == 0
    assert result.open_cases == 0
    assert result.dead_letters == []
    assert await confirmations(run) == await parcels(run) - await refused(run)
    assert result.settlements
    assert all(each.payout == each.matched + each.residual for each in result.settlements)


async def confirmations(run: Run) -> Counter[str]:
    """Order key -> parcels that its channel was told of."""
    entries = await run.ledger()
    return sum((by_key(entries, effect) for effect in CONFIRMED), Counter[str]())


async def parcels(run: Run) -> Counter[str]:
    """Order key -> parcels with whole units in them that left our nodes."""
    async with run.database.session() as session:
        rows = await orders.find(session, limit=1_000_000)
    return +Counter({row.order_key: _own_parcels(row) for row in rows if row.state != OrderState.CANCELLED})


async def refused(run: Run) -> Counter[str]:
    """Order key -> parcels that its channel would not hear of: the buyer had cancelled while they left."""
    async with run.database.session() as session:
        found = await cases.find(session, open_only=False, kind=CaseKind.CHANNEL_DECLINED, limit=1_000_000)
    skipped = (case for case in found if case.resolution and case.resolution.action is Action.SKIP)
    return Counter(str(case.order_key) for case in skipped)


def _own_parcels(row: OrderRow) -> int:
    shipments = (row.snapshot or {}).get("shipments", [])
    return sum(1 for each in shipments if each["units"] and each["node"] != CHANNEL_NODE)
