"""The demo on a real ERP: a Tryton of its own, and its books read back order by order at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.erp import demo_goods
from cli.happened import Happened
from cli.output import console, errors, rows
from connectors.erp.tryton.provider import TrytonErp
from connectors.registry import SystemConnection
from models.ledger import AccountRole, BookedDocument, DocumentKind, OrderDocuments, TrialBalance
from models.money import Money
from settings import Settings
from stack.processes import STEPS_BACK
from stack.tryton import LocalTryton
from store.settlement_views import Summary

OpenMoney = Mapping[tuple[str, str, str], Money]
"""Company, channel account and currency -> residuals of its settlements that nobody has explained."""
READERS = 4
"""Orders that are read back at the same time."""


@dataclass(frozen=True)
class BooksResult:
    """What Tryton itself says of the demo's orders."""

    documents: Counter[str] = field(default_factory=Counter)
    """Kind of document -> how many."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Order key, or account -> what its books lack or have too much of."""
    balances: tuple[TrialBalance, ...] = ()
    open_money: OpenMoney = field(default_factory=dict)


@asynccontextmanager
async def demo_tryton(data_dir: Path) -> AsyncIterator[Mapping[str, Any]]:
    """A Tryton with fresh books; yields its entry for the connections file."""
    cache = Settings().data_dir / "erp" / "cache"
    tryton = LocalTryton(
        data_dir,
        cache,
        demo_goods(),
        keep_ports=False,
        niceness=STEPS_BACK,
        say=lambda line: errors.print(line, style="dim"),
    )
    await asyncio.to_thread(tryton.start)
    try:
        yield tryton.connection()
    finally:
        await asyncio.to_thread(tryton.stop)


async def read_back(
    connection: Mapping[str, Any], told: Sequence[Happened], settlements: Sequence[Summary]
) -> BooksResult:
    """Compare every order with its books, and each clearing account with the residuals that nobody has explained."""
    erp = TrytonErp(SystemConnection.model_validate(connection))
    counted: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    waiting = iter(told)

    async def read() -> None:
        for happened in waiting:
            found = await erp.order_documents(happened.key)
            if found is not None:
                counted["sale"] += 1
                counted.update(document.kind.value for document in found.documents)
            if problems := "; ".join(_problems(found, happened)):
                wrong[str(happened.key)] = problems

    try:
        await asyncio.gather(*(read() for _ in range(READERS)))
        balances = [await erp.trial_balance(entity) for entity in connection["options"]["companies"]]
    finally:
        await erp.aclose()
    open_money = _open(settlements, connection["options"]["company"])
    wrong |= _unbalanced(balances) | unclear(balances, open_money)
    return BooksResult(counted, wrong, tuple(balances), open_money)


def _problems(found: OrderDocuments | None, happened: Happened) -> Iterator[str]:
    """One sale; one shipment and one invoice a parcel; goods and money as they went out and came back."""
    if found is None:
        if not happened.cancelled:
            yield "no sale in Tryton"
        return
    if happened.cancelled and not found.cancelled:
        yield "the sale is not cancelled in Tryton"
    yield from _goods_problems(found, happened)
    yield from _money_problems(found, happened)


def _goods_problems(found: OrderDocuments, happened: Happened) -> Iterator[str]:
    shipments, returns = found.of_kind(DocumentKind.SHIPMENT), found.of_kind(DocumentKind.RETURN)
    # Of a parcel whose goods left two warehouses there are two shipments, under its one reference.
    if (booked_parcels := len({each.reference for each in shipments})) != happened.parcels:
        yield f"shipments of {booked_parcels} parcels for {happened.parcels} parcels"
    left = happened.shipped + happened.beside
    for what, documents, goods in (("came back", returns, happened.returned), ("left", shipments, left)):
        booked = sum((Counter(each.units) for each in documents), Counter[str]())
        if booked != goods:
            yield f"{dict(booked)} is booked and {dict(goods)} {what}"


def _money_problems(found: OrderDocuments, happened: Happened) -> Iterator[str]:
    invoices, credits = found.of_kind(DocumentKind.INVOICE), found.of_kind(DocumentKind.CREDIT_NOTE)
    if len(invoices) != happened.parcels:
        yield f"{len(invoices)} invoices for {happened.parcels} parcels"
    owed, given = _receivable(invoices, happened.credited.currency), _receivable(credits, happened.credited.currency)
    if owed not in happened.billed:
        yield f"{owed} is invoiced, and {happened.billed[0]} or {happened.billed[1]} owed"
    if given != -happened.credited:
        yield f"{given} is credited, and {happened.credited} was given back"


def _receivable(documents: Iterable[BookedDocument], currency: str) -> Money:
    parts = (part for each in documents for part in (each.net, each.seller_tax) if part is not None)
    return Money.total(parts, currency)


def _unbalanced(balances: Iterable[TrialBalance]) -> dict[str, str]:
    off = {each.entity: {name: str(amount) for name, amount in each.difference.items() if amount} for each in balances}
    return {f"trial balance {entity}": f"debits minus credits: {sums}" for entity, sums in off.items() if sums}


def _open(settlements: Iterable[Summary], company: str) -> OpenMoney:
    sums: dict[tuple[str, str, str], Money] = {}
    for each in settlements:
        currency = each.open.currency
        place = each.entity or company, f"{each.key.channel}/{each.key.account}", currency
        sums[place] = sums.get(place, Money.zero(currency)) + each.open
    return sums


def unclear(balances: Iterable[TrialBalance], open_money: OpenMoney) -> dict[str, str]:
    """A residual that nobody has explained stands on the clearing account of its channel account, and nothing else:
    in the currency in which it was paid, whatever the books' own is."""
    left, wrong = _clearing(balances), {}
    for place in sorted(left.keys() | open_money.keys()):
        nothing = Money.zero(place[2])
        on_account, expected = left.get(place, nothing), open_money.get(place, nothing)
        if on_account != -expected:
            wrong[f"clearing {' '.join(place)}"] = f"{on_account}, open is {expected}"
    return wrong


def _clearing(balances: Iterable[TrialBalance]) -> OpenMoney:
    return {
        (company.entity, each.channel_account, amount.currency): amount
        for company in balances
        for each in company.balances
        if each.role is AccountRole.CLEARING
        for amount in each.paid_in
    }


def print_books(result: BooksResult) -> None:
    rows("Read back from Tryton", ("document", "number"), sorted(result.documents.items()))
    rows(
        "Trial balance",
        ("company", "account", "name", "channel account", "balance"),
        [
            (each.entity, balance.account, balance.name, balance.channel_account, str(balance.amount))
            for each in result.balances
            for balance in each.balances
        ],
    )
    for each in result.balances:
        sums = ", ".join(f"{amount} {currency}" for currency, amount in each.difference.items()) or "no entries"
        console.print(f"{each.entity}: debits minus credits: {sums}")
    left = _clearing(result.balances)
    rows(
        "Clearing accounts, and what nobody has explained of the settlements",
        ("company", "channel account", "currency", "balance", "open residuals"),
        [
            (
                *place,
                str(left[place].amount if place in left else 0),
                str(result.open_money[place].amount if place in result.open_money else 0),
            )
            for place in sorted(left.keys() | result.open_money.keys())
        ],
    )
