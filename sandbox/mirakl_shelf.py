"""The shop's orders: each with its payload and the time of its last change, which lists go by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.core import Sandbox
from sandbox.mirakl_answers import Payload, exact, no_order, now, number, written

CHANNEL = "mirakl"
ACCOUNT = "decora-eu"
SHIPPING = "SHIPPING"
ENDED = ("REFUSED", "CANCELED")
OWED = ("WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", SHIPPING)
"""States of an order that the seller has taken and not shipped."""


def order_key(external_id: str) -> str:
    return f"{CHANNEL}/{ACCOUNT}/{external_id}"


class MiraklShelf:
    """A record is `{id, order, created, updated, due, hidden, …}`; times are beside the payload.

    What the operator or the buyer will do soon is written down as `due` (`[{at, act}]`) and done when somebody looks:
    so it also happens when the sandbox was restarted in between.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._records = sandbox.shelf.collection("mirakl_orders")
        self._due = {record["id"] for record in self._records.values() if record["due"]}
        self.acts: dict[str, Callable[[Payload], bool]] = {}
        """Name of a due act -> what does it; true when it changed the order."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, external_id: str, order: Payload, hidden: Payload | None = None) -> Payload:
        """Serve an order from now on. `hidden` is what of `customer` is shown only once the buyer has been debited."""
        at = now().isoformat()
        record = {"id": external_id, "order": order, "created": at, "updated": at, "due": [], "hidden": hidden or {}}
        self._records.put(external_id, record)
        return record

    def later(self, record: Payload, act: str, seconds: float) -> None:
        at = now() + timedelta(seconds=seconds)
        record["due"].append({"at": at.isoformat(), "act": act})
        self._due.add(record["id"])
        self._records.put(record["id"], record)

    def known(self, external_id: str) -> bool:
        return external_id in self._records

    def records(self) -> list[Payload]:
        self._do_what_is_due()
        return self._records.values()

    def get(self, external_id: str) -> Payload:
        """Raises `Refused` for an order that the shop does not have."""
        self._do_what_is_due()
        record: Payload | None = self._records.get(external_id)
        if record is None:
            raise no_order(external_id)
        return record

    def holding(self, line_id: str) -> Payload | None:
        """The order that has this line."""
        return next((each for each in self.records() if line_of(each["order"], line_id)), None)

    def changed(self, record: Payload) -> None:
        """Keep a changed order; it is found by lists as just updated."""
        at = now()
        record["updated"] = at.isoformat()
        record["order"]["last_updated_date"] = written(at)
        self._records.put(record["id"], record)

    def kept(self, record: Payload) -> None:
        """Keep what is no change of the order itself."""
        self._records.put(record["id"], record)

    def packed(self, order_id: str, line_id: str = "") -> int:
        """Units of an order, or of one of its lines, that are in shipments."""
        shipments = self.sandbox.shelf.collection("mirakl_shipments").values()
        found = (
            each for shipment in shipments if shipment["order_id"] == order_id for each in shipment["shipment_lines"]
        )
        return sum(each["quantity"] for each in found if not line_id or each["order_line_id"] == line_id)

    def record(self, effect: str, external_id: str, **detail: object) -> None:
        self.sandbox.ledger.record(CHANNEL, effect, order_key(external_id), **detail)

    def _do_what_is_due(self) -> None:
        for external_id in sorted(self._due):
            self._do(self._records.get(external_id) or {})

    def _do(self, record: Payload) -> None:
        at = now()
        ripe = [each for each in record["due"] if datetime.fromisoformat(each["at"]) <= at]
        record["due"] = [each for each in record["due"] if each not in ripe]
        if not record["due"]:
            self._due.discard(record["id"])
        changes = [self.acts[each["act"]](record) for each in ripe]
        if any(changes):
            self.changed(record)
        elif ripe:
            self.kept(record)


def lines(order: Payload) -> list[Payload]:
    return [line for line in order.get("order_lines") or [] if isinstance(line, dict)]


def line_of(order: Payload, line_id: object) -> Payload | None:
    return next((line for line in lines(order) if line.get("order_line_id") == line_id), None)


def alive(order: Payload) -> list[Payload]:
    return [line for line in lines(order) if line.get("order_line_state") not in ENDED]


def set_state(order: Payload, state: str, *line_states: str) -> None:
    """Move the order and its living lines; `line_states` limits it to lines in these states."""
    order["order_state"] = state
    for line in alive(order):
        if not line_states or line["order_line_state"] in line_states:
            line["order_line_state"] = state
    permit(order)


def permit(order: Payload) -> None:
    """What the operator lets a seller do in this state."""
    order["can_cancel"] = order["order_state"] in OWED
    order["can_shop_ship"] = order["order_state"] == SHIPPING


def add_up(order: Payload) -> None:
    """The order's sums, from what its lines cost now; refused lines do not count."""
    counted = [line for line in lines(order) if line.get("order_line_state") != "REFUSED"]
    fees = [exact(fee["amount"]) for line in counted for fee in line.get("fees") or []]
    price = sum((exact(line["price"]) for line in counted), Decimal(0))
    shipping = sum((exact(line.get("shipping_price") or 0) for line in counted), Decimal(0))
    for line in lines(order):
        own = sum((exact(fee["amount"]) for fee in line.get("fees") or []), Decimal(0))
        line["total_price"] = number(exact(line["price"]) + exact(line.get("shipping_price") or 0) + own)
    order["price"], order["shipping_price"] = number(price), number(shipping)
    order["total_price"] = number(price + shipping + sum(fees, Decimal(0)))
