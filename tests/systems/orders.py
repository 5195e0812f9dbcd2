"""Orders to send to the systems."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connectors.ports import ErpOrder
from connectors.registry import SystemConnection
from models.catalogue import ComponentLine
from models.fulfilment import ConfirmedParcel, PickLine, Release
from models.money import Money
from models.order import (
    Address,
    Buyer,
    ChannelState,
    Charge,
    ChargeKind,
    Discount,
    Funder,
    Order,
    OrderKey,
    OrderLine,
    Remitter,
    Tax,
)

CORRELATION_ID = UUID("0d0f5e5e-6f6b-4f55-9a4c-1f2f3f4f5f6f")
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BERLIN = Address(
    name="Käthe Öztürk", lines=("Torstr. 1", "Hinterhaus"), city="Berlin", postal_code="10119", country="DE"
)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def tax(amount: str, remitter: Remitter = Remitter.SELLER, *, included: bool = True) -> Tax:
    return Tax(amount=eur(amount), remitter=remitter, included=included, jurisdiction="DE", rate="0.19")


def order(external_id: str = "302-7", **changes: Any) -> Order:
    """Three tents with a discount, a bundle whose tax the channel remits, and shipping: 919.99 EUR in all."""
    tents = OrderLine(
        line_id="L1",
        sku="TENT-4P-GRN",
        title="Tent",
        quantity=3,
        goods=eur("747.00"),
        discounts=(Discount(amount=eur("100.00"), funded_by=Funder.SELLER, code="AUTUMN"),),
        taxes=(tax("103.30"),),
    )
    starter = OrderLine(
        line_id="L2",
        sku="CAMP-STARTER",
        title="Camping set",
        quantity=1,
        goods=eur("260.00"),
        taxes=(tax("8.09", Remitter.CHANNEL, included=False),),
    )
    shipping = Charge(kind=ChargeKind.SHIPPING, amount=eur("4.90"), taxes=(tax("0.78"),))
    fields: dict[str, Any] = {
        "key": OrderKey(channel="amazon", account="EU-DE", external_id=external_id),
        "correlation_id": CORRELATION_ID,
        "purchased_at": AT,
        "version": AT,
        "state": ChannelState.OPEN,
        "currency": "EUR",
        "lines": (tents, starter),
        "charges": (shipping,),
        "total": eur("919.99"),
        "buyer": Buyer(name="Käthe Öztürk", email="kaethe@example.com"),
        "ship_to": BERLIN,
        **changes,
    }
    return Order(**fields)


def components() -> tuple[ComponentLine, ...]:
    return (
        ComponentLine(line_id="L1", item="TENT-4P", per_unit=1, quantity=3, amount=eur("747.00")),
        ComponentLine(line_id="L2", item="TENT-4P", per_unit=1, quantity=1, amount=eur("182.00")),
        ComponentLine(line_id="L2", item="STOVE-GAS", per_unit=1, quantity=1, amount=eur("52.00")),
        ComponentLine(line_id="L2", item="LAMP-HEAD", per_unit=1, quantity=1, amount=eur("26.00")),
    )


def erp_order(external_id: str = "302-7", **changes: Any) -> ErpOrder:
    posted = order(external_id, **changes)
    return ErpOrder(order=posted, components=components(), seller_tax=posted.totals.seller_tax)


def parcel(number: int = 1, external_id: str = "302-7", units: dict[str, int] | None = None) -> ConfirmedParcel:
    return ConfirmedParcel(
        order_key=order(external_id).key,
        correlation_id=str(CORRELATION_ID),
        shipment_id=f"P-{number}",
        package_number=number,
        carrier="DHL",
        tracking=f"0034{number}",
        shipped_at=AT,
        units={"L1": 3, "L2": 1} if units is None else units,
    )


def release(fulfilment_id: str = "order/amazon/EU-DE/302-7/BER-1", quantity: int = 1, **changes: Any) -> Release:
    fields: dict[str, Any] = {
        "fulfilment_id": fulfilment_id,
        "reply_to": "order/amazon/EU-DE/302-7",
        "order_key": order().key,
        "correlation_id": str(CORRELATION_ID),
        "node": "BER-1",
        "service_level": "standard",
        "ship_to": BERLIN,
        "ship_by": AT,
        "picks": (
            PickLine(line_id="L1", item="TENT-4P", quantity=quantity),
            PickLine(line_id="L2", item="SOCK-WOOL", per_unit=3, quantity=3 * quantity),
        ),
        **changes,
    }
    return Release(**fields)


def connection(entry: dict[str, Any], **credentials: str) -> SystemConnection:
    """A twin's entry of the connections file, with other credentials if given."""
    return SystemConnection(**{**entry, "credentials": {**entry["credentials"], **credentials}})
