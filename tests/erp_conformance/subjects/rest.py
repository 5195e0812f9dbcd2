"""The small HTTP contract of our own, on its twin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx

from connectors.erp.rest import RestErp
from connectors.erp.rest_ledger import RestLedger
from connectors.registry import SystemConnection
from models.ledger import BookedDocument, DocumentKind, OrderDocuments
from models.money import Money
from models.order import OrderKey
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from tests.erp_conformance.subject import Banked, Capability, Server, Subject
from tests.systems.running import Systems, free_socket, served

PER_UNIT = {"L1": {"TENT-4P": 1}, "L2": {"STOVE-GAS": 1, "SOCK-WOOL": 3}}
ORDERED = {"L1": 3, "L2": 2}
"""The suite's order, in items: the twin counts lines."""
CREDIT = "credit_note_posted"
NO_BALANCES = "the REST contract cannot be asked for balances"


class RestBooks(RestErp):
    """Both ends of the contract, which other ERPs have in one."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__(connection, transport)
        self._ledger = RestLedger(connection, transport)
        self.post_journal = self._ledger.post_journal
        self.post_statement_line = self._ledger.post_statement_line

    async def aclose(self) -> None:
        await super().aclose()
        await self._ledger.aclose()


class RestServer:
    """Reads its books from the twin's ledger of effects."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    def connection(self) -> dict[str, Any]:
        return self._systems.erp.connection()

    async def documents(self, key: OrderKey) -> OrderDocuments | None:
        ledger = self._systems.sandbox.ledger
        created = ledger.entries("erp", "order_created", str(key))
        if not created:
            return None
        assert len(created) == 1, created
        kinds = {DocumentKind.SHIPMENT: "shipment_posted", DocumentKind.INVOICE: "invoice_posted"}
        kinds |= {DocumentKind.CREDIT_NOTE: CREDIT, DocumentKind.RETURN: "return_received"}
        return OrderDocuments(
            order_key=key,
            number=created[0]["detail"]["number"],
            state="open",
            cancelled=bool(ledger.entries("erp", "order_cancelled", str(key))),
            units=_units(ledger.entries("erp", "order_changed", str(key))),
            documents=tuple(
                _document(kind, entry)
                for kind, effect in kinds.items()
                for entry in ledger.entries("erp", effect, str(key))
            ),
        )

    async def banked(self, reference: str) -> list[Banked]:
        posted = self._systems.sandbox.ledger.entries("erp", "statement_line_posted", reference)
        return [Banked(entry["detail"]["number"], entry["detail"]["reconciled"]) for entry in posted]

    async def under_way(self, reference: str) -> int:
        raise AssertionError(NO_BALANCES)

    async def close_period(self, on: date) -> None:
        for operation in ("erp.post_invoice", "erp.post_statement_line"):
            self._systems.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.DECLINE))

    async def open_period(self, on: date) -> None:
        self._systems.sandbox.faults.remove()


def _units(changes: list[dict[str, Any]]) -> dict[str, int]:
    cancelled = changes[-1]["detail"]["cancelled"] if changes else {}
    left = {line: units - cancelled.get(line, 0) for line, units in ORDERED.items()}
    return {item: left[line] * per_unit for line, items in PER_UNIT.items() for item, per_unit in items.items()}


def _document(kind: DocumentKind, entry: dict[str, Any]) -> BookedDocument:
    detail, sign = entry["detail"], -1 if kind is DocumentKind.CREDIT_NOTE else 1
    parts = ("net", "seller_tax", "channel_tax") if "currency" in detail else ()
    amounts: dict[str, Any] = {part: Money.of(detail[part], detail["currency"]) * sign for part in parts}
    reference = detail["external_reference"]
    return BookedDocument(kind=kind, number=detail["number"], reference=reference, state="posted", **amounts)


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    listener = free_socket()
    systems = Systems(Sandbox(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")))
    async with served(systems.routes, listener):
        yield RestServer(systems)
    await systems.aclose()


def _without() -> dict[Capability, str]:
    """A contract of the ERP's outside: what is behind it has rules of its own."""
    without: dict[Capability, str] = {
        "ledger": NO_BALANCES,
        "companies": "one connection, one company",
        "item_check": "the twin takes any item: a catalogue is the business of the ERP behind it",
        "tax_check": "the contract carries amounts by remitter, not tax codes",
    }
    needed: dict[Capability, str] = {"changes": "change_order", "credits": "post_credit_note"}
    absent = {name: "this version's REST provider cannot" for name, method in needed.items() if method not in METHODS}
    return {**without, **absent}


METHODS = frozenset(dir(RestErp))
SUBJECT = Subject(
    name="rest",
    connect=RestBooks,
    server=server,
    read_paths=("/token",),
    without_transit=lambda options: {**options, "transit": False},
    without=_without(),
)
