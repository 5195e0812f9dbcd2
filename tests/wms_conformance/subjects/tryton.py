"""A warehouse on a real Tryton; its people work through Tryton's own interface, as its client does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from cli.erp import demo_goods
from connectors.wms.tryton.provider import TrytonWms
from settings import Settings
from stack.errors import StackError
from stack.tryton import LocalTryton
from stack.tryton_kinds import WAREHOUSE
from stack.tryton_rpc import TrytonRpc
from tests.wms_conformance.subject import Pieces, Subject, Warehouse
from tests.wms_conformance.taking_back import take_back

OUT = "stock.shipment.out"
PATIENCE = 60.0
STEPS = (("waiting", "assign_try"), ("assigned", "pick"), ("picked", "pack"), ("packed", "ship"), ("shipped", "do"))


class Keepers:
    """The people of the warehouse: each of their jobs is a session of its own."""

    def __init__(self, tryton: LocalTryton) -> None:
        self._tryton = tryton

    def connection(self) -> dict[str, Any]:
        return self._tryton.connection()

    async def releases(self, fulfilment_id: str) -> int:
        return len(await asyncio.to_thread(self._open, fulfilment_id))

    async def until_to_be_picked(self, fulfilment_id: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(self._is_waiting, fulfilment_id):
                pass

    async def ship(self, fulfilment_id: str) -> None:
        await asyncio.to_thread(self._ship, fulfilment_id)

    async def ship_first(self, fulfilment_id: str, item: str, pieces: int) -> None:
        await asyncio.to_thread(self._divide, fulfilment_id, item, pieces)

    async def find_missing(self, fulfilment_id: str, item: str, pieces: int) -> None:
        await asyncio.to_thread(self._pick_less, fulfilment_id, item, pieces)

    async def give_up(self, fulfilment_id: str) -> None:
        await asyncio.to_thread(self._give_up, fulfilment_id)

    async def take_back(self, reference: str, *pieces: Pieces, put_away: bool = True) -> str:
        return await asyncio.to_thread(take_back, self._tryton, reference, pieces, put_away)

    async def take_back_from(self, fulfilment_id: str, *pieces: Pieces) -> str:
        """With nothing written on it; whoever takes it in says with which parcel the goods left."""
        return await asyncio.to_thread(take_back, self._tryton, "", pieces, True, fulfilment_id)

    async def ship_together(self, fulfilment_ids: Sequence[str]) -> None:
        """All of them in one go: in one transaction of Tryton's for each step."""
        await asyncio.to_thread(self._ship_together, fulfilment_ids)

    async def pack(self, fulfilment_id: str) -> None:
        """All but handing it to the carrier."""
        await asyncio.to_thread(self._press, fulfilment_id, [button for _, button in STEPS[:3]])

    async def hand_over(self, fulfilment_id: str) -> None:
        """What is packed, to the carrier; nobody has completed it yet."""
        await asyncio.to_thread(self._press, fulfilment_id, [STEPS[3][1]])

    async def note(self, fulfilment_id: str, text: str) -> None:
        """What somebody writes on the shipment."""
        await asyncio.to_thread(self._note, fulfilment_id, text)

    async def miscount(self, item: str, node: str, pieces: int) -> None:
        """Somebody counts an item at a node, and writes this number down."""
        await asyncio.to_thread(self._count, item, node, pieces)

    def _open(self, fulfilment_id: str) -> list[int]:
        rpc = self._tryton.admin()
        found = rpc.search(OUT, [["reference", "=", fulfilment_id], ["state", "!=", "cancelled"]])
        rpc.close()
        return [record["id"] for record in found]

    def _is_waiting(self, fulfilment_id: str) -> bool:
        rpc = self._tryton.admin()
        found = rpc.search(OUT, [["reference", "=", fulfilment_id], ["state", "=", "waiting"]])
        rpc.close()
        return bool(found)

    def _ship(self, fulfilment_id: str) -> None:
        rpc = self._tryton.admin()
        for shipment in self._open(fulfilment_id):
            _advance(rpc, shipment)
        rpc.close()

    def _ship_together(self, fulfilment_ids: Sequence[str]) -> None:
        rpc = self._tryton.admin()
        found = rpc.search(OUT, [["reference", "in", list(fulfilment_ids)]])
        for _, button in STEPS:
            rpc.model(OUT, button, [record["id"] for record in found], _skip_warnings=True)
        rpc.close()

    def _press(self, fulfilment_id: str, buttons: Sequence[str]) -> None:
        rpc = self._tryton.admin()
        for button in buttons:
            rpc.model(OUT, button, self._open(fulfilment_id), _skip_warnings=True)
        rpc.close()

    def _give_up(self, fulfilment_id: str) -> None:
        rpc = self._tryton.admin()
        rpc.model(OUT, "cancel", self._open(fulfilment_id))
        rpc.close()

    def _divide(self, fulfilment_id: str, item: str, pieces: int) -> None:
        """Two shipments: the new one has the item and leaves, the first one keeps the rest."""
        rpc = self._tryton.admin()
        [shipment] = self._open(fulfilment_id)
        rpc.model(OUT, "draft", [shipment])
        move = self._move(rpc, shipment, item, pieces, "outgoing_moves")
        [second] = rpc.model(OUT, "copy", [shipment], {"moves": None, "reference": fulfilment_id})
        rpc.model("stock.move", "write", [move], {"shipment": f"{OUT},{second}"})
        rpc.model(OUT, "wait", [shipment, second])
        _advance(rpc, second)
        rpc.close()

    def _pick_less(self, fulfilment_id: str, item: str, pieces: int) -> None:
        rpc = self._tryton.admin()
        shipment = next(each for each in self._open(fulfilment_id) if not _has_left(rpc, each))
        move = self._move(rpc, shipment, item, None, "inventory_moves")
        quantity = rpc.model("stock.move", "read", [move], ["quantity"])[0]["quantity"]
        rpc.model("stock.move", "write", [move], {"quantity": quantity - pieces})
        _advance(rpc, shipment)
        rpc.close()

    def _note(self, fulfilment_id: str, text: str) -> None:
        rpc = self._tryton.admin()
        [shipment] = self._open(fulfilment_id)
        rpc.create("ir.note", {"resource": f"{OUT},{shipment}", "message": text})
        rpc.close()

    def _count(self, item: str, node: str, pieces: int) -> None:
        rpc = self._tryton.admin()
        product = rpc.first("product.product", [["code", "=", item]])["id"]
        warehouse = rpc.first("stock.location", [["code", "=", node]], ["storage_location"])
        line = {"product": product, "quantity": float(pieces)}
        values = {"location": warehouse["storage_location"], "empty_quantity": "keep", "lines": [["create", [line]]]}
        rpc.model("stock.inventory", "confirm", rpc.create("stock.inventory", values))
        rpc.close()

    def _move(self, rpc: TrytonRpc, shipment: int, item: str, pieces: int | None, kind: str) -> int:
        ids = rpc.model(OUT, "read", [shipment], [kind])[0][kind]
        domain = [["id", "in", list(ids)], ["product.code", "=", item]]
        wanted = [["quantity", "=", pieces]] if pieces is not None else []
        move: int = rpc.first("stock.move", [*domain, *wanted])["id"]
        return move


