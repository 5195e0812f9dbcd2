"""Orders of a settlement are matched with its lines, in batches, and told what they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.expected_money import ExpectedMoney
from models.matching import Finding, LineRef, OrderMatch, Verdict, without_order
from models.matching_order import match_order
from models.order import OrderKey
from models.settlement import SettlementKey, SettlementLine
from models.settlement_rules import RuleSet
from store import expected, findings, locks, order_money, settlement_lines
from store.settlement_heads import change, head, lines_of
from store.settlement_lines import booked_of, line_of
from store.tables import OrderRow, SettlementLineRow, SettlementRow

LEFT = ("partially_shipped", "shipped")
"""States of orders whose money may be due."""
MOST_OVERDUE = 1000
"""Findings of one settlement about orders that it does not name."""


async def match_next(session: AsyncSession, key: SettlementKey, rules: RuleSet, limit: int = 200) -> bool:
    """Match and tell the next orders; False when there are none left."""
    row = await head(session, key)
    ids = await _next_orders(session, key, row.matched_to, limit)
    if not ids:
        return False
    answering = await expected.of_orders(session, key.channel, key.account, ids)
    await locks.hold(session, [f"money/{each.order_key}" for each in answering.values()])
    lines = await _lines_by_order(session, key, ids)
    matches = await _matches(session, key, row, answering, lines, rules)
    await _write(session, key, answering, lines, matches)
    told = {answering[name].order_key: list(lines[name]) for name in matches}
    await order_money.tell(session, key, row.revision, row.currency, told)
    await change(session, key, matched_to=ids[-1])
    return True


async def sweep(session: AsyncSession, key: SettlementKey, rules: RuleSet) -> int:
    """Orders of the account whose money was due before this settlement ended, and that no settlement has named:
    findings, the longest overdue first; how many there are."""
    row = await head(session, key)
    as_of = row.ends_at or row.deposited_at
    if as_of is None:
        return 0
    named = select(col(SettlementLineRow.number)).where(col(SettlementLineRow.order_key) == col(OrderRow.order_key))
    overdue = (
        select(col(OrderRow.external_id))
        .where(
            col(OrderRow.channel) == key.channel,
            col(OrderRow.account) == key.account,
            col(OrderRow.state).in_(LEFT),
            col(OrderRow.released_at) < as_of - timedelta(days=rules.window_days),
            ~named.exists(),
        )
        .order_by(col(OrderRow.released_at), col(OrderRow.order_key))
        .limit(MOST_OVERDUE)
    )
    answering = await expected.of_orders(session, key.channel, key.account, list(await session.scalars(overdue)))
    missing = {
        each.order_key: match_order(each, [], [], rules, as_of).findings
        for each in answering.values()
        if each.currency == row.currency
    }
    await findings.sync(session, key, missing)
    return len(missing)


async def _next_orders(session: AsyncSession, key: SettlementKey, after: str | None, limit: int) -> list[str]:
    name = col(SettlementLineRow.external_order_id)
    found = select(name).distinct().where(*lines_of(key), name.is_not(None)).order_by(name).limit(limit)
    if after is not None:
        found = found.where(name > after)
    return [each for each in await session.scalars(found) if each is not None]


async def _lines_by_order(
    session: AsyncSession, key: SettlementKey, ids: Sequence[str]
) -> dict[str, list[SettlementLine]]:
    name = col(SettlementLineRow.external_order_id)
    rows = await session.scalars(
        select(SettlementLineRow).where(*lines_of(key), name.in_(ids)).order_by(col(SettlementLineRow.number))
    )
    found: dict[str, list[SettlementLine]] = {each: [] for each in ids}
    for row in rows:
        found[str(row.external_order_id)].append(line_of(row))
    return found


async def _matches(
    session: AsyncSession,
    key: SettlementKey,
    settlement: SettlementRow,
    answering: Mapping[str, ExpectedMoney],
    lines: Mapping[str, Sequence[SettlementLine]],
    rules: RuleSet,
) -> dict[str, OrderMatch]:
    earlier = await _earlier(session, key, [str(each.order_key) for each in answering.values()])
    as_of = settlement.ends_at or settlement.deposited_at
    return {
        name: match_order(
            expects, lines[name], [booked_of(row) for row in earlier.get(str(expects.order_key), [])], rules, as_of
        )
        for name, expects in answering.items()
    }


async def _earlier(
    session: AsyncSession, key: SettlementKey, order_keys: Sequence[str]
) -> dict[str, list[SettlementLineRow]]:
    """Lines of these orders that other settlements have, which were matched before."""
    own = col(SettlementLineRow.order_key)
    rows = await session.scalars(
        select(SettlementLineRow)
        .where(own.in_(order_keys), col(SettlementLineRow.settlement_id) != key.settlement_id)
        .order_by(col(SettlementLineRow.settlement_id), col(SettlementLineRow.number))
    )
    found: dict[str, list[SettlementLineRow]] = {}
    for row in rows:
        found.setdefault(str(row.order_key), []).append(row)
    return found


async def _write(
    session: AsyncSession,
    key: SettlementKey,
    answering: Mapping[str, ExpectedMoney],
    lines: Mapping[str, Sequence[SettlementLine]],
    matches: Mapping[str, OrderMatch],
) -> None:
    answered: list[tuple[OrderKey | None, SettlementLine, Verdict]] = []
    wrong: dict[OrderKey, Sequence[Finding]] = {}
    for name, own in lines.items():
        if match := matches.get(name):
            order_key = answering[name].order_key
            answered += [(order_key, line, verdict) for line, verdict in zip(own, match.verdicts, strict=True)]
            wrong[order_key] = match.findings
        else:
            verdicts = ((line, without_order(line, known=False)) for line in own)
            answered += [(None, line, verdict) for line, verdict in verdicts if verdict]
    await settlement_lines.answer_all(session, key, answered)
    for _, line, verdict in answered:
        by = LineRef(settlement_id=key.settlement_id, number=line.number)
        for ref in verdict.settles:
            await settlement_lines.settle(session, key.channel, key.account, ref, by)
    await findings.sync(session, key, wrong)
