"""One order of the contract as a canonical order, its amounts exact and its totals proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.errors import SchemaDrift
from connectors.ports import Drift
from connectors.storefront import contract
from connectors.storefront.people import address, buyer
from connectors.storefront.quantities import Quantities
from connectors.storefront.vocabulary import CHARGES, STATES
from connectors.storefront.wire import clean
from models import order as canonical
from models.money import Money, minor_unit
from models.order import ChargeKind, Funder, Order, OrderKey, Remitter

CHANNEL = "storefront"
_REMITTERS = {"seller": Remitter.SELLER, "marketplace": Remitter.CHANNEL}
_FUNDERS = {"seller": Funder.SELLER, "marketplace": Funder.CHANNEL}
_SIDES = {"seller": canonical.FulfilmentSide.MERCHANT, "marketplace": canonical.FulfilmentSide.CHANNEL}


@dataclass(frozen=True)
class Purse:
    """Makes money of a document's amounts. Raises `SchemaDrift` where a currency has no such amount."""

    currency: str

    def money(self, amount: Decimal, path: str) -> Money:
        try:
            return Money.of(amount, self.currency)
        except ValueError:
            remedy = f"Amounts in {self.currency} are whole multiples of {minor_unit(self.currency)}."
            raise SchemaDrift("wrong_amount", path, str(amount), remedy) from None


def canonical_order(given: contract.StorefrontOrder, account: str) -> Order:
    """Raises `SchemaDrift`: amounts that do not add up, lines that are not there, a state that the units contradict."""
    purse = Purse(given.currency)
    _check_references(given)
    quantities = Quantities(given.state)
    order = Order(
        key=OrderKey(channel=CHANNEL, account=account, external_id=given.id),
        purchased_at=given.created_at,
        version=given.updated_at,
        state=STATES[given.state],
        fulfilled_by=_SIDES[given.fulfilled_by],
        currency=given.currency,
        lines=tuple(_lines(given, purse, quantities)),
        charges=tuple(_charges(given, purse)),
        total=purse.money(given.total, "total"),
        buyer_total=_buyer_total(given),
        buyer=buyer(given.buyer),
        ship_to=address(given.ship_to),
        bill_to=address(given.bill_to),
        service_level=given.service_level or "standard",
        ship_by=given.ship_by,
        deliver_by=given.deliver_by,
        parcels=tuple(map(_parcel, given.parcels)),
        refunds=tuple(_refund(refund, purse, f"refunds[{i}]") for i, refund in enumerate(given.refunds)),
        acknowledge_by=given.acknowledge_by,
        cancel_requested=_wish(given),
        cancel_reason=given.cancel_reason or None,
        test=given.test,
        replacement_of=given.replacement_of,
        gift=given.gift,
        region=given.region,
        extras=_extras(given),
    )
    quantities.check(order)
    _check_total(order)
    return order


def unknown_words(given: contract.StorefrontOrder) -> tuple[Drift, ...]:
    """Words that do no harm: a charge of another kind is still a charge."""
    words = dict.fromkeys(charge.kind for charge in given.charges if charge.kind not in CHARGES)
    return tuple(Drift(kind="unknown_value", path="charges[].kind", value=word) for word in words)


def _lines(given: contract.StorefrontOrder, purse: Purse, quantities: Quantities) -> Iterator[canonical.OrderLine]:
    for index, line in enumerate(given.lines):
        path = f"lines[{index}]"
        goods = purse.money(line.price, f"{path}.price")
        unit_price = None if line.unit_price is None else purse.money(line.unit_price, f"{path}.unit_price")
        if unit_price is not None and unit_price * line.quantity != goods:
            stated = f"price {goods}, {line.quantity} × {unit_price} = {unit_price * line.quantity}"
            raise SchemaDrift("amounts_differ", f"{path}.price", stated, "Leave unit_price out where it is rounded.")
        counted = quantities.of(line, path)
        yield canonical.OrderLine(
            line_id=line.id,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price=unit_price,
            goods=goods,
            discounts=_discounts(line.discounts, purse, path),
            taxes=_taxes(line.taxes, purse, path, included=given.prices_include_tax),
            cancelled=counted.cancelled,
            shipped=counted.shipped,
            needs_shipping=line.needs_shipping,
        )


