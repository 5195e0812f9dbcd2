"""Odoo's twin: its JSON-2 interface as documented for Odoo 19, for what an ERP connector needs of it.

Recorded from the public documentation, not from a running Odoo. It lives in memory, and ends with its sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.core import Sandbox
from sandbox.odoo_bank import STATEMENT_LINE, Bank
from sandbox.odoo_books import Ledger
from sandbox.odoo_company import ACCOUNTS, CHANNEL_WAREHOUSE, ENTITIES, TAXES, seed
from sandbox.odoo_records import OdooError, Record, Records
from sandbox.odoo_trade import Trade

KEY = "sandbox-odoo-key"
OPERATION = "odoo.call"
HIDDEN = frozenset(
    {"account.move", "account.move.line", STATEMENT_LINE, "sale.order", "stock.quant", "stock.warehouse"}
)
"""Models of which a call sees the records of its companies alone (`allowed_company_ids`)."""


class OdooTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.records = Records()
        seed(self.records)
        self._trade, self._ledger = Trade(self.records), Ledger(self.records)
        self._bank = Bank(self.records, self._ledger)
        self._actions: Mapping[tuple[str, str], Callable[[Record, Mapping[str, Any]], object]] = {
            ("sale.order", "action_confirm"): lambda record, _: self._trade.confirm_order(record),
            ("sale.order", "action_cancel"): self._trade.cancel_order,
            ("stock.picking", "action_confirm"): lambda record, _: self._trade.confirm_transfer(record),
            ("stock.picking", "button_validate"): self._trade.validate,
            ("account.move", "action_post"): lambda record, _: self._ledger.post(record),
        }

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "odoo",
            "base_url": self._sandbox.options.base_url,
            "credentials": {"key": KEY},
            "options": {
                "company": next(iter(ENTITIES)),
                "companies": {entity: number for number, entity in enumerate(ENTITIES, 1)},
                "accounts": {role: code for role, (code, _) in ACCOUNTS.items()},
                "taxes": TAXES,
                "channel_warehouses": {"*": CHANNEL_WAREHOUSE},
            },
        }

    def routes(self) -> list[Route]:
        handler = self._sandbox.operation(OPERATION, self._answer, throttled=lambda: _json({}, 429))
        return [Route("/json/2/{model}/{method}", handler, methods=["POST"])]

    def lock(self, entity: str, until: str | None) -> None:
        """Move a company's lock date, as its accountant does."""
        [company] = self.records.all("res.company", name=entity)
        company["fiscalyear_lock_date"] = until or False

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"bearer {KEY}":
            return _error(OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401))
        body = json.loads(await request.body(), parse_float=Decimal)
        try:
            return _json(self._call(request.path_params["model"], request.path_params["method"], body))
        except OdooError as error:
            return _error(error)

    def _call(self, model: str, method: str, body: Record) -> object:
        ids, context = body.get("ids", []), body.get("context", {})
        match method:
            case "search_read":
                return self._search(model, body, context)
            case "create":
                return [self._create(model, values) for values in body["vals_list"]]
            case "write":
                for record in ids:
                    self._write(model, record, body["vals"])
                return True
            case "unlink":
                for record in ids:
                    self._unlink(model, record)
                return True
            case "reconcile" if model == "account.move.line":
                self._ledger.reconcile(ids)
                return None
        return self._act(model, method, ids, context)

    def _act(self, model: str, method: str, ids: list[int], context: Mapping[str, Any]) -> object:
        action = self._actions.get((model, method))
        if action is None:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model {model!r} has no method {method!r}", 404)
        answer: object = True
        for record in ids:
            found = self.records.get(model, record)
            answer = action(found, context)
            self._sandbox.ledger.record("odoo", method, str(found.get("client_order_ref") or found.get("name") or ""))
        return answer

    def _search(self, model: str, body: Record, context: Mapping[str, Any]) -> list[Record]:
        domain = list(body["domain"])
        if model in HIDDEN and (allowed := context.get("allowed_company_ids")):
            domain.append(["company_id", "in", allowed])
        found = self.records.search(model, domain)[: body.get("limit")]
        return [self.records.read(record, body["fields"]) for record in found]

    def _create(self, model: str, values: Record) -> int:
        made = self.records.add(model, **values)
        record = self.records.get(model, made)
        if model in ("sale.order", "stock.picking"):
            self._trade.created(model, record)
        if model == "account.move":
            self._ledger.created(record)
        if model == STATEMENT_LINE:
            self._entered(record)
        return made

    def _entered(self, line: Record) -> None:
        """In one transaction with its entry: a line that is refused is not there."""
        try:
            self._bank.created(line)
        except OdooError:
            self.records.remove(STATEMENT_LINE, line["id"])
            raise

    def _write(self, model: str, record: int, values: Record) -> None:
        self.records.set(model, record, values)
        if model == "sale.order.line" and "product_uom_qty" in values:
            self._trade.ordered_anew(self.records.get(model, record))

    def _unlink(self, model: str, record: int) -> None:
        if model == "account.move":
            self._ledger.require_draft(self.records.get(model, record))
        if model == STATEMENT_LINE:
            self._bank.removed(self.records.get(model, record))
        self.records.remove(model, record)


def _json(value: object, status: int = 200) -> Response:
    text = json.dumps(value, default=_number)
    return Response(text, status, media_type="application/json")


def _number(value: object) -> float:
    """Odoo answers amounts as JSON numbers."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _error(error: OdooError) -> Response:
    told = {"name": error.name, "message": error.message, "arguments": [error.message], "context": {}, "debug": ""}
    return _json(told, error.status)
