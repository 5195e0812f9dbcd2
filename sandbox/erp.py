"""The ERP's twin: speaks `docs/contracts/erp.md`, keeps the books, and never books one external reference twice."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.contract import Refused, guarded, read, refusal, throttled
from sandbox.core import Handler, Sandbox
from sandbox.erp_documents import Change, Invoice, Posting, SalesOrder, Shipment, check_arithmetic
from sandbox.erp_invoices import Amounts, invoice_amounts
from sandbox.erp_ledger import ErpLedgerTwin
from sandbox.erp_returns import CREDIT_NOTES, RETURNS, ErpReturns
from sandbox.goods_shelf import GoodsShelf

CLIENT_ID = "orderyard"
CLIENT_SECRET = "sandbox-erp-secret"
TOKEN_SECONDS = 900
ORDERS, SHIPMENTS, INVOICES = "orders", "shipments", "invoices"


class ErpTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._tokens = sandbox.shelf.collection("erp_tokens")
        self._books = {kind: sandbox.shelf.collection(f"erp_{kind}") for kind in (ORDERS, SHIPMENTS, INVOICES)}
        self._references = sandbox.shelf.collection("erp_order_numbers")
        self.stock = GoodsShelf(sandbox.shelf.collection("erp_stock"))
        self._returns = ErpReturns(sandbox, self._books[ORDERS].get, self.stock, _created, _duplicate)
        self._books |= self._returns.books

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "rest",
            "base_url": self._sandbox.options.base_url,
            "credentials": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            "options": {"company": "MAIN", "transit": True},
        }

    def credentials(self) -> dict[str, str]:
        base = self._sandbox.options.base_url
        return {"base_url": f"{base}/erp/v1", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    def routes(self) -> list[Route]:
        def route(path: str, method: str, name: str, handler: Handler) -> Route:
            return Route(f"/erp/v1/{path}", self._operation(name, self._authorised(handler)), methods=[method])

        token = self._sandbox.operation("erp.token", guarded(self._token), throttled=throttled)
        return [
            Route("/erp/v1/token", token, methods=["POST"]),
            route("orders", "POST", "create_order", self._create_order),
            route("orders", "GET", "find_orders", self._finder(ORDERS)),
            route("orders/{number}/change", "POST", "change_order", self._change_order),
            route("orders/{number}/cancel", "POST", "cancel_order", self._cancel_order),
            route("shipments", "POST", "post_shipment", self._post_shipment),
            route("shipments", "GET", "find_shipments", self._finder(SHIPMENTS)),
            route("invoices", "POST", "post_invoice", self._post_invoice),
            route("invoices", "GET", "find_invoices", self._finder(INVOICES)),
            route("credit-notes", "POST", "post_credit_note", self._returns.credit),
            route("credit-notes", "GET", "find_credit_notes", self._finder(CREDIT_NOTES)),
            route("returns", "POST", "receive_return", self._returns.receive),
            route("returns", "GET", "find_returns", self._finder(RETURNS)),
            route("stock", "GET", "stock", self._levels),
            *ErpLedgerTwin(self._sandbox).routes(route),
        ]

    def _operation(self, name: str, handler: Handler) -> Handler:
        return self._sandbox.operation(
            f"erp.{name}", handler, throttled=throttled, expired=_expired, declined=lambda _: _period_closed()
        )

    def _authorised(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if (self._tokens.get(token) or 0) <= time.time():
                return _expired()
            return await guarded(handler)(request)

        return answer

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"))
        if form.get("grant_type") != ["client_credentials"]:
            raise Refused("unsupported_grant_type", "grant_type", "Only client_credentials is known.", 400)
        if (form.get("client_id"), form.get("client_secret")) != ([CLIENT_ID], [CLIENT_SECRET]):
            raise Refused("invalid_client", "client_id", "Unknown client or wrong secret.", 401)
        token = secrets.token_urlsafe(24)
        self._tokens.put(token, time.time() + TOKEN_SECONDS)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    async def _create_order(self, request: Request) -> Response:
        order = await read(request, SalesOrder)
        if known := self._books[ORDERS].get(order.external_reference):
            return _duplicate(known)
        check_arithmetic(order)
        number = f"SO-{len(self._references) + 1:06}"
        self._references.put(number, order.external_reference)
        document = {
            "number": number,
            "status": "open",
            "order": order.model_dump(mode="json"),
            SHIPMENTS: {"count": 0, "units": {}},
            INVOICES: {"count": 0, "units": {}},
        }
        self._books[ORDERS].put(order.external_reference, document)
        self._sandbox.ledger.record(
            "erp", "order_created", order.external_reference, number=number, total=str(order.totals.total)
        )
        return JSONResponse(_summary(order.external_reference, document), 201)

    async def _change_order(self, request: Request) -> Response:
        """The order as it is wanted now. An older revision, or the same again, changes nothing."""
        change = await read(request, Change)
        document = self._open_order(change.external_reference)
        if change.revision <= document.get("revision", 0):
            return JSONResponse(_summary(change.external_reference, document))
        check_arithmetic(change)
        left = Counter(document[SHIPMENTS]["units"])
        for number, line in enumerate(change.lines):
            if left[line.line_reference] > line.quantity - line.cancelled_quantity:
                field = f"lines[{number}].cancelled_quantity"
                raise Refused("already_shipped", field, f"{left[line.line_reference]} units have been shipped.")
        document["order"], document["revision"] = change.model_dump(mode="json"), change.revision
        self._books[ORDERS].put(change.external_reference, document)
        cancelled = {line.line_reference: line.cancelled_quantity for line in change.lines if line.cancelled_quantity}
        self._sandbox.ledger.record(
            "erp", "order_changed", change.external_reference, revision=change.revision, cancelled=cancelled
        )
        return JSONResponse(_summary(change.external_reference, document))

    async def _cancel_order(self, request: Request) -> Response:
        reference = self._references.get(request.path_params["number"]) or ""
        document = self._books[ORDERS].get(reference)
        if document is None:
            raise Refused("unknown_order", "number", f"There is no order {request.path_params['number']}.", 404)
        if document[SHIPMENTS]["units"]:
            raise Refused("already_shipped", "number", "Units of this order have been shipped.")
        if document["status"] != "cancelled":
            document["status"] = "cancelled"
            self._books[ORDERS].put(reference, document)
            self._sandbox.ledger.record("erp", "order_cancelled", reference, number=document["number"])
        return JSONResponse(_summary(reference, document))

    async def _post_shipment(self, request: Request) -> Response:
        posting = await read(request, Shipment)
        known = posting.external_reference in self._books[SHIPMENTS]
        answer = self._post(SHIPMENTS, posting, "over_shipped")
        for each in [] if known else posting.goods:
            self.stock.move(each.node, [each.model_dump()], -1)
        return answer

    async def _post_invoice(self, request: Request) -> Response:
        posting = await read(request, Invoice)
        return self._post(INVOICES, posting, "over_invoiced")

    async def _levels(self, _: Request) -> Response:
        return JSONResponse({"levels": self.stock.levels(())})

    def _post(self, kind: str, posting: Posting, too_many: str) -> Response:
        if known := self._books[kind].get(posting.external_reference):
            return _duplicate(known)
        document = self._open_order(posting.order_reference)
        order = SalesOrder.model_validate(document["order"])
        before = Counter(document[kind]["units"])
        after = before + posting.by_line
        _check_units(order, posting, after, too_many)
        posted = {
            "number": f"{'SH' if kind == SHIPMENTS else 'INV'}-{len(self._books[kind]) + 1:06}",
            "order_reference": posting.order_reference,
            "units": posting.by_line,
        }
        if kind == INVOICES:
            first = document[kind]["count"] == 0
            posted |= _figures(order, invoice_amounts(order, before, after, first))
        document[kind] = {"count": document[kind]["count"] + 1, "units": after}
        self._books[ORDERS].put(posting.order_reference, document)
        return self._booked(kind, posting.external_reference, posted)

    def _booked(self, kind: str, reference: str, posted: dict[str, Any]) -> Response:
        self._books[kind].put(reference, posted)
        effect = "shipment_posted" if kind == SHIPMENTS else "invoice_posted"
        detail = {name: value for name, value in posted.items() if name != "order_reference"}
        self._sandbox.ledger.record("erp", effect, posted["order_reference"], external_reference=reference, **detail)
        return JSONResponse(_summary(reference, posted), 201)

    def _open_order(self, reference: str) -> dict[str, Any]:
        document = self._books[ORDERS].get(reference)
        if document is None:
            raise Refused("unknown_order", "order_reference", f"There is no order with the reference {reference}.")
        if document["status"] == "cancelled":
            raise Refused("order_cancelled", "order_reference", f"{document['number']} is cancelled.")
        opened: dict[str, Any] = document
        return opened

    def _finder(self, kind: str) -> Handler:
        async def find(request: Request) -> Response:
            reference = request.query_params.get("external_reference")
            if not reference:
                raise Refused("missing", "external_reference", "Name the external reference to look for.", 400)
            found = self._books[kind].get(reference)
            return JSONResponse({kind.replace("-", "_"): [_summary(reference, found)] if found else []})

        return find


def _check_units(order: SalesOrder, posting: Posting, after: Mapping[str, int], too_many: str) -> None:
    lines = {line.line_reference: line.quantity - line.cancelled_quantity for line in order.lines}
    for number, each in enumerate(posting.units):
        if each.line_reference not in lines:
            raise Refused("unknown_line", f"units[{number}].line_reference", f"No line {each.line_reference}.")
        if after[each.line_reference] > lines[each.line_reference]:
            ordered = lines[each.line_reference]
            raise Refused(too_many, f"units[{number}].quantity", f"{after[each.line_reference]} of {ordered} ordered.")


def _figures(order: SalesOrder, amounts: Amounts) -> dict[str, str]:
    parts = {"net": amounts.net, "seller_tax": amounts.seller_tax, "channel_tax": amounts.channel_tax}
    return {
        "currency": order.currency,
        **{name: str(money.amount) for name, money in {**parts, "total": amounts.total}.items()},
    }


def _summary(reference: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as the ERP answers it: its figures, not the content that was posted."""
    shown = {name: value for name, value in document.items() if isinstance(value, str)}
    return {"external_reference": reference, **shown}


def _created(reference: str, document: Mapping[str, Any]) -> Response:
    return JSONResponse(_summary(reference, document), 201)


def _duplicate(document: Mapping[str, Any]) -> Response:
    message = f"{document['number']} already has this reference."
    return refusal(409, "duplicate_reference", message, "external_reference", number=document["number"])


def _expired() -> Response:
    return refusal(401, "invalid_token", "The access token is missing, wrong or expired.")


def _period_closed() -> Response:
    return refusal(422, "period_closed", "The accounting period of this date is closed.", "ordered_at")
