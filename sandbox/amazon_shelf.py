"""The account's orders: each with its payload and the time of its last change, which searches go by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.amazon_answers import now, written
from sandbox.core import Sandbox

ACCOUNT = "US-1"
BUYER_CANCELS = {"cancelledBy": "BUYER", "cancelReason": "Changed mind"}
Payload = dict[str, Any]


def order_key(external_id: str) -> str:
    return f"amazon/{ACCOUNT}/{external_id}"


class AmazonShelf:
    """A record is `{id, order, created, updated, due?, settled?}`; times are beside the payload, which stays verbatim.

    What Amazon or the buyer will do to an order soon is written down as `due`, and done when somebody looks: so it
    also happens when the sandbox was restarted in between.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._ledger = sandbox.ledger
        self._records = sandbox.shelf.collection("amazon_orders")
        self._due = {record["id"] for record in self._records.values() if record.get("due")}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, external_id: str, order: Payload, *, becomes: str = "", after: float = 0.0) -> None:
        """Serve an order from now on; `becomes` SHIPPED or CANCELLED after so many seconds."""
        at = now()
        record = {"id": external_id, "order": order, "created": at.isoformat(), "updated": at.isoformat()}
        if becomes:
            record["due"] = {"at": (at + timedelta(seconds=after)).isoformat(), "becomes": becomes}
            self._due.add(external_id)
        self._records.put(external_id, record)

    def records(self) -> list[Payload]:
        self._do_what_is_due()
        return self._records.values()

    def get(self, external_id: str) -> Payload | None:
        self._do_what_is_due()
        record: Payload | None = self._records.get(external_id)
        return record

    def changed(self, record: Payload) -> None:
        """Keep a changed order; it is found by searches as just updated."""
        at = now()
        record["updated"] = at.isoformat()
        record["order"]["lastUpdatedTime"] = written(at)
        self._records.put(record["id"], record)

    def settled(self, record: Payload, settlement_id: str) -> None:
        """Keep which settlement paid an order; that is no change of the order."""
        self._records.put(record["id"], {**record, "settled": settlement_id})

    def _do_what_is_due(self) -> None:
        for external_id in sorted(self._due):
            record = self._records.get(external_id)
            if record and datetime.fromisoformat(record["due"]["at"]) <= now():
                self._due.discard(external_id)
                self._become(record, record.pop("due")["becomes"])

    def _become(self, record: Payload, status: str) -> None:
        order = record["order"]
        if order["fulfillment"]["fulfillmentStatus"] != "UNSHIPPED":
            self._records.put(record["id"], record)
            return
        order["fulfillment"]["fulfillmentStatus"] = status
        for item in order["orderItems"]:
            shipped = item["quantityOrdered"] if status == "SHIPPED" else 0
            item["fulfillment"].update(quantityFulfilled=shipped, quantityUnfulfilled=0)
            if status == "CANCELLED":
                item["cancellation"] = {"cancellationExecution": BUYER_CANCELS}
        effect = "shipped_by_amazon" if status == "SHIPPED" else "order_cancelled"
        self._ledger.record("amazon", effect, order_key(record["id"]))
        self.changed(record)
