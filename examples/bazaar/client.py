"""The calling half, for one account. Bazaar knows no idempotency keys: what is repeated is looked up first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import httpx

from connectors.errors import Declined, Failure, SchemaDrift
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.ports import OrderPage, PolledOrder, ReturnPage, SettlementRef
from connectors.registry import ChannelConnection
from examples.bazaar.format import CHANNEL, BazaarFormat, moment
from examples.bazaar.vocabulary import VOCABULARY
from models import channel as asked
from models.channel import ChannelHealth, Progress, Rejected, ReturnAction
from models.fulfilment import ConfirmedParcel
from models.money import minor_unit

READ, WRITE = "bazaar.read", "bazaar.write"
QUOTAS = {READ: (10.0, 20), WRITE: (5.0, 20)}
"""Calls a second and burst, from Bazaar's contract."""
SHARE = 0.95
"""Of a quota that we use: calls do not arrive exactly as far apart as they are sent."""
FIRST_DAYS = 30
VERDICTS = {ReturnAction.ACCEPT: ("YES", "GRANTED"), ReturnAction.REFUSE: ("NO", "REJECTED")}
"""Decision -> Bazaar's word for it, and the claim's status after it. What follows Bazaar does itself."""
JOB = timedelta(seconds=5)
Json = dict[str, Any]


