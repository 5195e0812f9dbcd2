"""Why a settlement line matches or does not, in words that finance understands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.base import Model
from models.expected_money import ExpectedMoney
from models.matching import WORDS, Fault
from models.money import Money
from models.settlement import SettlementKey, SettlementLine

REMEDIES = {
    Fault.SHORT_PAID: "claim the rest from the channel, or write it off; a later correction settles it by itself",
    Fault.OVER_PAID: "the channel will probably take it back, and that line settles it; else write it off",
    Fault.MISSING: "claim it from the channel when the money is due",
    Fault.DUPLICATE: "tell the channel; the line that takes it back settles it",
    Fault.FEE_DIFFERS: "claim the difference, or correct the contract's rate in the rules and repost",
    Fault.REFUND_WITHOUT_RETURN: "find out who refunded; a refund that is entered explains it when this is reposted",
    Fault.RETURN_WITHOUT_REFUND: "see whether the buyer got the money; the channel has not charged it",
    Fault.RESERVE: "nothing: the line that pays it out settles it",
    Fault.LATE: "nothing: the money is there",
    Fault.UNKNOWN_LABEL: "say what the label means in a new version of the rules, apply it and repost",
    Fault.UNKNOWN_ORDER: "find the order on the channel and ingest it, then repost",
    Fault.NO_ORDER: "nothing: it is booked as a cost or movement of the account",
}


class Told(Model):
    """What is known of a line."""

    key: SettlementKey
    line: SettlementLine
    order_key: str | None = None
    matched: Money
    residual: Money
    fault: Fault | None = None
    rule: str = ""
    settled_by: str | None = None
    rules_version: int = 0


def explained(told: Told, expected: ExpectedMoney | None, paid: Mapping[str, Money]) -> list[str]:
    """Sentences. `paid`: type -> what all settlements together have paid for the order."""
    return [*_what(told), *_order(told, expected, paid), *_verdict(told)]


def _what(told: Told) -> Iterator[str]:
    line = told.line
    posted = f", posted {line.posted_at:%Y-%m-%d}" if line.posted_at else ""
    where = f" on {line.marketplace}" if line.marketplace else ""
    yield f"Line {line.number} of settlement {told.key}: {line.label}, {line.amount}{where}{posted}."
    if told.fault is Fault.UNKNOWN_LABEL:
        yield f"No rule of version {told.rules_version} knows the labels {' / '.join(line.labels) or line.label}."
    else:
        yield f"By version {told.rules_version} of the channel's rules that is: {line.type.value.replace('_', ' ')}."


def _order(told: Told, expected: ExpectedMoney | None, paid: Mapping[str, Money]) -> Iterator[str]:
    if told.line.order_id is None:
        yield "It names no order."
    elif expected is None:
        yield f"It names order {told.line.order_id}, which is not registered."
    else:
        goods = ", ".join(f"line {each.line_id} ({each.units} units) {each.amount}" for each in expected.goods)
        parts = {
            "shipping": expected.shipping,
            "other charges": expected.other,
            "promotion": expected.promotion,
            "tax that the seller remits": expected.seller_tax,
            "tax that the channel remits": expected.channel_tax,
        }
        named = [f"{name} {amount}" for name, amount in parts.items() if amount]
        yield f"Order {expected.order_key} is to bring {expected.receivable}: {'; '.join([goods, *named])}."
        for refund in expected.refunds:
            yield f"Refund {refund.refund_id} of {refund.total} is known, {refund.receivable} of it the seller's."
        so_far = ", ".join(f"{name.replace('_', ' ')} {amount}" for name, amount in sorted(paid.items()))
        yield f"All settlements together paid and charged for it: {so_far or 'nothing'}."


def _verdict(told: Told) -> Iterator[str]:
    if told.matched:
        yield f"Matched: {told.matched} (rule: {told.rule})."
    if told.fault is None:
        yield "Nothing is left over."
        return
    yield f"Not matched: {told.residual}, because {WORDS[told.fault]} ({told.fault.value})."
    if told.settled_by:
        yield f"Settled: {told.settled_by}."
    else:
        yield f"What to do: {REMEDIES[told.fault]}."
