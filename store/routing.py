"""Nodes, routing rules, and how busy each node is today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.nodes import Node
from models.routing import DEFAULT_RULES, RoutingRules
from store import locks
from store.tables import NodeLoad, NodeRow, RoutingRulesRow

_RULES = "routing_rules"


async def put_nodes(session: AsyncSession, nodes: Iterable[Node]) -> None:
    """Add nodes, or change those of the same name; others stay as they are."""
    rows = [{"name": node.name, "body": node.model_dump(mode="json")} for node in sorted(nodes, key=lambda n: n.name)]
    if not rows:
        return
    new = insert(NodeRow)
    changed = {"body": new.excluded.body, "updated_at": func.now()}
    await session.execute(new.on_conflict_do_update(index_elements=["name"], set_=changed), rows)


async def nodes(session: AsyncSession) -> list[Node]:
    """All that somebody has described, by name."""
    found = select(NodeRow).order_by(col(NodeRow.name))
    return [row.node() for row in await session.scalars(found, execution_options={"populate_existing": True})]


async def put_rules(session: AsyncSession, rules: RoutingRules, applied_by: str) -> tuple[RoutingRules, bool]:
    """Add the next version (the given version is not looked at) and True; the newest and False when it says the same.

    Raises `ValueError` when an earlier version would come into force later: it would undo this one by itself.
    """
    await locks.hold(session, [_RULES])
    newest = await session.scalar(select(RoutingRulesRow).order_by(col(RoutingRulesRow.version).desc()).limit(1))
    if newest and _same(newest.rules(), rules):
        return newest.rules(), False
    starts = rules.in_force_from or (await session.execute(select(func.now()))).scalar_one()
    if newest and starts < newest.in_force_from:
        raise ValueError(
            f"in_force_from {starts:%Y-%m-%d %H:%M} UTC is before that of version {newest.version}, "
            f"{newest.in_force_from:%Y-%m-%d %H:%M} UTC, which would replace it again: give a later time"
        )
    version = newest.version + 1 if newest else 1
    added = rules.model_copy(update={"version": version, "in_force_from": starts})
    body = added.model_dump(mode="json")
    session.add(RoutingRulesRow(version=version, in_force_from=starts, body=body, applied_by=applied_by))
    await session.flush()
    return added, True


_IN_FORCE = text("""
    SELECT
        (SELECT body FROM routing_rules WHERE in_force_from <= :at ORDER BY version DESC LIMIT 1) AS rules,
        (SELECT coalesce(jsonb_agg(body ORDER BY name COLLATE "C"), '[]') FROM node) AS nodes
""")


async def in_force(session: AsyncSession, at: datetime) -> tuple[RoutingRules, tuple[Node, ...]]:
    """The rules of a time and the nodes as they are now, in one look: every reservation takes it."""
    found = (await session.execute(_IN_FORCE, {"at": at})).one()
    rules = RoutingRules.model_validate(found.rules) if found.rules else DEFAULT_RULES
    return rules, tuple(Node.model_validate(body) for body in found.nodes)


async def rules_at(session: AsyncSession, at: datetime) -> RoutingRules:
    """The rules in force at a time; the default ones while nobody has applied any."""
    return (await in_force(session, at))[0]


async def versions(session: AsyncSession) -> Sequence[RoutingRulesRow]:
    """Every version that was ever applied, the newest first."""
    return (await session.scalars(select(RoutingRulesRow).order_by(col(RoutingRulesRow.version).desc()))).all()


async def load(session: AsyncSession, days: dict[str, date]) -> dict[str, int]:
    """Node -> fulfilments that it was given on its day."""
    if not days:
        return {}
    on_the_day = tuple_(col(NodeLoad.node), col(NodeLoad.day)).in_(list(days.items()))
    node = col(NodeLoad.node)
    counted = await session.execute(select(node, func.count()).where(on_the_day).group_by(node))
    return dict(counted.all())


def _same(one: RoutingRules, other: RoutingRules) -> bool:
    """Leaving out when it comes into force, unless a time is asked for."""
    unsaid = {"version"} if other.in_force_from else {"version", "in_force_from"}
    return one.model_dump(exclude=unsaid) == other.model_dump(exclude=unsaid)
