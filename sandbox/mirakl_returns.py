"""Returns (RT11, RT21, RT25, RT26, RT27): what a buyer sends back, and what the seller decides."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.mirakl_answers import Payload, Refused, invalid, listed, now, read_moment, written
from sandbox.mirakl_pages import by_token
from sandbox.mirakl_shelf import MiraklShelf, alive

MOST = 100
REJECTIONS = ("RETURN_REJECTION_NOT_ELIGIBLE", "RETURN_REJECTION_NOT_NEEDED", "RETURN_REJECTION_WINDOW_CLOSED")
ADDRESS = {"street1": "Lagerstr. 1", "zip_code": "10115", "city": "Berlin", "country_iso_code": "DEU"}
Step = Callable[[Payload, Payload], None]
"""Changes a return as an entry of the request says. Raises `Refused`."""


class MiraklReturns:
    def __init__(self, shelf: MiraklShelf) -> None:
        self._shelf = shelf
        self._returns = shelf.sandbox.shelf.collection("mirakl_returns")
        shelf.acts["return"] = self._sent_back

    def _sent_back(self, record: Payload) -> bool:
        """The buyer asks to send one unit of the first line back."""
        order, at = record["order"], written(now())
        line = alive(order)[0]
        claim = {
            "id": str(uuid.uuid4()),
            "order_id": record["id"],
            "order_commercial_id": order.get("commercial_id", record["id"]),
            "state": "WAITING_ACCEPTANCE",
            "date_created": at,
            "last_updated": at,
            "method_code": "RETURN_METHOD_BY_MAIL",
            "reason_code": "RETURN_CHANGED_MIND",
            "rma": f"RMA-{len(self._returns) + 1:05d}",
            "return_address": ADDRESS,
            "return_lines": [
                {"order_line_id": line["order_line_id"], "quantity": 1, "reason_code": "RETURN_CHANGED_MIND"}
            ],
            "documents": [],
        }
        self._returns.put(claim["id"], claim)
        self._shelf.record("return_requested", record["id"], return_id=claim["id"])
        return False

    async def listing(self, request: Request) -> Response:
        """RT11, sorted by creation."""
        self._shelf.records()  # What is due may be a return.
        query = request.query_params
        since = _moment(request, "return_last_updated_from")
        until = _moment(request, "return_last_updated_to")
        ids, states = query.getlist("return_id"), query.getlist("return_state")
        found = [
            claim
            for claim in self._returns.values()
            if (not ids or claim["id"] in ids)
            and (not states or claim["state"] in states)
            and (not since or claim["last_updated"] >= since)
            and (not until or claim["last_updated"] <= until)
        ]
        return by_token(request, found, lambda claim: f"{claim['date_created']} {claim['id']}", MOST)

    async def accept(self, request: Request) -> Response:
        return await self._all(request, self._decide)

    async def receive(self, request: Request) -> Response:
        return await self._all(request, self._receive)

    async def judge(self, request: Request) -> Response:
        return await self._all(request, self._judge)

    async def close(self, request: Request) -> Response:
        return await self._all(request, self._close)

    async def _all(self, request: Request, step: Step) -> Response:
        """An answer of partial success: 200 in any case."""
        success, errors = [], []
        for item in await listed(request, "returns", MOST):
            try:
                claim = self._returns.get(str(item.get("id")))
                if claim is None:
                    raise invalid(f"No return with id '{item.get('id')}'.")
                step(claim, item)
                claim["last_updated"] = written(now())
                self._returns.put(claim["id"], claim)
                success.append({"id": claim["id"]})
            except Refused as refused:
                errors.append({"id": item.get("id"), "message": refused.message})
        return JSONResponse({"return_success": success, "return_errors": errors})

    def _decide(self, claim: Payload, item: Payload) -> None:
        _require(claim, "WAITING_ACCEPTANCE")
        accepted = item.get("accepted")
        if not isinstance(accepted, bool):
            raise invalid("accepted: must be a boolean")
        if not accepted and item.get("rejection_reason_code") not in REJECTIONS:
            raise invalid("rejection_reason_code: is needed to refuse a return")
        claim["state"] = "IN_PROGRESS" if accepted else "REFUSED"
        if not accepted:
            claim["rejection_reason_code"] = item["rejection_reason_code"]
        self._noted("return_accepted" if accepted else "return_refused", claim)

    def _receive(self, claim: Payload, _: Payload) -> None:
        _require(claim, "IN_PROGRESS")
        claim["state"] = "RECEIVED"
        self._noted("return_received", claim)

    def _judge(self, claim: Payload, item: Payload) -> None:
        """Again as often as the seller likes, while the goods are there."""
        _require(claim, "RECEIVED")
        judged = {each.get("order_line_id"): each.get("compliant") for each in item.get("return_lines") or []}
        for line in claim["return_lines"]:
            if not isinstance(judged.get(line["order_line_id"]), bool):
                raise invalid("return_lines: each line of the return is to be judged")
            line["compliance"] = [{"compliant": judged[line["order_line_id"]]}]
        self._noted("return_judged", claim)

    def _close(self, claim: Payload, _: Payload) -> None:
        _require(claim, "RECEIVED")
        claim["state"] = "CLOSED"
        self._noted("return_closed", claim)

    def _noted(self, effect: str, claim: Payload) -> None:
        self._shelf.record(effect, claim["order_id"], return_id=claim["id"])


def _require(claim: Payload, state: str) -> None:
    if claim["state"] != state:
        raise invalid(f"The return status must be '{state}' but it is '{claim['state']}'.")


def _moment(request: Request, name: str) -> str:
    text = request.query_params.get(name)
    return written(read_moment(text, name)) if text else ""
