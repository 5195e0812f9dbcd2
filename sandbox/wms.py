"""The warehouse's twin: speaks `docs/contracts/wms.md`, picks and ships in its own time, and reports each parcel."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.contract import Refused, read, refusal, throttled, with_api_key
from sandbox.core import Handler, Sandbox
from sandbox.goods_shelf import GoodsShelf
from sandbox.webhooks import WebhookSender
from sandbox.wms_documents import Release, chance, parcels
from sandbox.wms_returns import ParcelBack, returned
from sandbox.wms_troubles import Trouble, TroubleKind, Troubles, shortfall, taken_off

API_KEY = "sandbox-wms-key"
WEBHOOK_SECRET = "sandbox-wms-webhook-secret"
WEBHOOK_PATH = "/webhooks/wms/main"
PICKING, SHIPPED, CANCELLED, SHORT = "picking", "shipped", "cancelled", "short"


class WmsTwin:
    def __init__(self, sandbox: Sandbox, webhooks: WebhookSender) -> None:
        self._sandbox = sandbox
        self._webhooks = webhooks
        self._releases = sandbox.shelf.collection("wms_releases")
        self._receipts = sandbox.shelf.collection("wms_receipts")
        self.shelf = GoodsShelf(sandbox.shelf.collection("wms_stock"))
        self.troubles = Troubles(sandbox.options.scenario.warehouse)

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "rest",
            "base_url": self._sandbox.options.base_url,
            "credentials": {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET},
        }

    def credentials(self) -> dict[str, str]:
        base = self._sandbox.options.base_url
        return {"base_url": f"{base}/wms/v1", "api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}

    def routes(self) -> list[Route]:
        def route(path: str, method: str, name: str, handler: Handler) -> Route:
            operation = self._sandbox.operation(
                f"wms.{name}",
                with_api_key(API_KEY, handler),
                throttled=throttled,
                declined=lambda _: refusal(422, "node_closed", "This node takes no releases today.", "node"),
            )
            return Route(f"/wms/v1{path}", operation, methods=[method])

        # A fulfilment id may hold slashes, so the longer paths come first.
        return [
            route("/stock", "GET", "stock", self._stock),
            route("/releases", "POST", "release", self._release),
            route("/releases/{fulfilment_id:path}/cancel", "POST", "cancel", self._cancel),
            route("/releases/{fulfilment_id:path}/shipments", "GET", "shipments", self._shipments),
            route("/releases/{fulfilment_id:path}", "GET", "find_release", self._find),
        ]

    def resume(self) -> None:
        """Go on with the releases that were being picked when the sandbox stopped. Needs a running event loop."""
        for release in self._releases.values():
            if release["status"] == PICKING:
                self.go_on(release["fulfilment_id"])

    def go_on(self, fulfilment_id: str) -> None:
        """Pick what is left of a release in today's time, whatever time it was to be picked in."""
        self._sandbox.spawn(self._pick(fulfilment_id))

    async def _release(self, request: Request) -> Response:
        release = await read(request, Release)
        known = self._releases.get(release.fulfilment_id)
        if known and known["status"] == CANCELLED:
            raise Refused("cancelled", "fulfilment_id", "This release has been cancelled.", 409)
        if known:
            raise Refused("duplicate_release", "fulfilment_id", "This release is here already.", 409)
        release.ship_to.check()
        trouble = self.troubles.meets(release.order_reference, release.node, {pick.item for pick in release.picks})
        if trouble and trouble.kind is TroubleKind.REJECTED:
            self._record("release_rejected", release.order_reference, release.fulfilment_id, node=release.node)
            raise Refused("node_closed", "node", f"{release.node} takes no releases today.")
        self._releases.put(release.fulfilment_id, _accepted(release, trouble))
        self._record("released", release.order_reference, release.fulfilment_id, node=release.node)
        self.go_on(release.fulfilment_id)
        return JSONResponse({"fulfilment_id": release.fulfilment_id, "status": PICKING}, 202)

    async def _stock(self, _: Request) -> Response:
        picking = [release for release in self._releases.values() if release["status"] == PICKING]
        assigned = [
            (release["node"], piece)
            for release in picking
            for parcel in release["parcels"][len(release["shipments"]) :]
            for piece in parcel
        ]
        return JSONResponse({"levels": self.shelf.levels(assigned)})

    async def _find(self, request: Request) -> Response:
        release = self._known(request)
        return JSONResponse({"fulfilment_id": release["fulfilment_id"], "status": release["status"]})

    async def _shipments(self, request: Request) -> Response:
        return JSONResponse({"shipments": self._known(request)["shipments"]})

    async def _cancel(self, request: Request) -> Response:
        fulfilment_id = request.path_params["fulfilment_id"]
        release = self._releases.get(fulfilment_id) or _unheard_of(fulfilment_id)
        if release["status"] == SHIPPED:
            return JSONResponse({"confirmed": False, "reason": f"{release['shipments'][-1]['shipment_id']} has left"})
        if release["status"] == PICKING:
            self._record("release_cancelled", release["order_reference"], fulfilment_id)
        release["status"] = CANCELLED
        self._releases.put(fulfilment_id, release)
        return JSONResponse({"confirmed": True, "reason": ""})

    def come_back(self, parcel: ParcelBack) -> dict[str, Any]:
        """A buyer's parcel arrives, is inspected, and reported; what it does not say, it has of the order's release."""
        released = [each for each in self._releases.values() if each.get("order_reference") == parcel.order_reference]
        report = returned(parcel, released)
        receipt = report["receipt"]
        key = parcel.order_reference or receipt["receipt_id"]
        if receipt["receipt_id"] not in self._receipts:
            self._receipts.put(receipt["receipt_id"], receipt["node"])
            resold = [piece for piece in receipt["items"] if piece["condition"] == "resell"]
            self.shelf.move(receipt["node"], resold, 1)
        told = {"receipt_id": receipt["receipt_id"], "rma": parcel.rma, "goods": _counted(receipt["items"])}
        self._sandbox.ledger.record("wms", "parcel_returned", key, **told)
        body = json.dumps(report).encode()
        headers = signed(body, f"return-{receipt['receipt_id']}", report["correlation_id"])
        copies = 2 if chance(f"doubled/{receipt['receipt_id']}", 5) else 1
        self._webhooks.send(WEBHOOK_PATH, body, headers, key=key, copies=copies)
        return report

    def _known(self, request: Request) -> dict[str, Any]:
        release: dict[str, Any] | None = self._releases.get(request.path_params["fulfilment_id"])
        if release is None:
            raise Refused("unknown_release", "fulfilment_id", "There is no such release.", 404)
        return release

    async def _pick(self, fulfilment_id: str) -> None:
        """Pack one parcel after the other, until all have left or the release is cancelled."""
        while (release := self._releases.get(fulfilment_id)) and release["status"] == PICKING:
            if release["silent"]:
                return
            await asyncio.sleep(self._sandbox.options.ship_delay)
            if release["status"] == PICKING and release["short"]:
                self._fall_short(release)
            if release["status"] == PICKING:
                self._ship_next(release)

    def _fall_short(self, release: dict[str, Any]) -> None:
        """Picking finds fewer on the shelf than the books say."""
        trouble = Trouble.model_validate(release["short"])
        release["short"] = None
        release["parcels"], missing = taken_off(release["parcels"], trouble)
        if not release["parcels"]:
            release["status"] = SHORT
        self._releases.put(release["fulfilment_id"], release)
        self.shelf.move(release["node"], missing, -1)
        self._record("short_pick", release["order_reference"], release["fulfilment_id"], picks=missing)
        report = shortfall(release, missing, datetime.now(UTC).isoformat())
        self._report(release, "shortfall", report, report["report_id"])

    def _ship_next(self, release: dict[str, Any]) -> None:
        number = len(release["shipments"]) + 1
        shipment = _shipment(release, number)
        release["shipments"].append(shipment)
        if number == len(release["parcels"]):
            release["status"] = SHIPPED
        self._releases.put(release["fulfilment_id"], release)
        self.shelf.move(release["node"], shipment["picks"], -1)
        self._record(
            "parcel_shipped",
            release["order_reference"],
            release["fulfilment_id"],
            shipment_id=shipment["shipment_id"],
            goods=_counted(shipment["picks"]),
        )
        self._report(release, "shipment", shipment, shipment["shipment_id"])

    def _record(self, effect: str, order_reference: str, fulfilment_id: str, **detail: Any) -> None:
        self._sandbox.ledger.record("wms", effect, order_reference, fulfilment_id=fulfilment_id, **detail)

    def _report(self, release: dict[str, Any], event: str, told: dict[str, Any], told_id: str) -> None:
        named = {name: release[name] for name in ("fulfilment_id", "reply_to", "order_reference", "correlation_id")}
        body = json.dumps({"event": event, **named, event: told}).encode()
        headers = signed(body, f"report-{told_id}", release["correlation_id"])
        copies = 2 if chance(f"doubled/{told_id}", 5) else 1
        self._webhooks.send(WEBHOOK_PATH, body, headers, key=release["order_reference"], copies=copies)


