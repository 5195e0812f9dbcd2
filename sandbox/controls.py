"""The controls of the sandbox: what a test or a scenario switches, and what it counts."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.core import Handler
from sandbox.erp_documents import Goods
from sandbox.faults import Fault
from sandbox.goods import catalogue
from sandbox.scenario import Special
from sandbox.twins import Buying, Twins
from sandbox.wms_returns import ParcelBack
from sandbox.wms_troubles import Trouble

Document = TypeVar("Document", bound=BaseModel)


class Refused(Exception):
    """The request cannot be meant; says why."""


class Controls:
    """One method an endpoint. A request that cannot be meant is answered with 422 and the reason."""

    def __init__(self, twins: Twins) -> None:
        self._twins = twins
        self._sandbox = twins.sandbox

    def routes(self) -> list[Route]:
        get, post, delete = ["GET"], ["POST"], ["DELETE"]
        endpoints: list[tuple[str, Handler, list[str]]] = [
            ("health", self._health, get),
            ("connections", self._connections, get),
            ("credentials", self._credentials, get),
            ("catalogue", self._catalogue, get),
            ("operations", self._operations, get),
            ("calls", self._calls, get),
            ("ledger", self._ledger, get),
            ("ledger/counts", self._ledger_counts, get),
            ("orders", self._orders, get),
            ("orders", self._buy, post),
            ("orders/{channel}", self._buy_one, post),
            ("faults", self._add_fault, post),
            ("faults", self._remove_faults, delete),
            ("settlements", self._close_period, post),
            ("returns", self._come_back, post),
            ("deliveries", self._deliver, post),
            ("warehouse", self._trouble, post),
            ("warehouse", self._untrouble, delete),
        ]
        return [Route(f"/_sandbox/{path}", _refusing(answer), methods=methods) for path, answer, methods in endpoints]

    async def _health(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "up"})

    async def _connections(self, _: Request) -> JSONResponse:
        return JSONResponse(self._twins.connections())

    async def _credentials(self, _: Request) -> JSONResponse:
        return JSONResponse(self._twins.credentials())

    async def _catalogue(self, _: Request) -> JSONResponse:
        return JSONResponse(catalogue())

    async def _operations(self, _: Request) -> JSONResponse:
        return JSONResponse(sorted(self._sandbox.operations))

    async def _calls(self, _: Request) -> JSONResponse:
        return JSONResponse(dict(self._sandbox.calls))

    async def _ledger(self, request: Request) -> JSONResponse:
        wanted = {name: request.query_params.get(name, "") for name in ("system", "effect", "key")}
        return JSONResponse(self._sandbox.ledger.entries(**wanted))

    async def _ledger_counts(self, _: Request) -> JSONResponse:
        return JSONResponse(self._sandbox.ledger.counts())

    async def _orders(self, _: Request) -> JSONResponse:
        return JSONResponse({"numbers": self._twins.sold(), "loaded": self._twins.loaded})

    async def _buy(self, request: Request) -> JSONResponse:
        buying = await _read(request, Buying)
        if unknown := sorted(set(buying.orders) - set(self._twins.channels)):
            raise Refused(f"no such channel: {', '.join(unknown)}; there are {', '.join(self._twins.channels)}")
        self._sandbox.spawn(self._twins.sell(buying))
        return JSONResponse({"status": "buying"}, status_code=202)

    async def _buy_one(self, request: Request) -> JSONResponse:
        """One order whose story is told."""
        channel, special = request.path_params["channel"], await _read(request, Special)
        if channel not in self._twins.channels:
            raise Refused(f"no such channel: {channel}; there are {', '.join(self._twins.channels)}")
        if not special.items:
            raise Refused("items: say what is bought, SKU -> units")
        return JSONResponse({"key": self._twins.sell_special(channel, special)}, status_code=201)

    async def _add_fault(self, request: Request) -> JSONResponse:
        fault = await _read(request, Fault)
        if not any(fault.covers(operation) for operation in self._sandbox.operations):
            raise Refused(f"no operation matches {fault.operation!r}: see /_sandbox/operations")
        return JSONResponse({"number": self._sandbox.faults.add(fault)}, status_code=201)

    async def _remove_faults(self, request: Request) -> JSONResponse:
        number = request.query_params.get("number")
        if number is not None and not number.isdecimal():
            raise Refused(f"number={number} is not the number of a fault; leave it out to remove all")
        self._sandbox.faults.remove(int(number) if number is not None else None)
        return JSONResponse({"status": "removed"})

    async def _close_period(self, _: Request) -> JSONResponse:
        return JSONResponse({name: twin.close_period() for name, twin in self._twins.channels.items()}, status_code=201)

    async def _deliver(self, request: Request) -> JSONResponse:
        """Goods arrive at a warehouse; it and the books count them."""
        goods = await _read(request, Goods)
        for stock in (self._twins.wms.shelf, self._twins.erp.stock):
            stock.move(goods.node, [goods.model_dump()], 1)
        return JSONResponse({"status": "counted"}, status_code=201)

    async def _come_back(self, request: Request) -> JSONResponse:
        """A buyer's parcel arrives at the warehouse."""
        parcel = await _read(request, ParcelBack)
        try:
            return JSONResponse(self._twins.wms.come_back(parcel), status_code=202)
        except ValueError as error:
            raise Refused(str(error)) from error

    async def _trouble(self, request: Request) -> JSONResponse:
        """Something goes wrong with the next releases that fit."""
        self._twins.wms.troubles.add(await _read(request, Trouble))
        return JSONResponse({"status": "added"}, status_code=201)

    async def _untrouble(self, _: Request) -> JSONResponse:
        self._twins.wms.troubles.clear()
        return JSONResponse({"status": "removed"})


def _refusing(answer: Handler) -> Handler:
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, status_code=422)

    return answered


async def _read(request: Request, kind: type[Document]) -> Document:
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise Refused(str(error)) from error
