"""The tax engine's codes of what is sold: part of the catalogue, and a cause that many orders may wait for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from models.catalogue import ListingMap
from store import catalogue, causes, locks
from store.tables import ItemTaxCodeRow

SUBJECT = "tax_code:"
"""A case's subject is this and the code that was declined."""


class CodeSet(Model):
    item: str
    tax_code: str
    previous: str | None
    told: int
    """Orders that waited for it, and are tried again."""


async def put(session: AsyncSession, item: str, tax_code: str, actor: str) -> CodeSet:
    """Give an item (or a channel's SKU) its code, and tell the orders that wait for a better one."""
    await locks.hold(session, [f"tax-code/{item}"])
    row = await session.get(ItemTaxCodeRow, item, populate_existing=True)
    previous = row.tax_code if row else None
    new = {"tax_code": tax_code, "actor": actor, "updated_at": func.now()}
    await session.execute(
        insert(ItemTaxCodeRow).values(item=item, **new).on_conflict_do_update(index_elements=["item"], set_=new)
    )
    note = f"{item} has the tax code {tax_code}"
    told = [await causes.gone(session, subject, note) for subject in sorted(await _subjects(session, item, previous))]
    return CodeSet(item=item, tax_code=tax_code, previous=previous, told=sum(told))


async def everything(session: AsyncSession) -> list[ItemTaxCodeRow]:
    return list(await session.scalars(select(ItemTaxCodeRow).order_by(col(ItemTaxCodeRow.item))))


async def of_skus(
    session: AsyncSession, channel: str, account: str, skus: Collection[str], at: datetime
) -> dict[str, str]:
    """SKU -> its tax code: its own, else that of the item that carries most of its price. Absent: the engine's default.

    A bundle is taxed as its leading item; one that is not has a code of its own under its SKU.
    """
    listings = await catalogue.listings(session, channel, account, skus, at)
    leading = {sku: _leading(listing) for sku, listing in listings.items()}
    wanted = {*skus, *leading.values()}
    rows = await session.scalars(select(ItemTaxCodeRow).where(col(ItemTaxCodeRow.item).in_(wanted)))
    codes = {row.item: row.tax_code for row in rows}
    found = {sku: codes.get(sku) or codes.get(leading.get(sku, sku)) for sku in skus}
    return {sku: code for sku, code in found.items() if code}


def _leading(listing: ListingMap) -> str:
    return max(listing.components, key=lambda component: component.share).item


async def _subjects(session: AsyncSession, item: str, previous: str | None) -> set[str]:
    """An item without a code had the engine's default, which only the engine's connector knows: all are told."""
    if previous is not None:
        return {f"{SUBJECT}{item}", f"{SUBJECT}{previous}"}
    return {f"{SUBJECT}{item}", *(each for each in await causes.waiting(session) if each.startswith(SUBJECT))}
