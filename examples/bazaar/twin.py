"""Bazaar's twin: the marketplace itself, small, but with its own memory, rules, jobs and quotas."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.core import Sandbox
from sandbox.goods import LISTINGS, Listing
from sandbox.traits import Traits

ACCOUNT, KEY, PREFIX = "EU", "bazaar-sandbox-key", "/bazaar"
READS, WRITES = (10.0, 20), (5.0, 20)
DAY, POSTAGE, TAX_PERCENT, COMMISSION_PERCENT = 86_400_000, 495, 8, 12
SKUS = {listing.sku for listing in LISTINGS}
VERDICTS = {"YES": "GRANTED", "NO": "REJECTED"}
TO = {"name": "Ines Grünwald", "street": "92 Chestnut Street", "city": "Louisville", "zip": "40202", "country": "US"}
Json = dict[str, Any]


class Fault(Exception):
    def __init__(self, code: str, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.answer = JSONResponse({"fault": code, "text": text}, status)


class BazaarTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        names = ("purchases", "unhappy", "claims", "jobs", "levels", "statements", "settled")
        self._kept = {name: sandbox.shelf.collection(f"bazaar.{name}") for name in names}
        self._last = 0

    def routes(self) -> list[Route]:
        purchase, claim = "/purchases/{id}", "/claims/{id}"
        return [
            self._route("list", "/purchases", lambda r, _: self._page("purchases", r)),
            self._route("get", purchase, lambda r, _: self._one("purchases", r)),
            self._route("accept", f"{purchase}/accept", self._accept, "POST"),
            self._route("send", f"{purchase}/packages", self._send, "POST"),
            self._route("pay_back", f"{purchase}/paybacks", self._pay_back, "POST"),
            self._route("void", "/void-jobs", self._void, "POST"),
            self._route("void_job", "/void-jobs/{id}", self._job),
            self._route("claims", "/claims", self._claims),
            self._route("claim", claim, lambda r, _: self._one("claims", r)),
            self._route("judge", f"{claim}/verdict", self._judge, "POST"),
            self._route("stock", "/stock", self._stock, "POST"),
            self._route("statements", "/statements", lambda *_: {"statements": list(self._kept["statements"])}),
            self._route("statement", "/statements/{id}", lambda r, _: self._one("statements", r)),
        ]

    def connection(self) -> Json:
        start = {"start": "2000-01-01T00:00:00+00:00"}
        url = f"{self._sandbox.options.base_url}{PREFIX}"
        who = {"provider": "bazaar", "account": ACCOUNT, "base_url": url}
        return {**who, "credentials": {"key": KEY}, "options": start}

    def credentials(self) -> dict[str, str]:
        return {"base_url": f"{self._sandbox.options.base_url}{PREFIX}", "key": KEY}

    def sell(self, traits: Traits) -> str:
        name = f"B-{len(self._kept['purchases']) + 1}"
        rows = enumerate(traits.items, start=1)
        items = [_item(number, *item, kept=traits.channel_tax) for number, item in rows]
        total = sum(item["price"] * item["count"] + item["tax"] for item in items) + POSTAGE
        head = {"purchase": name, "status": "NEW", "placed": _now(), "accept_until": _now() + DAY, "currency": "USD"}
        more = {"postage": POSTAGE, "total": total, "to": TO, "packages": [], "paybacks": []}
        purchase = self._changed("purchases", name, {**head, "items": items, **more})
        self._record("order_placed", name)
        if traits.cancel or traits.cancels_part:
            self._take_out(purchase, {i["item"]: i["count"] for i in items} if traits.cancel else {"1": 1})
        if traits.returns:
            self._kept["unhappy"].put(name, True)
        return name

    def load(self, path: Path) -> list[str]:
        """There are no files of Bazaar's orders."""
        return []

    def resume(self) -> None:
        """What Bazaar does later, it does when somebody looks: nothing is lost by a stop."""

    def close_period(self) -> list[str]:
        lines = [line for purchase in self._kept["purchases"].values() for line in self._owed(purchase)]
        name = f"ST-{len(self._kept['statements']) + 1}"
        paid = sum(line["amount"] for line in lines)
        statement = {"statement": name, "currency": "USD", "paid": paid, "paid_at": _now(), "lines": lines}
        self._kept["statements"].put(name, statement)
        return [name]

    def _owed(self, purchase: Json) -> list[Json]:
        """Of what has left: the sale, and each payback, once."""
        name, parts = purchase["purchase"], {purchase["purchase"]: _sale(purchase)}
        parts |= {payback["ref"]: [("PAYBACK", -payback["amount"])] for payback in purchase["paybacks"]}
        new = [ref for ref in parts if purchase["status"] == "SENT" and ref not in self._kept["settled"]]
        for ref in new:
            self._kept["settled"].put(ref, True)
        return [{"kind": kind, "amount": cents, "purchase": name} for ref in new for kind, cents in parts[ref]]

    def _accept(self, request: Request, _: Json) -> Json:
        purchase = self._one("purchases", request)
        if purchase.pop("accept_until", None) is None:
            raise Fault("ALREADY_ACCEPTED", "There is nothing left to accept.")
        purchase["status"] = "ACCEPTED"
        self._record("accepted", purchase["purchase"])
        return self._changed("purchases", purchase["purchase"], purchase)

    def _send(self, request: Request, body: Json) -> Json:
        purchase = self._one("purchases", request)
        if purchase["status"] not in ("ACCEPTED", "PART_SENT"):
            raise Fault("NOT_OPEN", f"Only what is accepted can be sent; this is {purchase['status']}.")
        units = _counts(body["units"])
        for item in (item for item in purchase["items"] if item["item"] in units):
            if units[item["item"]] > _open(item):
                raise Fault("TOO_MUCH", f"{_open(item)} of item {item['item']} are open.")
            item["sent"] += units[item["item"]]
        purchase["packages"].append({name: body[name] for name in ("ref", "courier", "tracking", "at", "units")})
        self._record("sent", purchase["purchase"], tracking=body["tracking"])
        return self._restated(purchase)

    def _pay_back(self, request: Request, body: Json) -> Json:
        purchase = self._one("purchases", request)
        if not 0 < body["amount"] <= _left(purchase):
            raise Fault("TOO_MUCH", f"{_left(purchase)} are left of what was paid.")
        purchase["paybacks"].append({"ref": body["ref"], "amount": body["amount"]})
        self._record("paid_back", purchase["purchase"], amount=body["amount"])
        return self._changed("purchases", purchase["purchase"], purchase)

    def _void(self, _: Request, body: Json) -> Json:
        """A job is known by the seller's reference: asked again, it is the same job."""
        known = [job for job in self._kept["jobs"].values() if job["ref"] == body["ref"]]
        name = f"J-{len(self._kept['jobs']) + 1}"
        due = _now() + int(self._sandbox.options.job_delay * 1000)
        job = known[0] if known else {**body, "job": name, "status": "QUEUED", "due": due}
        self._kept["jobs"].put(job["job"], job)
        return dict(job)

    def _job(self, request: Request, _: Json) -> Json:
        """Units that are void already are done; units that have left fail the whole job."""
        job = self._one("jobs", request)
        if job["status"] == "QUEUED" and job["due"] <= _now():
            purchase = copy.deepcopy(self._kept["purchases"].get(job["purchase"])) or {"items": []}
            items, units = {item["item"]: item for item in purchase["items"]}, _counts(job["units"])
            if any(name not in items or n > _open(items[name]) + items[name]["void"] for name, n in units.items()):
                job.update(status="FAILED", fault="ALREADY_SENT", text="Some of it is not there any more.")
            else:
                job["status"] = "DONE"
                if taken := {name: min(n, _open(items[name])) for name, n in units.items() if _open(items[name])}:
                    self._take_out(purchase, taken)
                    self._record("voided", job["purchase"], units=taken)
            self._kept["jobs"].put(job["job"], job)
        return job

    def _take_out(self, purchase: Json, units: dict[str, int]) -> None:
        """Units that will not be delivered; the buyer gets their money back, with the last of them all of it."""
        back = 0
        for item in (item for item in purchase["items"] if item["item"] in units):
            item["void"] += units[item["item"]]
            back += units[item["item"]] * (item["price"] + item["tax"] // item["count"])
        whole = all(item["void"] == item["count"] for item in purchase["items"])
        ref = f"{purchase['purchase']}-VOID-{len(purchase['paybacks'])}"
        purchase["paybacks"].append({"ref": ref, "amount": _left(purchase) if whole else back})
        self._restated(purchase)

    def _claims(self, request: Request, _: Json) -> Json:
        """Buyers who do not like what has come want to send one unit of it back."""
        for name in list(self._kept["unhappy"]):
            if (self._kept["purchases"].get(name) or {}).get("status") == "SENT":
                self._kept["unhappy"].remove(name)
                claim = {"claim": f"C-{name}", "purchase": name, "status": "OPEN", "placed": _now()}
                self._changed("claims", f"C-{name}", {**claim, "item": "1", "count": 1, "why": "too small"})
        return self._page("claims", request)

    def _judge(self, request: Request, body: Json) -> Json:
        claim = self._one("claims", request)
        if claim["status"] != "OPEN":
            raise Fault("ALREADY_JUDGED", f"The claim is {claim['status']}.")
        claim["status"] = VERDICTS[body["verdict"]]
        self._record("judged", claim["purchase"], claim=claim["claim"], verdict=body["verdict"])
        return self._changed("claims", claim["claim"], claim)

    def _stock(self, _: Request, body: Json) -> Json:
        for sku, quantity in body["levels"].items():
            if sku in SKUS and self._kept["levels"].get(sku) != quantity:
                self._kept["levels"].put(sku, quantity)
                self._record("stock_set", sku, quantity=quantity)
        return {"refused": {sku: "UNKNOWN_SKU" for sku in body["levels"] if sku not in SKUS}}

    def _restated(self, purchase: Json) -> Json:
        sent, left = (any(count(item) for item in purchase["items"]) for count in (lambda i: i["sent"], _open))
        if sent:
            purchase["status"] = "PART_SENT" if left else "SENT"
        elif not left:
            purchase["status"] = "VOID"
            purchase.pop("accept_until", None)
        return self._changed("purchases", purchase["purchase"], purchase)

    def _changed(self, kind: str, name: str, document: Json) -> Json:
        """No two changes are of one millisecond: readers tell versions apart by it."""
        self._last = document["changed"] = max(_now(), self._last + 1)
        self._kept[kind].put(name, document)
        return document

    def _record(self, effect: str, name: str, **detail: Any) -> None:
        self._sandbox.ledger.record("bazaar", effect, f"bazaar/{ACCOUNT}/{name}", **detail)

    def _one(self, kind: str, request: Request) -> Json:
        found = self._kept[kind].get(str(request.path_params["id"]))
        if found is None:
            raise Fault("NOT_FOUND", f"There is no such thing in {kind}.", 404)
        return dict(copy.deepcopy(found))

    def _page(self, kind: str, request: Request) -> Json:
        """Rows by change; the token names the last of them, and on the last page it is where to go on later."""
        query = request.query_params
        at, _, name = query.get("page", "").partition(".")
        after = (int(at), name) if at else (int(query.get("from", "0")), "")
        found = sorted((row["changed"], key) for key in self._kept[kind] if (row := self._kept[kind].get(key)))
        found = [row for row in found if row > after]
        here = found[: int(query.get("limit", "50"))]
        last = here[-1] if here else after
        rows = [self._kept[kind].get(key) for _, key in here]
        return {"rows": rows, "page": f"{last[0]}.{last[1]}", "more": len(found) > len(here)}

    def _route(self, name: str, path: str, do: Callable[[Request, Json], Json], method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            try:
                if request.headers.get("X-Bazaar-Key") != KEY:
                    raise Fault("NOBODY", "This key is none of ours.", 401)
                return JSONResponse(do(request, await request.json() if method == "POST" else {}))
            except Fault as fault:
                return fault.answer
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                return Fault("INVALID", f"Bazaar does not understand: {error!r}", 400).answer

        def throttled() -> Response:
            return JSONResponse({"fault": "SLOWER"}, 429, headers={"Retry-After": "1"})

        operation = self._sandbox.operation(
            f"bazaar.{name}",
            answer,
            throttled=throttled,
            quota=READS if method == "GET" else WRITES,
            declined=lambda _: Fault("NOT_OPEN", "Not now.").answer,
        )
        return Route(f"{PREFIX}{path}", operation, methods=[method])


def _now() -> int:
    return int(time.time() * 1000)


def _item(number: int, listing: Listing, count: int, *, kept: bool) -> Json:
    price = int(listing.price * 100)
    item = {"item": str(number), "sku": listing.sku, "count": count, "price": price, "sent": 0, "void": 0}
    return {**item, "tax": price * count * TAX_PERCENT // 100, "tax_kept": kept}


def _open(item: Json) -> int:
    return int(item["count"] - item["sent"] - item["void"])


def _left(purchase: Json) -> int:
    """Of what the buyer has paid."""
    return int(purchase["total"] - sum(payback["amount"] for payback in purchase["paybacks"]))


def _counts(rows: list[Json]) -> dict[str, int]:
    return {row["item"]: int(row["count"]) for row in rows}


def _sale(purchase: Json) -> list[tuple[str, int]]:
    goods = sum(item["price"] * item["count"] for item in purchase["items"])
    tax, kept = (sum(i["tax"] for i in purchase["items"] if i["tax_kept"] or every) for every in (True, False))
    commission = -(goods * COMMISSION_PERCENT // 100)
    sale = {"ITEM": goods, "POSTAGE": purchase["postage"], "TAX": tax, "TAX_KEPT": -kept, "COMMISSION": commission}
    return [(kind, cents) for kind, cents in sale.items() if cents]
