"""What of a return is paid back, and what the channel is told of it; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from models.channel import RefundReason, ReturnAction, ReturnDecision
from models.money import Money
from models.order import Order
from models.refund_process import RefundTask, refund_id
from models.refundable import amounts_of_pieces
from models.refunds import RefundClaim, RefundState
from models.replacements import ExchangeLine, ReplacementTask
from models.return_policy import units_on_channel
from models.return_process import ReturnFacts, ReturnFile
from models.returned_goods import grown


def decision_of(
    file: ReturnFile, facts: ReturnFacts, action: ReturnAction, units: Mapping[str, int]
) -> ReturnDecision | None:
    """What the channel is to be told; None when it does not know the return, or not these units."""
    if file.told is None or file.order_key is None:
        return None
    named = units_on_channel(file.told, facts.order, units)
    if not named:
        return None
    return ReturnDecision(
        request_id=f"{file.order_key}#return:{file.return_id}:{action}",
        order_key=file.order_key,
        correlation_id=file.correlation_id,
        region=facts.order.region if facts.order else "",
        extras=facts.order.extras if facts.order else {},
        return_id=file.return_id,
        action=action,
        units=named,
    )


def claim_of(file: ReturnFile, facts: ReturnFacts) -> RefundClaim | None:
    """The money for what came back and is not paid back yet; None when there is none.

    A bundle is paid as a whole unit once it is complete; what came back of an incomplete one, by its price share.
    """
    if facts.order is None:
        return None
    granted = [each for each in file.refunds if each.state is not RefundState.REFUSED]
    units = _unsettled(file, facts)
    amounts = {} if granted else _loose(file, facts, facts.order)
    if not units and not amounts:
        return None
    number = len(file.refunds) + 1
    return RefundClaim(
        request_id=refund_id(facts.order.key, f"{file.return_id}-{number}"),
        order_key=facts.order.key,
        reason=RefundReason.RETURNED,
        units=units,
        amounts=amounts,
        return_id=file.return_id,
        actor="orderyard",
        note=file.reason,
    )


def task_of(file: ReturnFile, facts: ReturnFacts, claim: RefundClaim) -> RefundTask:
    """The first refund of a return may end it on the channel, if it is of the very units that the channel knows of.

    A later one, one of more than was announced, or one of pieces is a plain refund.
    """
    decision = None
    if not claim.amounts and not any(each.state is not RefundState.REFUSED for each in file.refunds):
        decision = decision_of(file, facts, ReturnAction.REFUND, claim.units)
    if decision and sum(decision.units.values()) != sum(claim.units.values()):
        decision = None
    return RefundTask(claim=claim, correlation_id=file.correlation_id, decision=decision)


def claim_paid_elsewhere(file: ReturnFile, facts: ReturnFacts) -> RefundClaim | None:
    """The books' side of a return that the channel has paid itself; None when it says nothing of money."""
    order = facts.order
    refunded = file.told.refunded if file.told else None
    if order is None or not refunded or file.refunds or refunded.currency != order.currency:
        return None
    lines = [line.line_id for line in order.lines if line.line_id in file.wanted] or [order.lines[0].line_id]
    prices = {line.line_id: line.goods.amount for line in order.lines}
    weights = [prices[line_id] for line_id in lines]
    shares = refunded.allocate(weights if any(weights) else [1] * len(lines))
    return RefundClaim(
        request_id=refund_id(order.key, f"{file.return_id}-channel"),
        order_key=order.key,
        reason=RefundReason.RETURNED,
        amounts={line_id: share for line_id, share in zip(lines, shares, strict=True) if share},
        paid=True,
        actor="channel",
        note=file.reason,
    )


def lines_to_exchange(file: ReturnFile, facts: ReturnFacts) -> tuple[ExchangeLine, ...]:
    """What is sent for the units that came back: the goods that were chosen, or the same again."""
    chosen = {line.line_id: line for line in file.exchange.lines} if file.exchange else {}
    return tuple(
        chosen.get(line_id, ExchangeLine(line_id=line_id, quantity=units)).model_copy(update={"quantity": units})
        for line_id, units in _unsettled(file, facts).items()
    )


def replacement_task(file: ReturnFile, lines: tuple[ExchangeLine, ...], number: int) -> ReplacementTask:
    assert file.order_key is not None, "goods of no known order are of no line"
    assert file.exchange is not None, "somebody has asked for other goods"
    return ReplacementTask(
        order_key=file.order_key,
        number=number,
        correlation_id=file.correlation_id,
        lines=lines,
        reason=RefundReason.RETURNED,
        return_id=file.return_id,
        actor=file.exchange.actor,
        note=file.exchange.note or file.reason,
    )


def _unsettled(file: ReturnFile, facts: ReturnFacts) -> dict[str, int]:
    """Channel line id -> whole units that came back, and for which nothing was given yet."""
    settled: Counter[str] = Counter()
    for each in file.refunds:
        if each.state is not RefundState.REFUSED:
            settled.update(each.claim.units)
    return grown(settled, file.goods.units(facts.components))


def _loose(file: ReturnFile, facts: ReturnFacts, order: Order) -> dict[str, Money]:
    return amounts_of_pieces(order, facts.components, {}, file.goods.loose(facts.components))
