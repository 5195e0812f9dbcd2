"""Odoo, on the twin of its documented interface: there is no Odoo here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from connectors.erp.odoo.provider import OdooErp
from connectors.registry import SystemConnection
from models.ledger import OrderDocuments
from models.order import OrderKey
from sandbox.core import Sandbox, SandboxOptions
from sandbox.odoo import OdooTwin
from sandbox.odoo_bank import STATEMENT_LINE
from sandbox.odoo_company import ENTITIES
from tests.erp_conformance.subject import Banked, Server, Subject
from tests.systems.running import free_socket, served

OURS, THEIRS = ENTITIES


class OdooServer:
    def __init__(self, twin: OdooTwin) -> None:
        self._twin = twin
        self._reader = OdooErp(SystemConnection.model_validate(twin.connection()))

    def connection(self) -> dict[str, Any]:
        return self._twin.connection()

    async def documents(self, key: OrderKey) -> OrderDocuments | None:
        return await self._reader.order_documents(key)

    async def banked(self, reference: str) -> list[Banked]:
        records = self._twin.records
        found = [records.get("account.move", line["move_id"]) for line in records.all(STATEMENT_LINE, ref=reference)]
        return [Banked(move["name"], reconciled=not self._open(move["id"])) for move in found]

    async def under_way(self, reference: str) -> int:
        [move] = self._twin.records.all("account.move", ref=reference)
        return self._open(move["id"])

    async def close_period(self, on: date) -> None:
        self._twin.lock(OURS, on.isoformat())

    async def open_period(self, on: date) -> None:
        self._twin.lock(OURS, None)

    def _open(self, move: int) -> int:
        records = self._twin.records
        transit = {each["id"] for each in records.all("account.account", name="transit")}
        lines = [each for each in records.all("account.move.line", move_id=move) if each["account_id"] in transit]
        assert lines, "nothing of it was under way: this proves nothing"
        return sum(not line["reconciled"] for line in lines)

    async def aclose(self) -> None:
        await self._reader.aclose()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    listener = free_socket()
    sandbox = Sandbox(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
    twin = OdooTwin(sandbox)
    async with served(twin.routes(), listener):
        running = OdooServer(twin)
        yield running
        await running.aclose()
    sandbox.shelf.close()


def without_transit(options: Mapping[str, Any]) -> dict[str, Any]:
    accounts = {role: code for role, code in options["accounts"].items() if role != "transit"}
    return {**options, "accounts": accounts}


SUBJECT = Subject(
    name="odoo",
    connect=OdooErp,
    server=server,
    entities=(OURS, THEIRS),
    read_paths=("/search_read",),
    without_transit=without_transit,
    without={
        "surplus": "a transfer takes no more than the order has left: the inventory reconciliation names the rest"
    },
)
