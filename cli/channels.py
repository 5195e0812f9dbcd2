"""The channels: where each account stands, whether a connection works, and whether we know what the channel knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import typer
from temporalio.client import Client

from activities.channel import ChannelAccount
from cli.channel_check import Step
from cli.channel_check import check as check_connection
from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, rows
from connectors.registry import ChannelConnection
from models.audit import AuditReport
from store import causes, channel_status, channel_stock
from store.channel_status import AccountStatus
from workflows import policy
from workflows.channel_audit import AuditRequest, ChannelAudit

app = typer.Typer(no_args_is_help=True, help="The channels: status, check, audit, stock.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Channel = Annotated[str | None, typer.Option(help="Only this channel.")]
Account = Annotated[str | None, typer.Option(help="Only this account.")]


@app.command()
def status(channel: Channel = None, json_output: AsJson = False) -> None:
    """API version and its end, credentials, quota left, last success, lag, drift, for each account."""
    deployment = find()
    found, drift = asyncio.run(_status(deployment, channel))
    connected = {(c.provider, c.account): c for c in deployment.connections.channels if channel in (None, c.provider)}
    known = {(each.channel, each.account): each for each in found}
    unheard = {key: AccountStatus(channel=key[0], account=key[1]) for key in connected.keys() - known.keys()}
    told = [_told(each, connected.get(key), drift) for key, each in sorted({**known, **unheard}.items())]
    if json_output:
        as_json(told)
        return
    columns = (
        "channel",
        "account",
        "sells for",
        "API",
        "ends",
        "credential",
        "quota left",
        "last success",
        "lag",
        "waiting",
        "dead",
    )
    rows("Channels", (*columns, "drift", "last failure"), [_line(each) for each in told])
    names = ("channel", "api_version", "kind", "path", "value", "count", "last_event")
    lines = [tuple(row[name] for name in names) for row in _flat(told)]
    if lines:
        rows("Schema drift", ("channel", "version", "what", "path", "value", "seen", "last event"), lines)


@app.command()
def check(
    channel: Annotated[str, typer.Argument(help="The channel's name.")],
    account: Annotated[str | None, typer.Argument(help="All accounts of the channel when not given.")] = None,
    json_output: AsJson = False,
) -> None:
    """Test a connection end to end before it goes live: sign in, read, understand. Exit code 1 when a step fails."""
    chosen = _chosen(find(), channel, account)
    done = [(connection, asyncio.run(check_connection(connection))) for connection in chosen]
    if json_output:
        as_json([_checked(connection, steps) for connection, steps in done])
    for connection, steps in () if json_output else done:
        lines = [(step.name, "ok" if step.ok else "FAILED", step.told) for step in steps]
        rows(f"{connection.provider}/{connection.account}", ("step", "", "found"), lines)
    raise typer.Exit(0 if all(step.ok for _, steps in done for step in steps) else 1)


@app.command()
def audit(
    channel: Channel = None,
    account: Account = None,
    hours: Annotated[int | None, typer.Option(min=1, help="How far back; the account's policy when not given.")] = None,
    grace_seconds: Annotated[
        int, typer.Option(min=0, help="Orders that changed so recently are on their way, and left alone.")
    ] = int(policy.IN_FLIGHT.total_seconds()),
    json_output: AsJson = False,
) -> None:
    """Compare what the channel says with the registry now, and repair. Exit code 1 when something differs."""
    deployment = find()
    chosen = _chosen(deployment, channel, account)

    async def work() -> list[AuditReport]:
        return await audited(await deployment.temporal(), chosen, hours, timedelta(seconds=grace_seconds))

    reports = asyncio.run(work())
    if json_output:
        as_json([report.model_dump(mode="json") for report in reports])
    else:
        print_audits(reports)
    raise typer.Exit(1 if any(report.findings for report in reports) else 0)


@app.command()
def stock(
    channel: Channel = None,
    problems: Annotated[bool, typer.Option(help="Only what was refused.")] = False,
    json_output: AsJson = False,
) -> None:
    """What each channel was last told to sell, and what it refused."""

    async def work() -> list[dict[str, Any]]:
        async with find().database() as database, database.session() as session:
            found = await channel_stock.find(session, channel, problems_only=problems)
            return [row.model_dump(mode="json") for row in found]

    told = asyncio.run(work())
    if json_output:
        as_json(told)
    else:
        columns = ("channel", "account", "sku", "quantity", "told_at", "problem")
        rows("Stock as the channels know it", columns, [tuple(row[name] for name in columns) for row in told])


@app.command()
def resume(
    connection: Annotated[str, typer.Argument(help="CHANNEL/ACCOUNT")],
    note: Annotated[str, typer.Option(help="What was put right; recorded.")] = "the connection works again",
) -> None:
    """Say that a connection works again: every order that waits for it is tried again."""
    channel, _, account = connection.partition("/")
    _chosen(find(), channel, account or None)

    async def work() -> int:
        async with find().database() as database, database.session() as session:
            return await causes.gone(session, f"connection:{connection}", note)

    console.print(f"{connection}: {asyncio.run(work())} waiting orders are tried again")


def print_audits(reports: list[AuditReport]) -> None:
    rows(
        "Channel audit",
        ("channel", "account", "since", "seen", "agreed", "in flight", "missing", "behind", "differs", "refused"),
        [
            (r.channel, r.account, f"{r.since:%m-%d %H:%M}", r.seen, r.agreed, r.in_flight, *_verdicts(r))
            for r in reports
        ],
    )
    found = [(f.order_key, f.verdict, f.subject, f.channel, f.ours) for r in reports for f in r.findings]
    if found:
        rows("Findings", ("order", "verdict", "about", "the channel says", "we say"), found)


def _verdicts(report: AuditReport) -> tuple[int, ...]:
    words = ("missing", "behind", "differs", "refused")
    return tuple(sum(finding.verdict.value == word for finding in report.findings) for word in words)


async def _status(deployment: Deployment, channel: str | None) -> tuple[list[AccountStatus], list[dict[str, Any]]]:
    async with deployment.database() as database, database.session() as session:
        found = await channel_status.accounts(session)
        drift = [row.model_dump(mode="json") for row in await channel_status.drift(session, channel)]
    return [each for each in found if channel in (None, each.channel)], drift


async def audited(
    client: Client, connections: Iterable[ChannelConnection], hours: int | None, grace: timedelta
) -> list[AuditReport]:
    """Audit several accounts side by side; `hours` None: as far back as each account's policy says."""
    return list(
        await asyncio.gather(
            *(
                client.execute_workflow(
                    ChannelAudit.run,
                    AuditRequest(
                        account=ChannelAccount(channel=c.provider, account=c.account),
                        hours=hours or c.policies.audit_hours,
                        grace=grace,
                    ),
                    id=f"audit/{c.provider}/{c.account}/{uuid4()}",
                    task_queue=policy.channel_queue(c.provider),
                    static_summary=f"Audit of {c.provider}/{c.account}, by hand",
                )
                for c in connections
            )
        )
    )


