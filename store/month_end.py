"""The month of a channel account and company: what it sold and cost, and what is still owed to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from models.expected_money import ExpectedMoney
from models.matching import Fault
from models.settlement import LineType
from models.settlement_books import WRITTEN_OFF
from store import expected
from store.tables import OrderRow, SettlementLineRow, SettlementOrderRow, SettlementRow

PAGE = 500
_ROW, _HEAD = SettlementLineRow, SettlementRow
_SALES = frozenset({LineType.GOODS, LineType.SHIPPING, LineType.GIFT_WRAP, LineType.PROMOTION, LineType.SALE})
_OWED = ("released", "partially_shipped", "shipped")
"""States of orders whose money is still to come, in whole or in part."""
ZERO = Decimal(0)
Place = tuple[str, str, str, str]
"""Channel, account, legal entity, currency."""


class Month(Model):
    """All amounts are in the settlements' signs: positive for the seller."""

    channel: str
    account: str
    entity: str
    currency: str
    settlements: int = 0
    sales: Decimal = ZERO
    tax_seller: Decimal = ZERO
    """Collected from buyers, and the seller's to remit."""
    tax_channel: Decimal = ZERO
    """Collected and remitted by the channel: no money of the seller's, whether settlements show it or not."""
    commission: Decimal = ZERO
    fees: Decimal = ZERO
    refunds: Decimal = ZERO
    reserves: Decimal = ZERO
    adjustments: Decimal = ZERO
    """With the residuals of these settlements that a person gave up, whenever that was decided."""
    transfers: Decimal = ZERO
    unexplained: Decimal = ZERO
    payout: Decimal = ZERO
    outstanding: Decimal = ZERO
    """Receivable of all orders that left and are not settled, at the time of the report; of the company that the
    account's latest settlement, of any month, is booked for."""

    @property
    def difference(self) -> Decimal:
        """Zero: the parts are the payout."""
        parts = (self.sales, self.tax_seller, self.commission, self.fees, self.refunds, self.reserves)
        return self.payout - sum((*parts, self.adjustments, self.transfers, self.unexplained), start=ZERO)


