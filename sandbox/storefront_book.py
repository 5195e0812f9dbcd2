"""The shop's memory: orders and returns with the time of their last change, and what is about to happen to them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.core import Sandbox
from sandbox.shelf import Collection

ACCOUNT = "shop"
Document = dict[str, Any]


def written(moment: datetime) -> str:
    """With microseconds always, so that the texts sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_of(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


class Ticks:
    """Now, and never the same moment twice: a reader tells versions apart by it."""

    def __init__(self) -> None:
        self._last = datetime.now(UTC)

    def next(self) -> datetime:
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last


class Drawer:
    """Documents with an id and an `updated_at`, found by when they changed."""

    def __init__(self, kept: Collection, ticks: Ticks) -> None:
        self._kept = kept
        self._ticks = ticks

    def get(self, name: str) -> Document | None:
        """A copy: change it, then `changed` it."""
        return copy.deepcopy(self._kept.get(name))

    def put(self, document: Document) -> None:
        """As it is, with the version that it says."""
        self._kept.put(str(document["id"]), document)

    def changed(self, document: Document) -> Document:
        """Keep a new version. A document from a file may be of the future: its next version is later still."""
        before = moment_of(document.get("updated_at"))
        now = self._ticks.next()
        document["updated_at"] = written(max(now, before + timedelta(microseconds=1)) if before else now)
        self.put(document)
        return document

    def since(self, moment: datetime) -> list[tuple[datetime, str]]:
        """When each that has changed since then changed last, and its id; oldest change first."""
        rows = ((moment_of(document.get("updated_at")), str(document["id"])) for document in self._kept.values())
        return sorted((at, name) for at, name in rows if at and at >= moment)

    def values(self) -> list[Document]:
        return copy.deepcopy(self._kept.values())

    def __contains__(self, name: str) -> bool:
        return name in self._kept


class Book:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        shelf = sandbox.shelf
        ticks = Ticks()
        self.orders = Drawer(shelf.collection("storefront.orders"), ticks)
        self.returns = Drawer(shelf.collection("storefront.returns"), ticks)
        self.stock = shelf.collection("storefront.stock")
        self._numbers = shelf.collection("storefront.numbers")
        self._due = shelf.collection("storefront.due")
        self.on_order: Callable[[str, Document], None] = lambda topic, order: None
        self.on_return: Callable[[str, Document], None] = lambda topic, found: None

    @property
    def job_delay(self) -> float:
        return self._sandbox.options.job_delay

    def number(self, name: str) -> int:
        """1, 2, 3 … for each name, also after a restart."""
        number = int(self._numbers.get(name) or 0) + 1
        self._numbers.put(name, number)
        return number

    def record(self, effect: str, order_id: str, **detail: Any) -> None:
        self._sandbox.ledger.record("storefront", effect, order_key(order_id), **detail)

    def order_changed(self, topic: str, order: Document) -> None:
        """Keep the order's new version, and tell of it."""
        self.on_order(topic, self.orders.changed(order))

    def return_changed(self, topic: str, found: Document) -> None:
        self.on_return(topic, self.returns.changed(found))

    def plan(self, what: str, order_id: str, after: float) -> Document:
        """Write down what will happen to an order after so many seconds, so that a restart does not undo it."""
        at = datetime.now(UTC) + timedelta(seconds=after)
        plan = {"what": what, "order_id": order_id, "at": written(at)}
        self._due.put(f"{order_id}/{what}", plan)
        return plan

    def planned(self) -> list[Document]:
        return list(self._due.values())

    def done(self, plan: Document) -> None:
        self._due.remove(f"{plan['order_id']}/{plan['what']}")


def order_key(external_id: str) -> str:
    return f"storefront/{ACCOUNT}/{external_id}"


def open_of(line: Document) -> int:
    return int(line["quantity"]) - int(line.get("quantity_shipped") or 0) - int(line.get("quantity_cancelled") or 0)


def restate(order: Document) -> None:
    """The state that the lines make of the order."""
    left = sum(map(open_of, order["lines"]))
    shipped = sum(int(line.get("quantity_shipped") or 0) for line in order["lines"])
    if shipped:
        order["state"] = "partially_shipped" if left else "shipped"
    elif not left:
        order["state"] = "cancelled"
