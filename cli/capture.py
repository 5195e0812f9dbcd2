"""Files into the running stack: orders and settlement documents, through the inbox like everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

from activities.settlement import PostedSettlement
from capture.deliveries import SETTLEMENT_TOPIC, settlement_workflow_id
from cli.deployment import Deployment
from cli.output import fail
from cli.parsing import unreadable
from connectors.errors import SchemaDrift
from connectors.providers import FORMATS
from connectors.settlement_files import prove
from store import documents, inbox
from store.database import Database
from store.inbox import NewEvent
from workflows.settlement import SettlementWorkflow

PATIENCE = 30.0
"""Seconds to wait for the relay; it needs the gateway, which runs it."""


async def ingest(deployment: Deployment, channel: str, account: str, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Keep each file as a raw event, and then wait for what becomes of them."""
    async with deployment.database() as database:
        kept = [await _keep_file(database, channel, account, path) for path in files]
        return [
            {"file": str(path), **(await _outcome(database, known) if isinstance(known, int) else known)}
            for path, known in zip(files, kept, strict=True)
        ]


async def settle(deployment: Deployment, channel: str | None, account: str, path: Path) -> PostedSettlement:
    """Post a settlement file; the channel is found by the format that understands it when it is not named."""
    try:
        file = path.open("rb")
    except OSError as error:
        fail(f"cannot read {path}: {error}")
    async with deployment.database() as database:
        with file:
            digest = (await asyncio.to_thread(file_digest, file, "sha256")).hexdigest()
            kept = _event(channel or _channel_of(file), account, SETTLEMENT_TOPIC, digest)
            event_id = await _keep(database, kept, file)
        await _outcome(database, event_id)
        async with database.session() as session:
            event = await inbox.get(session, event_id)
    assert event is not None
    client = await deployment.temporal()
    return await client.get_workflow_handle_for(SettlementWorkflow.run, settlement_workflow_id(event)).result()


def _channel_of(file: BinaryIO) -> str:
    """The one channel whose format understands the document, or at least knows it for one of its own."""
    reasons = {}
    for name, channel_format in FORMATS.items():
        try:
            prove(channel_format.read_settlement(file, "file"))
        except SchemaDrift as drift:
            reasons[name] = drift
        else:
            return name
    own = [name for name, drift in reasons.items() if drift.reason not in ("not_a_settlement", "not_json")]
    if len(own) != 1:
        whys = "; ".join(f"{name}: {why}" for name, why in reasons.items())
        fail(f"no channel understands this settlement file: {whys}")
    return own[0]


async def _keep_file(database: Database, channel: str, account: str, path: Path) -> int | dict[str, Any]:
    """The event that the file is kept as, or why it is not."""
    try:
        body = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        refusal = unreadable(path, error)
        return {
            "event": None,
            "status": "unreadable",
            "outcome": "not kept",
            "refusals": [refusal.model_dump(mode="json")],
        }
    event = _event(channel, account, "order", sha256(body).hexdigest())
    return await _keep(database, event.model_copy(update={"body": body}))


def _event(channel: str, account: str, topic: str, digest: str) -> NewEvent:
    """Without its body. The same content is the same delivery."""
    delivery_id = f"{topic}:{digest}"
    return NewEvent(channel=channel, account=account, source="file", topic=topic, delivery_id=delivery_id, body=b"")


async def _keep(database: Database, event: NewEvent, document: BinaryIO | None = None) -> int:
    """Keep it as a new event, whose body is the document; what was kept before is put back to be delivered again."""
    async with database.session() as session:
        kept = await (documents.keep(session, event, document) if document else inbox.keep(session, event))
        if kept is not None:
            return kept
        known = await inbox.id_of(session, event.channel, event.account, event.source, event.delivery_id)
        assert known is not None
        await inbox.replay(session, known)
        return known


async def _outcome(database: Database, event_id: int) -> dict[str, Any]:
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                async with database.session() as session:
                    event = await inbox.get(session, event_id)
                if event and event.status != "received":
                    return {
                        "event": event_id,
                        "status": event.status,
                        "outcome": event.outcome,
                        "refusals": event.refusals,
                    }
                await database.wait_for_work(0.2)
    except TimeoutError:
        fail(f"event {event_id} is kept, but nothing has delivered it for {PATIENCE:.0f} s: is the gateway up?")