async def report(session: AsyncSession, month: datetime) -> list[Month]:
    """Of the settlements that were deposited in the month (or ended, or were posted, where that is all we know)."""
    begin = month.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    sums: defaultdict[Place, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    await _heads(session, begin, end, sums)
    await _lines(session, begin, end, sums)
    await _channel_tax(session, begin, end, sums)
    await _outstanding(session, sums)
    return [_month(place, values) for place, values in sorted(sums.items())]


def _month(place: Place, values: Mapping[str, Decimal]) -> Month:
    channel, account, entity, currency = place
    amounts = {name: amount for name, amount in values.items() if name != "settlements"}
    return Month.model_validate(
        {"channel": channel, "account": account, "entity": entity, "currency": currency,
         "settlements": int(values.get("settlements", ZERO)), **amounts}
    )  # fmt: skip


_WHEN = func.coalesce(col(_HEAD.deposited_at), col(_HEAD.ends_at), col(_HEAD.posted_at))
_PLACE = (col(_HEAD.channel), col(_HEAD.account), col(_HEAD.entity), col(_HEAD.currency))
_Sums = defaultdict[Place, defaultdict[str, Decimal]]


async def _heads(session: AsyncSession, begin: datetime, end: datetime, sums: _Sums) -> None:
    heads = select(*_PLACE, func.count(), func.sum(col(_HEAD.payout))).where(begin <= _WHEN, end > _WHEN)
    for channel, account, entity, currency, count, payout in await session.execute(heads.group_by(*_PLACE)):
        place = sums[channel, account, entity, currency]
        place["settlements"] += Decimal(count)
        place["payout"] += payout


async def _lines(session: AsyncSession, begin: datetime, end: datetime, sums: _Sums) -> None:
    of_head = (
        (col(_ROW.channel) == col(_HEAD.channel))
        & (col(_ROW.account) == col(_HEAD.account))
        & (col(_ROW.settlement_id) == col(_HEAD.settlement_id))
    )
    what = (*_PLACE, col(_ROW.type), col(_ROW.fault))
    residual = func.sum(col(_ROW.residual_amount))
    written_off = func.coalesce(residual.filter(col(_ROW.settled_by).startswith(WRITTEN_OFF)), 0)
    amounts = func.sum(col(_ROW.matched_amount)), residual - written_off, written_off
    lines = select(*what, *amounts).join(_HEAD, of_head).where(begin <= _WHEN, end > _WHEN).group_by(*what)
    for channel, account, entity, currency, kind, fault, matched, left, given_up in await session.execute(lines):
        place = sums[channel, account, entity, currency]
        explained = fault in (None, Fault.NO_ORDER.value, Fault.RESERVE.value)
        for name in _columns(LineType(kind)):
            place[name] += matched + (left if explained else ZERO)
        if not explained:
            place["unexplained"] += left
        place["adjustments"] += given_up


def _columns(kind: LineType) -> Iterator[str]:
    if kind in _SALES:
        yield "sales"
    elif kind in (LineType.TAX, LineType.TAX_WITHHELD):
        yield "tax_seller"
    elif kind is LineType.UNKNOWN:
        yield "unexplained"
    else:
        plurals = {LineType.FEE: "fees", LineType.REFUND: "refunds", LineType.RESERVE: "reserves",
                   LineType.ADJUSTMENT: "adjustments", LineType.TRANSFER: "transfers"}  # fmt: skip
        yield plurals.get(kind, "commission")


_SETTLED = text("""
    SELECT told.channel, told.account, head.entity, head.currency, orders.external_id
    FROM settlement_order AS told
    JOIN settlement AS head USING (channel, account, settlement_id)
    JOIN orders ON orders.order_key = told.order_key
    WHERE coalesce(head.deposited_at, head.ends_at, head.posted_at) >= :begin
      AND coalesce(head.deposited_at, head.ends_at, head.posted_at) < :end
      AND told.received <> 0
      AND NOT EXISTS (
          SELECT FROM settlement_order AS former JOIN settlement AS earlier USING (channel, account, settlement_id)
          WHERE former.order_key = told.order_key AND former.received <> 0
            AND (coalesce(earlier.deposited_at, earlier.ends_at, earlier.posted_at), earlier.settlement_id)
              < (coalesce(head.deposited_at, head.ends_at, head.posted_at), head.settlement_id)
      )
      AND orders.order_key > :after
    ORDER BY orders.order_key LIMIT :page
""")


async def _channel_tax(session: AsyncSession, begin: datetime, end: datetime, sums: _Sums) -> None:
    """Of the orders that were paid for the first time in the month, as the orders themselves state it."""
    after = ""
    while True:
        asked = {"begin": begin, "end": end, "after": after, "page": PAGE}
        rows = (await session.execute(_SETTLED, asked)).all()
        found = await _expected(session, [(row.channel, row.account, row.external_id) for row in rows])
        for channel, account, entity, currency, external_id in rows:
            of = found[channel, account, external_id]
            sums[channel, account, entity, currency]["tax_channel"] += of.channel_tax.amount
            after = str(of.order_key)
        if len(rows) < PAGE:
            return


async def _expected(
    session: AsyncSession, orders: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], ExpectedMoney]:
    """Channel, account and external id -> what the order is to bring."""
    by_account: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, account, external_id in orders:
        by_account[channel, account].append(external_id)
    return {
        (channel, account, external_id): of
        for (channel, account), ids in by_account.items()
        for external_id, of in (await expected.of_orders(session, channel, account, ids)).items()
    }


async def _outstanding(session: AsyncSession, sums: _Sums) -> None:
    """Receivable less what was received, of every order that left."""
    entities = await _entities(session)
    after = ""
    while True:
        page = select(col(OrderRow.order_key), col(OrderRow.channel), col(OrderRow.account), col(OrderRow.external_id))
        page = page.where(col(OrderRow.state).in_(_OWED), col(OrderRow.order_key) > after)
        rows = (await session.execute(page.order_by(col(OrderRow.order_key)).limit(PAGE))).all()
        received = await _received(session, [row.order_key for row in rows])
        found = await _expected(session, [(row.channel, row.account, row.external_id) for row in rows])
        for row in rows:
            of = found[row.channel, row.account, row.external_id]
            place = (row.channel, row.account, entities.get((row.channel, row.account), ""), of.currency)
            sums[place]["outstanding"] += _owed(of, received.get(row.order_key, ZERO))
        if len(rows) < PAGE:
            return
        after = rows[-1].order_key


async def _entities(session: AsyncSession) -> dict[tuple[str, str], str]:
    """Channel and account -> the company that its latest settlement is booked for, of whatever month."""
    place = (col(_HEAD.channel), col(_HEAD.account))
    latest = select(*place, col(_HEAD.entity)).ext(distinct_on(*place))
    latest = latest.order_by(*place, _WHEN.desc(), col(_HEAD.posted_at).desc(), col(_HEAD.settlement_id).desc())
    return {(channel, account): entity for channel, account, entity in await session.execute(latest)}


def _owed(of: ExpectedMoney, received: Decimal) -> Decimal:
    return max(of.receivable.amount - received, ZERO)


async def _received(session: AsyncSession, order_keys: list[str]) -> dict[str, Decimal]:
    row = SettlementOrderRow
    sums = select(col(row.order_key), func.sum(col(row.received))).where(col(row.order_key).in_(order_keys))
    return dict((await session.execute(sums.group_by(col(row.order_key)))).all())