class Key(httpx.Auth):
    def __init__(self, connection: ChannelConnection) -> None:
        self._connection = connection

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The secret is read for each call, so that it can be renewed in its file."""
        request.headers["X-Bazaar-Key"] = self._connection.secret("key")
        yield request


class BazaarChannel:
    name = CHANNEL

    def __init__(
        self, connection: ChannelConnection, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.account = connection.account
        self._connection = connection
        self._clock = clock
        self._limiter = RateLimiter(QUOTAS, scale=connection.quota_scale * SHARE)
        self._client = VendorClient(CHANNEL, connection.base_url, auth=Key(connection), limiter=self._limiter)

    async def aclose(self) -> None:
        await self._client.aclose()

    def cursor_from(self, moment: datetime) -> str:
        return f"from={int(moment.timestamp() * 1000)}"

    async def poll(self, cursor: str | None) -> OrderPage:
        rows, following, more = await self._page("/purchases", "purchase", cursor)
        return OrderPage(orders=rows, cursor=following, more=more)

    async def order(self, external_id: str) -> bytes:
        return json.dumps(await self._read(f"/purchases/{external_id}")).encode()

    async def acknowledge(self, request: asked.Acknowledgement, *, retry: bool) -> Progress:
        await self._write(f"/purchases/{request.order_key.external_id}/accept", {}, request.correlation_id)
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        path = f"/purchases/{parcel.order_key.external_id}"
        if retry and _refers(await self._read(path), "packages", parcel.shipment_id):
            return
        body = {
            "ref": parcel.shipment_id,
            "courier": VOCABULARY.carriers.get(re.sub("[^a-z0-9]", "", parcel.carrier.lower()), parcel.carrier),
            "tracking": parcel.tracking,
            "at": int(parcel.shipped_at.timestamp() * 1000),
            "units": _units(parcel.units),
        }
        await self._write(f"{path}/packages", body, parcel.correlation_id)

    async def cancel(self, request: asked.Cancellation, *, retry: bool) -> Progress:
        """Bazaar voids by a job, which may fail: what counts is its end. Asked again, it is the same job."""
        body = {
            "ref": request.request_id,
            "purchase": request.order_key.external_id,
            "units": _units(request.units),
            "why": VOCABULARY.cancel_reasons[request.reason],
        }
        job = await self._write("/void-jobs", body, request.correlation_id)
        return Progress(operation=job["job"], look_again=JOB)

    async def follow(self, operation: str) -> Progress:
        job = await self._read(f"/void-jobs/{operation}")
        if job["status"] == "FAILED":
            raise Declined(f"bazaar: void job {operation}: {job['text']}", code=str(job["fault"]).lower())
        return Progress() if job["status"] == "DONE" else Progress(operation=operation, look_again=JOB)

    async def refund(self, request: asked.RefundRequest, *, retry: bool) -> Progress:
        path = f"/purchases/{request.order_key.external_id}"
        if retry and _refers(await self._read(path), "paybacks", request.request_id):
            return Progress()
        cents = int(request.total.amount / minor_unit(request.total.currency))
        body = {"ref": request.request_id, "amount": cents, "why": VOCABULARY.refund_reasons[request.reason]}
        await self._write(f"{path}/paybacks", body, request.correlation_id)
        return Progress()

    async def returns(self, cursor: str | None) -> ReturnPage:
        rows, following, more = await self._page("/claims", "claim", cursor)
        return ReturnPage(returns=rows, cursor=following, more=more)

    async def decide_return(self, decision: asked.ReturnDecision, *, retry: bool) -> Progress:
        if decision.action not in VERDICTS:
            raise Declined(f"bazaar does itself what follows a verdict: {decision.action}", code="unsupported")
        verdict, after = VERDICTS[decision.action]
        path = f"/claims/{decision.return_id}"
        if not retry or (await self._read(path))["status"] != after:
            await self._write(f"{path}/verdict", {"verdict": verdict}, decision.correlation_id)
        return Progress()

    async def set_stock(self, update: asked.StockUpdate, *, retry: bool) -> Progress:
        levels = {each.sku: each.quantity for each in update.quantities}
        answer = await self._write("/stock", {"levels": levels}, update.correlation_id)
        refused = (Rejected(key=sku, code=why.lower(), message=why) for sku, why in answer["refused"].items())
        return Progress(rejected=tuple(refused))

    def health(self) -> ChannelHealth:
        expires = self._connection.credential_expires
        quotas = self._limiter.levels()
        return ChannelHealth(api_version=BazaarFormat.api_version, credential_expires=expires, quotas=quotas)

    async def settlements(self) -> list[SettlementRef]:
        names = (await self._read("/statements"))["statements"]
        return [SettlementRef(settlement_id=name, document_id=name) for name in names]

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        """Bazaar's statements are short; a channel whose are not has them written by `VendorClient.download`."""
        into.write(json.dumps(await self._read(f"/statements/{ref.document_id}")).encode())

    async def _page(self, path: str, named: str, cursor: str | None) -> tuple[tuple[PolledOrder, ...], str, bool]:
        """Bazaar's page tokens never end: the last page's token is where the next poll goes on."""
        name, _, value = (cursor or self._start()).partition("=")
        page = await self._read(path, {name: value, "limit": str(self._connection.options.get("page_size", 100))})
        rows = (
            PolledOrder(external_id=row[named], version=moment(row["changed"]), body=json.dumps(row).encode())
            for row in page["rows"]
        )
        return tuple(rows), f"page={page['page']}", bool(page["more"])

    def _start(self) -> str:
        start = self._connection.options.get("start")
        return self.cursor_from(datetime.fromisoformat(start) if start else self._clock() - timedelta(days=FIRST_DAYS))

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return _answer(await self._client.send(READ, "GET", path, params=params), path)

    async def _write(self, path: str, body: Json, correlation_id: str) -> Json:
        response = await self._client.send(WRITE, "POST", path, json=body, correlation_id=correlation_id, writes=True)
        return _answer(response, path)


def _answer(response: httpx.Response, path: str) -> Json:
    """Bazaar's document. Raises `Declined` with its fault; `SchemaDrift` for what is no document."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SchemaDrift("not_an_object", path, response.content[:60], "Is there a proxy in between?")
    if response.is_success:
        return document
    fault = str(document.get("fault") or f"http_{response.status_code}")
    if VOCABULARY.failures.get(fault) is Failure.ALREADY_DONE:
        return document
    raise Declined(f"bazaar {path}: {fault}: {document.get('text')}", code=fault.lower())


def _refers(purchase: Json, name: str, ref: str) -> bool:
    return any(each["ref"] == ref for each in purchase[name])


def _units(units: Mapping[str, int]) -> list[Json]:
    return [{"item": item, "count": count} for item, count in units.items()]
