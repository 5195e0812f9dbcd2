"""What the commands about settlements do."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

from cli.deployment import Deployment
from cli.output import fail
from cli.xlsx import Sheet
from connectors.providers import FORMATS
from models.base import Model
from models.settlement import SettlementKey, SettlementResult
from models.settlement_books import Group, WriteOff
from models.settlement_rules import RulesError, RuleSet
from models.settlement_words import Told
from store import bank_views, settlement_rules, settlement_views
from store import month_end as months
from store.settlement_views import EXPORTED, Summary
from workflows import policy
from workflows.settlement import SettlementRepost, SettlementWriteOff

PERIOD_CLOSED = "period_closed"
"""Code of what an ERP refuses because of the day that it is dated."""
Result = TypeVar("Result")


class OpenFinding(Model):
    order_key: str
    fault: str
    component: str
    amount: str


class Shown(Model):
    summary: Summary
    groups: tuple[Group, ...]
    open: tuple[Told, ...]
    findings: tuple[OpenFinding, ...]
    bank: str = ""
    """Where its payout is: arrived, or not seen at the bank."""


async def listed(deployment: Deployment, channel: str | None, account: str | None, limit: int) -> list[Summary]:
    async with deployment.database() as database, database.session() as session:
        return await settlement_views.find(session, channel=channel, account=account, limit=limit)


async def shown(deployment: Deployment, key: SettlementKey) -> Shown:
    async with deployment.database() as database, database.session() as session:
        summary = await _summary(session, key)
        found = await settlement_views.findings(session, key)
        return Shown(
            summary=summary,
            groups=tuple(await settlement_views.groups(session, summary)),
            open=tuple(await settlement_views.open_lines(session, key)),
            findings=tuple(
                OpenFinding(
                    order_key=row.order_key,
                    fault=row.fault,
                    component=row.component,
                    amount=f"{row.amount} {row.currency}",
                )
                for row in found
            ),
            bank=await bank_views.words(session, key),
        )


async def why(deployment: Deployment, key: SettlementKey, number: int) -> list[str]:
    async with deployment.database() as database, database.session() as session:
        found = await settlement_views.why(session, key, number)
    if found is None:
        fail(f"there is no line {number} in settlement {key}: `settlements list` shows those there are")
    return found


async def export(deployment: Deployment, key: SettlementKey, path: Path, *, xlsx: bool) -> int:
    """The number of lines that were written."""
    async with deployment.database() as database, database.session() as session:
        await _summary(session, key)
        if xlsx:
            with Sheet(path) as sheet:
                return await _written(session, key, sheet.row)
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            return await _written(session, key, csv.writer(file).writerow)


async def _written(session: AsyncSession, key: SettlementKey, write: Callable[[Sequence[Any]], Any]) -> int:
    write(EXPORTED)
    count = 0
    async for row in settlement_views.export(session, key):
        write([f"{cell:f}" if isinstance(cell, Decimal) and not cell else cell for cell in row])
        count += 1
    return count


async def month_end(deployment: Deployment, month: datetime) -> list[months.Month]:
    async with deployment.database() as database, database.session() as session:
        return await months.report(session, month)


async def rules(deployment: Deployment, channel: str | None) -> list[RuleSet]:
    if channel is not None and channel not in FORMATS:
        fail(f"no channel {channel!r}: use one of {', '.join(sorted(FORMATS))}", 2)
    async with deployment.database() as database, database.session() as session:
        return [
            await settlement_rules.in_force(session, FORMATS[name].settlement_rules)
            for name in sorted(FORMATS)
            if channel in (None, name)
        ]


async def apply_rules(deployment: Deployment, rules: RuleSet, actor: str) -> None:
    async with deployment.database() as database, database.session() as session:
        try:
            await settlement_rules.apply(session, rules, FORMATS[rules.channel].settlement_rules, actor)
        except RulesError as error:
            fail(f"{rules.channel}: {error}")


async def repost(deployment: Deployment, key: SettlementKey) -> SettlementResult:
    async with deployment.database() as database, database.session() as session:
        await _summary(session, key)
    client = await deployment.temporal()
    asked = client.execute_workflow(
        SettlementRepost.run, key, id=f"settlement-repost/{key}", task_queue=policy.SETTLEMENT_QUEUE
    )
    running = f"settlement {key} is being reposted already: wait for that, `settlements show {key}` has its status"
    return await _or_why_not(asked, f"settlement {key} is not reposted", "repost", running)


async def write_off(deployment: Deployment, off: WriteOff) -> None:
    async with deployment.database() as database, database.session() as session:
        await _summary(session, off.key)
    client = await deployment.temporal()
    line, explain = f"line {off.number} of {off.key}", f"`settlements explain {off.key}#{off.number}`"
    running = f"{line} is being written off already: wait for that, {explain} says when it is done"
    if not await _or_why_not(given_up(client, off), f"{line} stays open", "write it off", running):
        fail(f"{line} has no open residual: {explain} says what it is")


async def _or_why_not(asked: Awaitable[Result], stays: str, again: str, running: str) -> Result:
    """What a workflow answers; what keeps it from that is told to the person who asked, with the remedy."""
    try:
        return await asked
    except WorkflowAlreadyStartedError:
        fail(running)
    except WorkflowFailureError as error:
        cause = error.cause.cause if isinstance(error.cause, ActivityError) else error.cause
        if not isinstance(cause, ApplicationError):
            # What it had done by then stands; the same again goes on from there.
            fail(f"the workflow was ended before it was done: {cause}; {again} again")
        remedy = "reopen the period" if PERIOD_CLOSED in cause.details else "correct it there"
        fail(f"{stays}, the books refuse it: {cause.message}; {remedy}, then {again}")


async def given_up(client: Client, off: WriteOff) -> bool:
    """False when nothing of the line is open. Raises `WorkflowFailureError` when the books refuse it."""
    return await client.execute_workflow(
        SettlementWriteOff.run,
        off,
        id=f"settlement-write-off/{off.key}#{off.number}",
        task_queue=policy.SETTLEMENT_QUEUE,
    )


async def _summary(session: AsyncSession, key: SettlementKey) -> Summary:
    found = await settlement_views.get(session, key)
    if found is None:
        fail(f"there is no settlement {key}: `settlements list` shows those there are")
    return found
