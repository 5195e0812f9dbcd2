"""The account's orders: each with its payload and the time of its last change, which searches go by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.amazon_answers import Payload, now, written
from sandbox.amazon_cancels import cancel_all, cancel_units
from sandbox.core import Sandbox

ACCOUNT = "US-1"
AMAZON_CANCELS = {"cancelledBy": "AMAZON", "cancelReason": "No longer available"}
ONE_UNIT_LESS = "ONE_UNIT_LESS"
"""What becomes of an order of whose first item one unit is cancelled."""
BUYER_CANCELS = {"cancelledBy": "BUYER", "cancelReason": "Changed mind"}
Listener = Callable[[Payload, bool], None]
"""Hears of a record, and whether it is new."""


def order_key(external_id: str) -> str:
    return f"amazon/{ACCOUNT}/{external_id}"


class AmazonShelf:
    """A record is `{id, order, created, updated, due?, settled?, copies?, returns?}`, its times beside the payload.

    What Amazon or the buyer will do to an order soon is written down as `due`, and done when somebody looks: so it
    also happens when the sandbox was restarted in between.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._ledger = sandbox.ledger
        self._records = sandbox.shelf.collection("amazon_orders")
        self.listeners: list[Listener] = []
        self._due = {record["id"] for record in self._records.values() if record.get("due")}

    def __len__(self) -> int:
        return len(self._records)

    def add(
        self,
        external_id: str,
        order: Payload,
        *,
        becomes: str = "",
        after: float = 0.0,
        copies: int = 1,
        returns: bool = False,
    ) -> None:
        """Serve an order from now on; `becomes` SHIPPED, CANCELLED or ONE_UNIT_LESS after so many seconds.

        `copies`: how many notifications tell of it; `returns`: the buyer sends a unit back once it is shipped.
        """
        at = now()
        record: Payload = {"id": external_id, "order": order, "created": at.isoformat(), "updated": at.isoformat()}
        record |= {"copies": copies, "returns": returns}
        if becomes:
            record["due"] = {"at": (at + timedelta(seconds=after)).isoformat(), "becomes": becomes}
            self._due.add(external_id)
        self._records.put(external_id, record)
        self._tell(record, is_new=True)

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
        self._tell(record, is_new=False)

    def keep(self, record: Payload) -> None:
        """Keep what is beside the order; that is no change of it."""
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
        effect = "order_cancelled"
        if status == "SHIPPED":
            effect = "shipped_by_amazon"
            order["fulfillment"]["fulfillmentStatus"] = status
            for item in order["orderItems"]:
                item["fulfillment"].update(quantityFulfilled=item["quantityOrdered"], quantityUnfulfilled=0)
        elif status == ONE_UNIT_LESS:
            effect = "unit_cancelled_by_amazon"
            cancel_units(order, {order["orderItems"][0]["orderItemId"]: 1}, AMAZON_CANCELS)
        else:
            cancel_all(order, BUYER_CANCELS)
        self._ledger.record("amazon", effect, order_key(record["id"]))
        self.changed(record)

    def _tell(self, record: Payload, *, is_new: bool) -> None:
        for listener in self.listeners:
            listener(record, is_new)
