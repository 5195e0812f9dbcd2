"""What may still be paid back of an order, and what a claim comes to exactly.

All refunds of an order together never exceed what was paid, and each of them is derived from what the others left: so
they are the order's total in the end, in whatever order they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from models.base import Model
from models.catalogue import ComponentLine
from models.channel import RefundReason
from models.money import Money, minor_unit
from models.order import ChannelState, Order, OrderRefund
from models.refunds import Refund, RefundClaim, RefundedLine, RefundState
from models.worth import LineWorth, Worth, worth_of


class NotRefundable(ValueError):
    """More than may be paid back; the message names both figures."""


class Standing(Model):
    """What is known of an order's goods and money besides the order itself."""

    refunds: tuple[Refund, ...] = ()
    cancelled: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units that will never leave."""
    returned: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units that came back and were accepted."""


class LineLeft(Model):
    units: int
    worth: LineWorth


class Refundable(Model):
    """What may still be paid back of an order."""

    paid: Money
    refunded: Money
    """By us (under way too), by the channel itself, or with a cancellation."""
    lines: dict[str, LineLeft]

    @property
    def left(self) -> Money:
        return self.paid - self.refunded


def refundable(order: Order, standing: Standing, claim: RefundClaim | None = None) -> Refundable:
    """What the order's other refunds leave. A claim for cancelled units finds them, which no other claim does."""
    counted = [each for each in standing.refunds if each.state is not RefundState.REFUSED]
    elsewhere = _units_elsewhere(order, standing, counted, claim)
    lines: dict[str, LineLeft] = {}
    gone = Money.zero(order.currency)
    whole = worth_of(order)
    for line in order.lines:
        worth = whole[line.line_id]
        away = min(elsewhere.get(line.line_id, 0), line.quantity)
        share = worth.goods.of_units(away, line.quantity)
        gone += share.total
        lines[line.line_id] = _left(line.line_id, line.quantity - away, worth, share, counted)
    foreign = Money.total((each.amount for each in _of_the_channel(order, counted, claim)), order.currency)
    ours = Money.total((each.total for each in counted), order.currency)
    return Refundable(paid=_paid(order), refunded=ours + max(gone, foreign, key=lambda each: each.amount), lines=lines)


def lines_of(order: Order, standing: Standing, claim: RefundClaim) -> tuple[RefundedLine, ...]:
    """What a claim comes to. Raises `NotRefundable`."""
    left = refundable(order, standing, claim)
    _check_lines(left, claim)
    _check_returned(standing, claim)
    _check_paid(order, standing, claim)
    named = list(dict.fromkeys([*claim.units, *claim.amounts]))
    found = [_line(name, left.lines[name], claim) for name in named or (left.lines if claim.shipping else ())]
    if claim.exchange:
        found = [part for line in found for part in _exchanged(line, claim.exchanged.get(line.line_id))]
    lines = tuple(line for line in found if line.units or line.total)
    total = Money.total((line.total for line in lines), order.currency)
    if not lines or (not total and not claim.exchange):
        raise NotRefundable(f"refund {claim.request_id}: there is nothing left to pay back of what it names")
    if total.amount > left.left.amount:
        raise NotRefundable(
            f"refund {claim.request_id}: {total} is more than the {left.left} that are left"
            f" (paid {left.paid}, refunded {left.refunded})"
        )
    return lines


def amounts_of_pieces(
    order: Order, components: Sequence[ComponentLine], before: Mapping[str, int], pieces: Mapping[str, int]
) -> dict[str, Money]:
    """Channel line id -> the price share of pieces of its bundles that came back without the rest.

    Both mappings go from `line id/item` to pieces; the shares of all pieces of a line are its price exactly.
    """
    worth = worth_of(order)
    amounts: dict[str, Money] = {}
    for part in components:
        name = f"{part.line_id}/{part.item}"
        if not (count := pieces.get(name, 0)):
            continue
        siblings = [each for each in components if each.line_id == part.line_id]
        shares = worth[part.line_id].goods.total.allocate([each.amount.amount for each in siblings])
        each_piece = shares[siblings.index(part)].allocate([1] * part.quantity)
        start = before.get(name, 0)
        amount = Money.total(each_piece[start : start + count], order.currency)
        amounts[part.line_id] = amounts.get(part.line_id, Money.zero(order.currency)) + amount
    return {line_id: amount for line_id, amount in amounts.items() if amount}


def _line(line_id: str, left: LineLeft, claim: RefundClaim) -> RefundedLine:
    units, amount = claim.units.get(line_id, 0), claim.amounts.get(line_id)
    nothing = Worth.nothing(left.worth.goods.net.currency)
    goods = left.worth.goods.of_units(units, left.units) if units else nothing
    if amount:
        rest = left.worth.goods - goods
        if amount.amount > rest.total.amount:
            raise NotRefundable(f"line {line_id}: {amount} is more than the {rest.total} that are left of its price")
        goods += rest.of_amount(amount)
    beside = nothing
    if claim.shipping:
        beside = left.worth.beside.of_units(units, left.units) if units else left.worth.beside
    return RefundedLine(line_id=line_id, units=units, goods=goods, beside=beside)


