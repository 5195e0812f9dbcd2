"""The account's purchase orders: each with its payload and the times that searches go by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.core import Sandbox
from sandbox.walmart_answers import Payload, not_found, now, written
from sandbox.walmart_units import (
    ACKNOWLEDGED,
    CREATED,
    OPEN,
    SHIPPED,
    cancel,
    lines,
    move,
    open_lines,
    touch,
    units_in,
)

ACCOUNT = "US"
SELLER, WFS = "SellerFulfilled", "WFSFulfilled"
SOON = 60.0
"""Seconds."""
Told = Callable[[Payload, str], None]
"""Called with an order and the sub-event that tells of it."""


def order_key(external_id: str) -> str:
    return f"walmart/{ACCOUNT}/{external_id}"


def node_type(order: Payload) -> str:
    return str((order.get("shipNode") or {}).get("type") or SELLER)


class OrderBook:
    """A record is `{id, order, created, modified, told, due, …}`; times are beside the payload, which stays verbatim.

    What Walmart or the buyer will do to an order is written down as `due`, so that it also happens when the sandbox
    was restarted in between: by a clock of its own while the loop runs, and at the latest when somebody looks.
    """

    def __init__(self, sandbox: Sandbox, told: Told) -> None:
        self._sandbox = sandbox
        self._told = told
        self._records = sandbox.shelf.collection("walmart_orders")
        self._waiting = {record["id"] for record in self._records.values() if record["due"]}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, order: Payload, due: dict[str, float] | None = None, *, told: bool = True, **more: Any) -> None:
        """Serve an order from now on. `due`: what happens to it -> seconds until then; `told`: by webhook, too."""
        at = now()
        record = {"id": order["purchaseOrderId"], "order": order, "created": at.isoformat(), "told": told, **more}
        record["due"] = {what: (at + timedelta(seconds=after)).isoformat() for what, after in (due or {}).items()}
        record["modified"] = at.isoformat()
        self._records.put(record["id"], record)
        if record["due"]:
            self._waiting.add(record["id"])
            self._wait(record)

    def records(self) -> list[Payload]:
        """Newest first, as Walmart lists them."""
        self.do_what_is_due()
        return self._records.values()[::-1]

    def get(self, external_id: str) -> Payload:
        self.do_what_is_due()
        record: Payload | None = self._records.get(external_id)
        if record is None:
            raise not_found(f"purchase order {external_id}")
        return record

    def has(self, external_id: str) -> bool:
        return external_id in self._records

    def changed(self, record: Payload, **more: Any) -> None:
        """Keep a changed order; it is found by searches as just modified."""
        self._records.put(record["id"], {**record, **more, "modified": now().isoformat()})

    def noted(self, record: Payload, **more: Any) -> None:
        """Keep something beside the payload; that is no change of the order."""
        self._records.put(record["id"], {**record, **more})

    def resume(self) -> None:
        """Go on with what was due when the sandbox stopped. Needs a running event loop."""
        for external_id in self._waiting:
            self._wait(self._records.get(external_id) or {"due": {}})

    def do_what_is_due(self) -> None:
        for external_id in sorted(self._waiting):
            record: Payload = self._records.get(external_id) or {"due": {}}
            for what in [what for what, at in record["due"].items() if datetime.fromisoformat(at) <= now()]:
                del record["due"][what]
                self._happens(record, what)
            if not record["due"]:
                self._waiting.discard(external_id)

    def _wait(self, record: Payload) -> None:
        """A clock for each thing that is due within a minute; what is due in days waits until somebody looks."""
        for at in record["due"].values():
            seconds = (datetime.fromisoformat(at) - now()).total_seconds()
            if seconds < SOON:
                self._sandbox.spawn(self._later(max(0.0, seconds)))

    async def _later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.do_what_is_due()

    def _happens(self, record: Payload, what: str) -> None:
        order = record["order"]
        events = {
            "buyer_cancels": self._cancelled_by_buyer,
            "cancels_part": self._cancels_part,
            "asks_to_cancel": self._asks_to_cancel,
            "ships": self._shipped_by_walmart,
            "auto_cancel": self._auto_cancelled,
        }
        event = events[what](order)
        if event is None:
            self.noted(record)
            return
        self.changed(record)
        if record["told"] and event:
            self._told(order, event)

    def _cancelled_by_buyer(self, order: Payload) -> str | None:
        return self._cancel_all(order, "CUSTOMER_CANCELLED", "order_cancelled")

    def _auto_cancelled(self, order: Payload) -> str | None:
        """What is not shipped four days after its estimated ship date."""
        return self._cancel_all(order, "AUTO_CANCELLED", "auto_cancelled")

    def _cancel_all(self, order: Payload, reason: str, effect: str) -> str | None:
        found = list(open_lines(order))
        for line in found:
            cancel(line, units_in(line, *OPEN), reason)
        if found:
            self._sandbox.ledger.record("walmart", effect, order_key(order["purchaseOrderId"]))
        return "PO_LINE_AUTOCANCELLED" if found else None

    def _cancels_part(self, order: Payload) -> str | None:
        """One unit of the first line, unless something has left already."""
        first = lines(order)[0]
        if not units_in(first, *OPEN) or any(units_in(line, SHIPPED) for line in lines(order)):
            return None
        cancel(first, 1, "AUTO_CANCELLED")
        self._sandbox.ledger.record("walmart", "part_cancelled", order_key(order["purchaseOrderId"]), units=1)
        return "PO_LINE_AUTOCANCELLED"

    def _asks_to_cancel(self, order: Payload) -> str | None:
        found = list(open_lines(order))
        for line in found:
            line["intentToCancel"] = written(now())
            touch(line)
        return "INTENT_TO_CANCEL" if found else None

    def _shipped_by_walmart(self, order: Payload) -> str | None:
        found = list(open_lines(order))
        for line in found:
            move(line, units_in(line, *OPEN), (ACKNOWLEDGED, CREATED), _from_walmart(order))
        if found:
            self._sandbox.ledger.record("walmart", "shipped_by_walmart", order_key(order["purchaseOrderId"]))
        # Walmart has no event for parcels of its own: the poll finds them.
        return "" if found else None


def _from_walmart(order: Payload) -> Payload:
    tracking = f"WFS{order['purchaseOrderId']}"
    info = {
        "shipDateTime": int(now().timestamp() * 1000),
        "carrierName": {"carrier": "FedEx"},
        "methodCode": order["shippingInfo"]["methodCode"],
        "trackingNumber": tracking,
        "trackingURL": f"https://www.walmart.com/tracking?tracking_id={tracking}",
    }
    return {"status": SHIPPED, "trackingInfo": info}
