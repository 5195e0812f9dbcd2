"""The commands for payloads that could not be understood: look at them, mend them, deliver or discard them."""

from __future__ import annotations

import asyncio
import io
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, pairs, rows
from store import dead_letters, documents, inbox
from store.dead_letters import Query
from store.tables import InboxEvent

app = typer.Typer(no_args_is_help=True, help="Payloads that could not be understood.")

Ids = Annotated[list[int] | None, typer.Argument(help="Event numbers.")]
Channel = Annotated[str | None, typer.Option(help="Of this channel only.")]
Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Refusal = Annotated[str | None, typer.Option("--refusal", "--reason", help="Refused for this, e.g. totals_differ")]
Since = Annotated[datetime | None, typer.Option(help="Received at that moment (UTC) or later.")]
Everything = Annotated[bool, typer.Option("--all", help="All that `dead-letters list` shows.")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded with the decision.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_command(
    channel: Channel = None,
    account: Account = None,
    reason: Refusal = None,
    since: Since = None,
    discarded: Annotated[bool, typer.Option(help="Those that were discarded, instead.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 200,
    json_output: AsJson = False,
) -> None:
    """Payloads that were refused, with path, value and remedy; newest first."""
    found = asyncio.run(_listed(find(), _query(channel, account, reason, since), discarded, limit))
    if json_output:
        as_json([_summary(event) for event in found])
        return
    lines = [
        (event.id, f"{event.channel}/{event.account}", r["reason"], r["path"], r["value"], r["remedy"])
        for event in found
        for r in event.refusals
    ]
    rows("Dead letters", ("event", "from", "reason", "path", "value", "remedy"), lines)


@app.command("show")
def show_command(
    event_id: Annotated[int, typer.Argument(help="Event number.")],
    payload: Annotated[bool, typer.Option("--payload", help="Print the payload alone, byte by byte.")] = False,
    json_output: AsJson = False,
) -> None:
    """Everything about one event: why it was refused, its payload, headers, attempts and outcome."""
    if payload:
        asyncio.run(_copy(find(), event_id, sys.stdout.buffer))
        sys.stdout.flush()
    elif json_output:
        as_json(asyncio.run(_whole(find(), event_id)))
    else:
        _print(asyncio.run(_whole(find(), event_id)))


@app.command("edit")
def edit_command(
    event_id: Annotated[int, typer.Argument(help="Event number.")],
    file: Annotated[Path, typer.Option(help="The payload as it should be.")],
    actor: Actor,
    json_output: AsJson = False,
) -> None:
    """Deliver a dead letter again from a mended payload; what came is kept beside it."""
    try:
        body = file.read_bytes()
    except OSError as error:
        fail(f"cannot read {file}: {error}", 2)
    if not asyncio.run(_edit(find(), event_id, body, actor)):
        fail(f"event {event_id} is no dead letter: `dead-letters list` shows those there are")
    _say({"edited": event_id, "actor": actor}, f"event {event_id} edited by {actor}, put back", json_output)


@app.command("replay")
def replay_command(
    ids: Ids = None,
    channel: Channel = None,
    account: Account = None,
    reason: Refusal = None,
    since: Since = None,
    everything: Everything = False,
    json_output: AsJson = False,
) -> None:
    """Parse and deliver events again, from the payload that was kept. Exit code 1 when there was none to put back."""
    query = _query(channel, account, reason, since)
    _require_choice("replay", ids, query, everything)
    count = asyncio.run(_replay(find(), ids, query))
    _say({"replayed": count}, f"{count} put back", json_output)
    raise typer.Exit(_code(count, ids))


@app.command("discard")
def discard_command(
    reason: Annotated[str, typer.Option(help="Why they will never be delivered; recorded with them.")],
    actor: Actor,
    ids: Ids = None,
    channel: Channel = None,
    account: Account = None,
    refusal: Annotated[str | None, typer.Option(help="Refused for this, e.g. totals_differ")] = None,
    since: Since = None,
    everything: Everything = False,
    json_output: AsJson = False,
) -> None:
    """Decide that dead letters will not be delivered. They are kept for ever. Exit code 1 when there was none."""
    query = _query(channel, account, refusal, since)
    _require_choice("discard", ids, query, everything)
    discarded = asyncio.run(_discard(find(), ids, query, reason, actor))
    _say({"discarded": discarded}, f"{len(discarded)} discarded", json_output)
    raise typer.Exit(_code(len(discarded), ids))


def _query(channel: str | None, account: str | None, reason: str | None, since: datetime | None) -> Query:
    return Query(channel=channel, account=account, reason=reason, since=since.replace(tzinfo=UTC) if since else None)


def _require_choice(what: str, ids: list[int] | None, query: Query, everything: bool) -> None:
    """Which ones are meant is said in one way: numbers, a query, or all."""
    if sum((bool(ids), not query.is_everything, everything)) == 0:
        fail(f"nothing to {what}: give event numbers, or --all, or say of which channel, account, refusal or time", 2)
    if ids and (everything or not query.is_everything):
        fail("give event numbers, or say which ones are meant, not both", 2)


def _code(done: int, ids: list[int] | None) -> int:
    """A query that means none is no failure; a number that means none is."""
    return 1 if ids and done < len(set(ids)) else 0


async def _listed(deployment: Deployment, query: Query, discarded: bool, limit: int) -> list[InboxEvent]:
    async with deployment.database() as database, database.session() as session:
        return await inbox.dead_letters(session, **query.model_dump(), discarded=discarded, limit=limit)


async def _event(session: AsyncSession, event_id: int) -> InboxEvent:
    event = await inbox.get(session, event_id)
    if event is None:
        fail(f"no event {event_id}: `dead-letters list` shows those there are")
    return event


async def _copy(deployment: Deployment, event_id: int, out: BinaryIO) -> None:
    async with deployment.database() as database, database.session() as session:
        await _event(session, event_id)
        await documents.copy_payload(session, event_id, out)


async def _edit(deployment: Deployment, event_id: int, body: bytes, actor: str) -> bool:
    async with deployment.database() as database, database.session() as session:
        return await dead_letters.edit(session, event_id, body, actor)


async def _replay(deployment: Deployment, ids: list[int] | None, query: Query) -> int:
    async with deployment.database() as database, database.session() as session:
        return await inbox.replay(session, ids or await dead_letters.ids(session, query))


async def _discard(deployment: Deployment, ids: list[int] | None, query: Query, reason: str, actor: str) -> list[int]:
    async with deployment.database() as database, database.session() as session:
        meant = ids or await dead_letters.ids(session, query)
        return await dead_letters.discard(session, meant, reason, actor)


def _say(result: dict[str, Any], words: str, json_output: bool) -> None:
    if json_output:
        as_json(result)
    else:
        console.print(words)


def _summary(event: InboxEvent) -> dict[str, Any]:
    fields = ("id", "channel", "account", "source", "topic", "external_id", "received_at", "attempts", "status")
    return {**{name: getattr(event, name) for name in fields}, "outcome": event.outcome, "refusals": event.refusals}


async def _whole(deployment: Deployment, event_id: int) -> dict[str, Any]:
    fields = ("delivery_id", "version", "correlation_id", "next_attempt_at", "finished_at", "headers", "edited_by")
    payload, raw = io.BytesIO(), io.BytesIO()
    async with deployment.database() as database, database.session() as session:
        event = await _event(session, event_id)
        await documents.copy_payload(session, event_id, payload)
        await documents.copy_raw(session, event_id, raw)
    whole = {**_summary(event), **{name: getattr(event, name) for name in fields}, **_text("payload", payload)}
    return whole if event.edited_body is None else {**whole, **_text("raw_payload", raw)}


def _text(name: str, content: io.BytesIO) -> dict[str, str]:
    """Bytes in JSON: as text where they are text, else in base64 under another name."""
    body = content.getvalue()
    try:
        return {name: body.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(body).decode("ascii")}


def _print(whole: dict[str, Any]) -> None:
    long = ("refusals", "headers", "payload", "payload_base64", "raw_payload", "raw_payload_base64")
    pairs(
        f"Event {whole['id']}", {name: value for name, value in whole.items() if name not in long and value is not None}
    )
    for refusal in whole["refusals"]:
        pairs("Refused", refusal)
    pairs("Headers", whole["headers"])
    for name in long[2:]:
        if name in whole:
            print(f"{name}\n{whole[name]}")
