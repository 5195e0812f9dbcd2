"""Tryton, on a real server."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from cli.erp import demo_goods
from connectors.erp.tryton.provider import TrytonErp
from connectors.registry import SystemConnection
from models.ledger import OrderDocuments
from models.order import OrderKey
from settings import Settings
from stack.tryton import LocalTryton
from stack.tryton_plan import ACCOUNTS, COMPANIES
from tests.erp_conformance.subject import Banked, Server, Subject


class TrytonServer:
    def __init__(self, tryton: LocalTryton) -> None:
        self._tryton = tryton
        self._reader = TrytonErp(SystemConnection.model_validate(tryton.connection()))

    def connection(self) -> dict[str, Any]:
        """Without the general tax of the seller: a rate that nobody has entered a code for is then refused."""
        entry = self._tryton.connection()
        taxes = {name: code for name, code in entry["options"]["taxes"].items() if name != "seller"}
        return {**entry, "options": {**entry["options"], "taxes": taxes}}

    async def documents(self, key: OrderKey) -> OrderDocuments | None:
        return await self._reader.order_documents(key)

    async def banked(self, reference: str) -> list[Banked]:
        return await asyncio.to_thread(self._banked, reference)

    async def under_way(self, reference: str) -> int:
        return await asyncio.to_thread(self._under_way, reference)

    async def close_period(self, on: date) -> None:
        await asyncio.to_thread(self._press, "close", on)

    async def open_period(self, on: date) -> None:
        await asyncio.to_thread(self._press, "reopen", on)

    async def kill(self) -> None:
        """`kill -9` of the server and all its workers, whatever they are doing; then it is started again."""
        await asyncio.to_thread(self._tryton.child.kill)
        await asyncio.to_thread(self._tryton.restart)

    async def doubled(self, model: str, *fields: str) -> dict[str, int]:
        """References (the first field, within the others) that more than one record that counts has."""
        return await asyncio.to_thread(self._doubled, model, fields)

    async def aclose(self) -> None:
        await self._reader.aclose()

    def _doubled(self, model: str, fields: tuple[str, ...]) -> dict[str, int]:
        rpc = self._tryton.admin()
        domain = [[fields[0], "!=", None], ["state", "!=", "cancelled"]]
        company = self.connection()["options"]["companies"][COMPANIES[0].entity]["id"]
        found = rpc.search(model, domain, fields, company=company)
        rpc.close()
        assert found, f"nothing in {model}: this proves nothing"
        counted = Counter(" ".join(str(record[field]) for field in fields) for record in found)
        return {reference: count for reference, count in counted.items() if count > 1}

    def _banked(self, reference: str) -> list[Banked]:
        found = self._found("account.statement.line", [["statement.name", "=", reference]], "move.number", "move.state")
        assert all(line["move."]["state"] == "posted" for line in found), found
        return [Banked(line["move."]["number"], reconciled=not self._open(line["move."]["id"])) for line in found]

    def _under_way(self, reference: str) -> int:
        [move] = self._found("account.move", [["description", "=", reference]])
        return self._open(move["id"])

    def _open(self, move: int) -> int:
        domain = [["move", "=", move], ["account.code", "=", ACCOUNTS["transit"].code]]
        lines = self._found("account.move.line", domain, "reconciliation")
        assert lines, "nothing of it was under way: this proves nothing"
        return sum(line["reconciliation"] is None for line in lines)

    def _found(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        rpc = self._tryton.admin()
        company = self.connection()["options"]["companies"][COMPANIES[0].entity]["id"]
        found = rpc.search(model, domain, ["id", *fields], company=company)
        rpc.close()
        return found

    def _press(self, button: str, on: date) -> None:
        rpc = self._tryton.admin()
        company = self.connection()["options"]["companies"][COMPANIES[0].entity]["id"]
        domain = [["start_date", "<=", on], ["end_date", ">=", on], ["company", "=", company]]
        found = rpc.search("account.period", domain, company=company)
        rpc.model("account.period", button, [period["id"] for period in found], company=company)
        rpc.close()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """The dump of its database is kept in the data directory; the database itself lives for one run."""
    cache = Settings().data_dir / "erp" / "cache"
    with tempfile.TemporaryDirectory(prefix="erp-") as home:
        tryton = LocalTryton(Path(home), cache, demo_goods(), fast=True, keep_ports=False)
        try:
            await asyncio.to_thread(tryton.start)
            running = TrytonServer(tryton)
            yield running
            await running.aclose()
        finally:
            await asyncio.to_thread(tryton.destroy)


def without_transit(options: Mapping[str, Any]) -> dict[str, Any]:
    accounts = {role: code for role, code in options["accounts"].items() if role != "transit"}
    return {**options, "accounts": accounts}


SUBJECT = Subject(
    name="tryton",
    connect=TrytonErp,
    server=server,
    entities=(COMPANIES[0].entity, COMPANIES[1].entity),
    without_transit=without_transit,
)
