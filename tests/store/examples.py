"""Small, plain examples of what the store keeps."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models.catalogue import Component, ListingMap
from models.fulfilment import PickLine, RoutingRequest
from models.money import Money
from models.order import ChannelState, Order, OrderKey, OrderLine
from models.settlement import LineType, Settlement, SettlementLine
from store.inbox import NewEvent

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def an_event(delivery_id: str = "d-1", **more: Any) -> NewEvent:
    values = {"channel": "amazon", "account": "EU", "source": "webhook", "topic": "order", "body": b"{}"}
    return NewEvent.model_validate({**values, "delivery_id": delivery_id, **more})


def a_key(number: int | str = 1) -> OrderKey:
    return OrderKey(channel="amazon", account="EU", external_id=str(number))


def an_order(number: int | str = 1, **more: Any) -> Order:
    values = {
        "key": a_key(number),
        "purchased_at": NOON,
        "version": NOON,
        "state": ChannelState.OPEN,
        "currency": "EUR",
        "lines": (OrderLine(line_id="L1", sku="TENT", quantity=1, goods=euros("12.50")),),
        "total": euros("12.50"),
    }
    return Order.model_validate({**values, **more})


def a_listing(sku: str = "TENT", item: str = "TENT-4P", *, account: str = "EU", days: int = 0) -> ListingMap:
    """In force `days` after noon of the example day."""
    return ListingMap(
        channel="amazon",
        account=account,
        sku=sku,
        valid_from=NOON + timedelta(days=days),
        components=(Component(item=item),),
    )


def a_pick(item: str, quantity: int = 1, line_id: str | None = None, per_unit: int = 1) -> PickLine:
    return PickLine(line_id=line_id or f"L{item}", item=item, per_unit=per_unit, quantity=quantity)


def a_request(*picks: PickLine, number: int = 1, decision: int = 1, **more: Any) -> RoutingRequest:
    values = {"order_key": a_key(number), "decision": decision, "picks": picks, "at": NOON}
    return RoutingRequest.model_validate({**values, **more})


def a_settlement(*lines: SettlementLine, settlement_id: str = "S-1", payout: str | None = None) -> Settlement:
    total = Money.total((line.amount for line in lines), "EUR")
    return Settlement(
        channel="amazon",
        account="EU",
        settlement_id=settlement_id,
        currency="EUR",
        payout=total if payout is None else euros(payout),
        lines=lines,
    )


def a_line(
    number: int, amount: str, kind: LineType = LineType.GOODS, order: str | None = "1", label: str = "Principal"
) -> SettlementLine:
    return SettlementLine(number=number, type=kind, label=label, amount=euros(amount), order_id=order)