def _charges(given: contract.StorefrontOrder, purse: Purse) -> Iterator[canonical.Charge]:
    for index, charge in enumerate(given.charges):
        path = f"charges[{index}]"
        kind = CHARGES.get(charge.kind, ChargeKind.OTHER)
        if charge.amount < 0 and kind is not ChargeKind.ROUNDING:
            remedy = "Only a rounding may be negative; write a reduction as a discount."
            raise SchemaDrift("wrong_amount", f"{path}.amount", str(charge.amount), remedy)
        yield canonical.Charge(
            kind=kind,
            amount=purse.money(charge.amount, f"{path}.amount"),
            line_id=charge.line_id,
            label=charge.label or charge.kind,
            discounts=_discounts(charge.discounts, purse, path),
            taxes=_taxes(charge.taxes, purse, path, included=given.prices_include_tax),
        )


def _discounts(rows: Sequence[contract.Discount], purse: Purse, path: str) -> tuple[canonical.Discount, ...]:
    return tuple(
        canonical.Discount(
            amount=purse.money(row.amount, f"{path}.discounts[{i}].amount"),
            funded_by=_FUNDERS[row.funded_by],
            code=row.code or None,
        )
        for i, row in enumerate(rows)
    )


def _taxes(rows: Sequence[contract.Tax], purse: Purse, path: str, *, included: bool) -> tuple[canonical.Tax, ...]:
    return tuple(
        canonical.Tax(
            amount=purse.money(row.amount, f"{path}.taxes[{i}].amount"),
            remitter=_REMITTERS[row.collected_by],
            jurisdiction=row.jurisdiction or None,
            rate=row.rate,
            included=included,
        )
        for i, row in enumerate(rows)
    )


def _parcel(parcel: contract.Parcel) -> canonical.Parcel:
    return canonical.Parcel(
        parcel_id=parcel.id,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        shipped_at=parcel.shipped_at,
        quantities=_units(parcel.lines),
    )


def _refund(refund: contract.Refund, purse: Purse, path: str) -> canonical.OrderRefund:
    return canonical.OrderRefund(
        refund_id=refund.id,
        amount=purse.money(refund.amount, f"{path}.amount"),
        at=refund.at,
        reason=refund.reason,
        quantities=_units(refund.lines),
    )


def _units(rows: Sequence[contract.LineUnits]) -> dict[str, int]:
    """One line may stand in several rows."""
    units: Counter[str] = Counter()
    for row in rows:
        units[row.line_id] += row.quantity
    return dict(units)


def _wish(given: contract.StorefrontOrder) -> str | None:
    """Why the buyer wants to cancel; of an order that is cancelled nothing is left to wish."""
    if given.cancel_request is None or given.state == "cancelled":
        return None
    return given.cancel_request.reason or "the buyer asks to cancel"


def _buyer_total(given: contract.StorefrontOrder) -> Money | None:
    if given.buyer_total is None:
        return None
    return Purse(given.buyer_total.currency).money(given.buyer_total.amount, "buyer_total.amount")


def _extras(given: contract.StorefrontOrder) -> dict[str, str]:
    free = {clean(name): clean(value) for name, value in given.extras.items() if isinstance(value, str)}
    own = {"number": given.number, "note": given.note}
    return {**free, **{name: value for name, value in own.items() if value}}


def _check_references(given: contract.StorefrontOrder) -> None:
    """Raises `SchemaDrift` for a line id that occurs twice, or that is no line's."""
    ids = [line.id for line in given.lines]
    for index, line_id in enumerate(ids):
        if line_id in ids[:index]:
            raise SchemaDrift("duplicate_line", f"lines[{index}].id", line_id, "Line ids are unique within an order.")
    for path, line_id in _references(given):
        if line_id not in ids:
            raise SchemaDrift("unknown_line", path, line_id, f"The order's lines are {', '.join(ids[:20])}.")


def _references(given: contract.StorefrontOrder) -> Iterator[tuple[str, str]]:
    for i, charge in enumerate(given.charges):
        if charge.line_id is not None:
            yield f"charges[{i}].line_id", charge.line_id
    parts: tuple[tuple[str, Sequence[contract.Parcel | contract.Refund]], ...] = (
        ("parcels", given.parcels),
        ("refunds", given.refunds),
    )
    for name, rows in parts:
        for i, row in enumerate(rows):
            yield from ((f"{name}[{i}].lines[{j}].line_id", units.line_id) for j, units in enumerate(row.lines))


def _check_total(order: Order) -> None:
    totals = order.totals
    if totals.difference:
        parts = (
            f"goods {totals.goods.amount} - discounts {totals.discounts.amount} + shipping {totals.shipping.amount}"
            f" + other charges {totals.other.amount} + tax {totals.seller_tax.amount + totals.channel_tax.amount}"
        )
        remedy = f"The parts give {totals.computed}: {parts}. Is prices_include_tax right, and every charge there?"
        raise SchemaDrift("totals_differ", "total", str(totals.total), remedy)