def _has_left(rpc: TrytonRpc, shipment: int) -> bool:
    return bool(rpc.model(OUT, "read", [shipment], ["state"])[0]["state"] == "done")


def _advance(rpc: TrytonRpc, shipment: int) -> None:
    """Button after button, until it has left. Raises `StackError` when it was cancelled meanwhile."""
    for state, button in STEPS:
        if (now := rpc.model(OUT, "read", [shipment], ["state"])[0]["state"]) == "cancelled":
            raise StackError(f"shipment {shipment} was cancelled")
        if now == state:
            rpc.model(OUT, button, [shipment], _skip_warnings=True)


@contextmanager
def closed_warehouse() -> Iterator[LocalTryton]:
    """To be started. The dump of its database is kept in the data directory; the database itself lives for one run."""
    cache = Settings().data_dir / "erp" / "cache"
    with tempfile.TemporaryDirectory(prefix="wms-") as home:
        tryton = LocalTryton(Path(home), cache, demo_goods(), WAREHOUSE, fast=True, keep_ports=False)
        try:
            yield tryton
        finally:
            tryton.destroy()


@asynccontextmanager
async def server() -> AsyncIterator[Warehouse]:
    with closed_warehouse() as tryton:
        await asyncio.to_thread(tryton.start)
        yield Keepers(tryton)


SUBJECT = Subject(name="tryton", connect=TrytonWms, server=server, credential="key")
