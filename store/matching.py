"""Which order each line of a settlement pays, and what stays over, by name. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from models.base import Model
from models.money import Money
from models.order import OrderKey
from models.settlement import RECEIVABLE, LineType, OrderMoney, Settlement, SettlementLine, SettlementResult


class SettlementError(ValueError):
    """A settlement whose lines are not its payout: the document is refused whole."""


class MatchedLine(Model):
    """A line with either the order that it belongs to, or the name of the residual that it adds to."""

    line: SettlementLine
    order_key: OrderKey | None = None
    residual: str | None = None


class Matching(Model):
    result: SettlementResult
    lines: tuple[MatchedLine, ...]
    money: tuple[OrderMoney, ...]
    """What each matched order gets; received, fees and refunds add up to its lines exactly."""


def match(settlement: Settlement, known: Collection[str]) -> Matching:
    """Match by the channel's order id; `known` are the ids that the registry has. Raises `SettlementError`."""
    _require_sum(settlement)
    lines = tuple(_matched(settlement, line, known) for line in settlement.lines)
    money = _money(settlement, lines)
    return Matching(result=_result(settlement, lines, len(money)), lines=lines, money=money)


def _require_sum(settlement: Settlement) -> None:
    if settlement.lines_total != settlement.payout:
        raise SettlementError(
            f"settlement {settlement.settlement_id}: payout is {settlement.payout}, but lines add up to "
            f"{settlement.lines_total}: fetch the document again, nothing of it was posted"
        )


def _matched(settlement: Settlement, line: SettlementLine, known: Collection[str]) -> MatchedLine:
    if line.type is LineType.UNKNOWN or line.order_id is None:
        return MatchedLine(line=line, residual=line.label or "(no label)")
    if line.order_id not in known:
        return MatchedLine(line=line, residual=f"unknown order {line.order_id}")
    key = OrderKey(channel=settlement.channel, account=settlement.account, external_id=line.order_id)
    return MatchedLine(line=line, order_key=key)


def _result(settlement: Settlement, lines: tuple[MatchedLine, ...], orders: int) -> SettlementResult:
    residuals: dict[str, Money] = {}
    for each in lines:
        if each.residual is not None:
            before = residuals.get(each.residual, Money.zero(settlement.currency))
            residuals[each.residual] = before + each.line.amount
    return SettlementResult(
        channel=settlement.channel,
        account=settlement.account,
        settlement_id=settlement.settlement_id,
        payout=settlement.payout,
        matched=_total(settlement, (each.line for each in lines if each.order_key)),
        residual=Money.total(residuals.values(), settlement.currency),
        residuals=residuals,
        orders=orders,
        lines=len(lines),
    )


def _money(settlement: Settlement, lines: Iterable[MatchedLine]) -> tuple[OrderMoney, ...]:
    by_order: dict[OrderKey, list[SettlementLine]] = {}
    for each in lines:
        if each.order_key is not None:
            by_order.setdefault(each.order_key, []).append(each.line)
    return tuple(_money_of(settlement, key, own) for key, own in by_order.items())


def _money_of(settlement: Settlement, key: OrderKey, lines: list[SettlementLine]) -> OrderMoney:
    receivable = [line for line in lines if line.type in RECEIVABLE]
    refunds = [line for line in lines if line.type is LineType.REFUND]
    # Whatever else a channel books on an order (reserves, adjustments) is its cost of selling there.
    fees = [line for line in lines if line.type not in RECEIVABLE and line.type is not LineType.REFUND]
    return OrderMoney(
        order_key=key,
        settlement_id=settlement.settlement_id,
        received=_total(settlement, receivable),
        fees=_total(settlement, fees),
        refunds=_total(settlement, refunds),
    )


def _total(settlement: Settlement, lines: Iterable[SettlementLine]) -> Money:
    return Money.total((line.amount for line in lines), settlement.currency)
