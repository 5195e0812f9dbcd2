"""The gateway's HTTP application. It verifies, keeps and answers; the relay beside it does the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from capture.away import STORE_AWAY, in_words
from connectors.providers import FORMATS
from connectors.registry import Connections, ConnectionsError
from gateway import metrics
from gateway.keeper import Keeper
from gateway.relaying import Relaying
from gateway.webhooks import Answer, Webhooks
from store.database import Database

log = structlog.get_logger(__name__)

CONNECTIONS = 10
"""To the store. One delivery needs one for some milliseconds."""
RETRY_AFTER = "5"
"""Seconds after which a sender may deliver again what could not be kept."""


def create_app(database_url: str, connections: Connections, temporal_address: str, temporal_namespace: str) -> FastAPI:
    """The application, with a relay that runs as long as it does."""
    database = Database(database_url, pool_size=CONNECTIONS)
    relaying = Relaying(database_url, temporal_address, temporal_namespace)
    keeper = Keeper(database)
    endpoints = Endpoints(database, Webhooks(keeper, connections, FORMATS), relaying)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relaying.start()
        await _warm_up(database, keeper)
        yield
        await relaying.stop()
        await database.aclose()

    app = FastAPI(title="Orderyard gateway", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.post("/webhooks/{channel}/{account}")(endpoints.receive)
    app.get("/health/live")(endpoints.live)
    app.get("/health/ready")(endpoints.ready)
    app.get("/metrics")(endpoints.metrics)
    return app


async def _warm_up(database: Database, keeper: Keeper) -> None:
    """Before the first webhooks come: they would wait until all connections are open and all statements are made."""
    try:
        await asyncio.gather(*(database.ping() for _ in range(CONNECTIONS)))
        await keeper.rehearse()
    except STORE_AWAY as error:
        log.error("the store is away", error=in_words(error))


class Endpoints:
    def __init__(self, database: Database, webhooks: Webhooks, relaying: Relaying) -> None:
        self._database = database
        self._webhooks = webhooks
        self._relaying = relaying

    async def receive(self, channel: str, account: str, request: Request) -> JSONResponse:
        """Verify the raw body, keep it, answer.

        401 unverified, 404 no such connection, 408 too slow, 413 too large, 503 not kept: deliver again.
        """
        try:
            answer = await self._webhooks.receive(channel, account, request.headers, request.stream())
        except ClientDisconnect:
            answer = Answer(400, {"error": "the sender hung up before the end"})
        except ConnectionsError as error:
            log.error("webhook not kept: its secret is missing", channel=channel, account=account, error=str(error))
            answer = Answer(503, {"error": "the account is not configured completely: deliver again"})
        except STORE_AWAY as error:
            log.error("webhook not kept: the store is away", channel=channel, account=account, error=in_words(error))
            answer = Answer(503, {"error": "the store is away: deliver again"})
        headers = {"Retry-After": RETRY_AFTER} if answer.status == 503 else None
        return JSONResponse(answer.body, status_code=answer.status, headers=headers)

    async def live(self) -> JSONResponse:
        """200 while the relay runs; a supervisor restarts what is not alive."""
        alive = self._relaying.alive
        return JSONResponse({"status": "up" if alive else "the relay ended"}, status_code=200 if alive else 503)

    async def ready(self) -> JSONResponse:
        """200 when a webhook would be kept."""
        try:
            await self._database.ping()
        except STORE_AWAY as error:
            log.error("not ready: the store is away", error=in_words(error))
            return JSONResponse({"status": "down", "store": "away"}, status_code=503)
        return JSONResponse({"status": "up", "store": "up"})

    async def metrics(self) -> Response:
        """Figures of this process and, while the store answers, of all orders."""
        try:
            return metrics.exposition(await metrics.of_orders(self._database))
        except STORE_AWAY as error:
            log.error("no figures of orders: the store is away", error=in_words(error))
            return metrics.exposition()