def _exchanged(line: RefundedLine, cost: Money | None) -> list[RefundedLine]:
    """The units that other goods are given for, and the money that they are worth more than those."""
    given = line.model_copy(update={"exchanged": True})
    if cost is None or cost.amount >= line.goods.total.amount:
        return [given]
    rest = line.goods.of_amount(line.goods.total - cost)
    money = RefundedLine(line_id=line.line_id, goods=rest, beside=Worth.nothing(cost.currency))
    return [given.model_copy(update={"goods": line.goods - rest}), money]


def _left(line_id: str, units: int, worth: LineWorth, away: Worth, counted: Iterable[Refund]) -> LineLeft:
    goods, beside = worth.goods - away, worth.beside
    for line in (line for each in counted for line in each.lines if line.line_id == line_id):
        units, goods, beside = units - line.units, goods - line.goods, beside - line.beside
    return LineLeft(units=max(units, 0), worth=LineWorth(goods=goods, beside=beside))


def _units_elsewhere(
    order: Order, standing: Standing, counted: Sequence[Refund], claim: RefundClaim | None
) -> Counter[str]:
    """Units whose money went back without a refund of ours: cancelled ones, and those the channel refunded itself."""
    cancelled = Counter({line.line_id: line.cancelled for line in order.lines}) | Counter(standing.cancelled)
    own = [each for each in counted if each.claim.reason is RefundReason.CANCELLED]
    for each in [refund.claim.units for refund in own]:
        cancelled -= Counter(each)
    if claim and claim.reason is RefundReason.CANCELLED:
        cancelled -= Counter(claim.units)
    by_channel: Counter[str] = Counter()
    for refund in _of_the_channel(order, counted, claim):
        by_channel.update(refund.quantities)
    return cancelled | by_channel


def _of_the_channel(order: Order, counted: Sequence[Refund], claim: RefundClaim | None) -> list[OrderRefund]:
    """Refunds that the channel shows and that are not ours.

    It does not say whose they are: the amount tells. A channel that works the amount of a return out itself may round
    each unit otherwise.
    """
    unit = minor_unit(order.currency)
    ours = [(each.paid.amount, unit * max(1, sum(each.claim.units.values()))) for each in counted if each.paid]
    if claim and claim.paid:
        ours.append((Money.total(claim.amounts.values(), order.currency).amount, unit))
    foreign: list[OrderRefund] = []
    for refund in order.refunds:
        near = [own for own in ours if abs(own[0] - refund.amount.amount) <= own[1]]
        if near:
            ours.remove(min(near, key=lambda own: abs(own[0] - refund.amount.amount)))
        else:
            foreign.append(refund)
    return foreign


def _paid(order: Order) -> Money:
    return Money.zero(order.currency) if order.state is ChannelState.PENDING else order.total


def _check_lines(left: Refundable, claim: RefundClaim) -> None:
    for line_id, units in claim.units.items():
        if line_id not in left.lines:
            raise NotRefundable(f"the order has no line {line_id}: it has {', '.join(left.lines)}")
        if units < 1 or units > left.lines[line_id].units:
            raise NotRefundable(f"line {line_id}: {units} units claimed, {left.lines[line_id].units} may be refunded")
    for line_id, amount in claim.amounts.items():
        if line_id not in left.lines:
            raise NotRefundable(f"the order has no line {line_id}: it has {', '.join(left.lines)}")
        if amount.currency != left.paid.currency or amount.amount <= 0:
            raise NotRefundable(f"line {line_id}: {amount} is not an amount above 0 in {left.paid.currency}")


def _check_paid(order: Order, standing: Standing, claim: RefundClaim) -> None:
    """What the channel has paid goes to the books once: it may be a refund of ours that it shows."""
    if not claim.paid:
        return
    counted = [each for each in standing.refunds if each.state is not RefundState.REFUSED]
    amount = Money.total(claim.amounts.values(), order.currency)
    if any(each.amount == amount for each in _of_the_channel(order, counted, None)):
        return
    if ours := [each for each in counted if each.paid == amount]:
        raise NotRefundable(f"{amount} is in the books already, as refund {ours[0].claim.request_id}")


def _check_returned(standing: Standing, claim: RefundClaim) -> None:
    if not claim.return_id:
        return
    paid: Counter[str] = Counter()
    for each in standing.refunds:
        if each.claim.return_id and each.state is not RefundState.REFUSED:
            paid.update(each.claim.units)
    for line_id, units in claim.units.items():
        if units > (back := standing.returned.get(line_id, 0) - paid[line_id]):
            raise NotRefundable(f"line {line_id}: {units} units claimed, {back} came back and are not refunded yet")