def _chosen(deployment: Deployment, channel: str | None, account: str | None) -> list[ChannelConnection]:
    chosen = [
        c for c in deployment.connections.channels if channel in (None, c.provider) and account in (None, c.account)
    ]
    if not chosen:
        known = ", ".join(f"{c.provider}/{c.account}" for c in deployment.connections.channels)
        fail(
            f"no connection {channel or '*'}/{account or '*'} in the connections file; there are: {known or 'none'}", 2
        )
    return chosen


def _told(found: AccountStatus, connection: ChannelConnection | None, drift: list[dict[str, Any]]) -> dict[str, Any]:
    lag = datetime.now(UTC) - found.last_success_at if found.last_success_at else None
    return {
        **found.model_dump(mode="json"),
        "legal_entity": connection.legal_entity if connection else "",
        "currency": connection.currency if connection else None,
        "region": connection.region if connection else "",
        "connected": connection is not None,
        "lag_seconds": round(lag / timedelta(seconds=1), 1) if lag is not None else None,
        "drift": [row for row in drift if row["channel"] == found.channel],
    }


def _line(told: dict[str, Any]) -> tuple[Any, ...]:
    scarce = sorted(told["quotas"], key=lambda quota: quota["left"] / quota["burst"])[:1]
    return (
        told["channel"],
        told["account"],
        ", ".join(word for word in (told["legal_entity"], told["region"], told["currency"]) if word),
        told["api_version"],
        told["sunset"] or "",
        (told["credential_expires"] or "")[:10],
        "".join(f"{q['left']:.0f}/{q['burst']} {q['operation'].split('.')[-1]}" for q in scarce),
        (told["last_success_at"] or "never")[:19],
        f"{told['lag_seconds']:.0f} s" if told["lag_seconds"] is not None else "",
        told["waiting"],
        told["dead"],
        sum(row["count"] for row in told["drift"]),
        (told["last_failure"] or "")[:60],
    )


def _flat(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drift is counted by channel: accounts of one channel share it."""
    by_channel = {each["channel"]: each["drift"] for each in told}
    return [row for drift in by_channel.values() for row in drift]


def _checked(connection: ChannelConnection, steps: list[Step]) -> dict[str, Any]:
    return {
        "channel": connection.provider,
        "account": connection.account,
        "ok": all(step.ok for step in steps),
        "steps": [{"step": step.name, "ok": step.ok, "found": step.told} for step in steps],
    }
