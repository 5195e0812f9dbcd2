"""Finds the open cases that an operator's query describes. Every value is bound, none becomes part of the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.case import ExceptionCase
from models.case_query import CaseQuery
from store.tables import CaseRow, OrderRow

_ACCOUNT = func.split_part(col(CaseRow.order_key), "/", 2)
_NODE_OF_CHILD = func.split_part(col(CaseRow.workflow_id), "/fulfilment/", 2)


async def matching(session: AsyncSession, query: CaseQuery) -> list[ExceptionCase]:
    """Open cases, the longest open first."""
    rows = await session.scalars(_select(query).order_by(col(CaseRow.opened_at), col(CaseRow.case_id)))
    return [row.case() for row in rows]


def _select(query: CaseQuery) -> SelectOfScalar[CaseRow]:
    plain: Sequence[tuple[Any, Sequence[str]]] = (
        (col(CaseRow.channel), query.channel),
        (_ACCOUNT, query.account),
        (col(CaseRow.kind), query.case),
        (col(CaseRow.step), query.step),
        (col(CaseRow.owner), query.owner),
        (col(CaseRow.detail)["code"].astext, query.code),
        (col(CaseRow.subject), query.subject),
        (col(CaseRow.order_key), query.order),
    )
    found = select(CaseRow).where(col(CaseRow.resolved_at).is_(None))
    found = found.where(*(column.in_(wanted) for column, wanted in plain if wanted))
    if query.node:
        named = col(CaseRow.detail)["node"].astext
        found = found.where(or_(named.in_(query.node), _NODE_OF_CHILD.in_(query.node)))
    if query.state:
        state = select(col(OrderRow.order_key)).where(col(OrderRow.state).in_(query.state))
        found = found.where(col(CaseRow.order_key).in_(state))
    if query.since:
        found = found.where(col(CaseRow.opened_at) >= query.since)
    if query.before:
        found = found.where(col(CaseRow.opened_at) < query.before)
    return found