def signed(body: bytes, delivery: str, correlation_id: str) -> dict[str, str]:
    """The headers of a report."""
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Wms-Signature": f"sha256={signature}",
        "X-Wms-Delivery": delivery,
        "X-Correlation-Id": correlation_id,
    }


def _accepted(release: Release, trouble: Trouble | None) -> dict[str, Any]:
    kind = trouble.kind if trouble else None
    return {
        **release.model_dump(mode="json", exclude={"ship_to", "picks"}),
        "status": PICKING,
        "parcels": parcels(release.fulfilment_id, release.picks),
        "shipments": [],
        "silent": kind is TroubleKind.SILENT,
        "short": trouble.model_dump(mode="json") if trouble and kind is TroubleKind.SHORT_PICK else None,
    }


def _unheard_of(fulfilment_id: str) -> dict[str, Any]:
    """Remembered, so that the release is refused should it come after its cancellation."""
    return {"fulfilment_id": fulfilment_id, "status": "unheard_of", "shipments": []}


def _shipment(release: dict[str, Any], number: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"{release['fulfilment_id']}/{number}".encode()).hexdigest()
    return {
        "shipment_id": f"P-{digest[:12]}-{number}",
        "fulfilment_id": release["fulfilment_id"],
        "node": release["node"],
        "carrier": "DHL",
        "tracking_number": f"00340{int(digest[12:27], 16) % 10**15:015}",
        "shipped_at": datetime.now(UTC).isoformat(),
        "picks": release["parcels"][number - 1],
    }


def _counted(pieces: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Item -> units."""
    units: Counter[str] = Counter()
    for piece in pieces:
        units[piece["item"]] += piece["quantity"]
    return dict(units)
