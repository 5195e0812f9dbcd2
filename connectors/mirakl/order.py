"""An order of OR11 to the canonical one. Raises `SchemaDrift` naming what is needed and not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.mirakl.lines import Line
from connectors.mirakl.node import Node, currency_of
from connectors.mirakl.people import address, buyer
from connectors.mirakl.totals import Added, add_up
from connectors.mirakl.vocabulary import (
    CHANNEL,
    ORDER_STATES,
    SHIPPING,
    TAX_EXCLUDED,
    TAX_INCLUDED,
    WAITING_ACCEPTANCE,
)
from models.money import Money
from models.order import ChannelState, FulfilmentSide, Order, OrderKey, Parcel

ACCEPTANCE = timedelta(hours=24)
"""How long a seller may take to accept: the shortest time that operators are known to set; orders do not state it."""
OWN_CENTER = "DEFAULT"
"""The fulfilment centre of a seller who ships."""
KEPT = (
    "order_state",
    "commercial_id",
    "order_tax_mode",
    "payment_workflow",
    "shipping_type_code",
    "shipping_pudo_id",
    "quote_id",
)
"""Fields that are kept as `Order.extras`."""
EXPRESS_WORDS = ("exp", "24h", "48h", "next", "chrono")


def canonical(node: Node, account: str) -> Order:
    external_id = node["order_id"].identifier()
    word = _word(node)
    currency = currency_of(node["currency_iso_code"])
    lines = _lines(node, currency, word)
    added = add_up(node, lines, currency)
    state = _state(word, lines)
    return Order(
        key=OrderKey(channel=CHANNEL, account=account, external_id=external_id),
        purchased_at=node["created_date"].moment(),
        version=node["last_updated_date"].moment(),
        state=state,
        fulfilled_by=_side(node, word),
        currency=currency,
        lines=added.lines,
        charges=added.charges,
        total=added.total,
        refunds=tuple(refund for line in lines for refund in line.refunds()),
        parcels=_parcels(node, lines, external_id),
        cancel_reason=_cancel_reason(node, lines) if state is ChannelState.CANCELLED else None,
        acknowledge_by=node["created_date"].moment() + ACCEPTANCE if word == WAITING_ACCEPTANCE else None,
        extras=_extras(node, added),
        **_delivery(node),
    )


def _word(node: Node) -> str:
    """Raises `SchemaDrift` for a state nobody can act on: guessing could ship what must not be shipped."""
    stated = node["order_state"]
    if not stated:
        raise stated.drift("missing", "What may be done with an order depends on its state: read it again with OR11.")
    if stated.text() not in ORDER_STATES:
        raise stated.drift("unknown_status", f"Known are {', '.join(ORDER_STATES)}; map it, then replay the order.")
    return stated.text()


def _lines(node: Node, currency: str, word: str) -> list[Line]:
    listed = list(node["order_lines"].each())
    if not listed:
        raise node["order_lines"].drift("items_absent", "An order has lines: read it again with OR11 (order_ids).")
    included, paid_back = _taxes_included(node, listed), node["fully_refunded"].flag() is True
    lines = [Line(each, currency, word, included, paid_back) for each in listed]
    ids = [line.line_id for line in lines]
    if twice := next((line for line in lines if ids.count(line.line_id) > 1), None):
        raise twice.node["order_line_id"].drift("duplicate", "Two lines of the order have this id: read it again.")
    return lines


def _taxes_included(node: Node, lines: Sequence[Node]) -> bool:
    """Raises `SchemaDrift` when there are taxes and nobody says whether the prices contain them."""
    stated = node["order_tax_mode"]
    taxed = any(line[name] for line in lines for name in ("taxes", "shipping_taxes")) or bool(node["order_taxes"])
    if taxed and stated.text() not in (TAX_EXCLUDED, TAX_INCLUDED):
        reason = "unknown_tax_mode" if stated else "missing"
        raise stated.drift(reason, "TAX_INCLUDED or TAX_EXCLUDED decides what the buyer pays: read it with OR11.")
    return stated.text() != TAX_EXCLUDED


def _state(word: str, lines: Sequence[Line]) -> ChannelState:
    """The order's state, and where it is being shipped, how far its lines are."""
    state = ORDER_STATES[word]
    if all(line.units.cancelled == line.units.ordered for line in lines):
        return ChannelState.CANCELLED
    if state is not ChannelState.OPEN or not any(line.units.shipped for line in lines):
        return state
    still_open = any(line.units.ordered > line.units.cancelled + line.units.shipped for line in lines)
    return ChannelState.PARTIALLY_SHIPPED if still_open else ChannelState.SHIPPED


def _side(node: Node, word: str) -> FulfilmentSide:
    """The operator ships what lies in a centre of its own, and then lets no seller ship it."""
    center = node["fulfillment"]["center"]["code"].text() or OWN_CENTER
    theirs = word == SHIPPING and node["can_shop_ship"].flag() is False and center != OWN_CENTER
    return FulfilmentSide.CHANNEL if theirs else FulfilmentSide.MERCHANT


def _delivery(node: Node) -> dict[str, Any]:
    """To whom, how fast and where to."""
    customer = node["customer"]
    method = f"{node['shipping_type_standard_code'].text()} {node['shipping_type_label'].text()}".lower()
    return {
        "buyer": buyer(node),
        "ship_to": address(customer["shipping_address"]),
        "bill_to": address(customer["billing_address"]),
        "service_level": "express" if any(each in method for each in EXPRESS_WORDS) else "standard",
        "ship_by": node["shipping_deadline"].moment_if_readable(),
        "deliver_by": node["delivery_date"]["latest"].moment_if_readable(),
        "region": node["channel"]["code"].text(),
    }


def _parcels(node: Node, lines: Sequence[Line], external_id: str) -> tuple[Parcel, ...]:
    """The one parcel that an order of OR11 tells of; those of a multi-shipment are listed by ST11."""
    carrier, tracking = node["shipping_company"].text(), node["shipping_tracking"].text()
    shipped = {line.line_id: line.units.shipped for line in lines if line.units.shipped}
    if not shipped or not (carrier or tracking):
        return ()
    dates = (line.node["shipped_date"].moment_if_readable() for line in lines)
    at = next((date for date in dates if date), None)
    parcel = Parcel(parcel_id=f"{external_id}-1", carrier=carrier, tracking=tracking, shipped_at=at, quantities=shipped)
    return (parcel,)


def _cancel_reason(node: Node, lines: Sequence[Line]) -> str | None:
    stated = [node["order_state_reason_label"].text(), node["order_state_reason_code"].text()]
    stated += [line.node["order_line_state_reason_label"].text() for line in lines]
    stated += [each["reason_code"].text() for line in lines for each in line.node["cancelations"].each()]
    return next((reason for reason in stated if reason), None)


def _extras(node: Node, added: Added) -> dict[str, str]:
    """What Mirakl says beside the canonical order; empty values are left out."""
    stated = {name: node[name].text() for name in KEPT}
    stated["order_reference_for_seller"] = node["references"]["order_reference_for_seller"].text()
    stated["fees_outside_total"] = str(added.fees_outside.amount) if added.fees_outside else ""
    stated["order_taxes"] = _differing_order_taxes(node, added)
    for field in node["order_additional_fields"].each():
        stated[f"field:{field['code'].text()}"] = field["value"].text()
    return {name: value for name, value in stated.items() if value}


def _differing_order_taxes(node: Node, added: Added) -> str:
    """What the order says its taxes are, where that is not what its lines say: the lines are what is charged."""
    currency = added.total.currency
    stated = Money.total((tax["total_amount"].money(currency) for tax in node["order_taxes"].each()), currency)
    taxes = [tax.amount for line in added.lines for tax in line.taxes]
    taxes += [tax.amount for charge in added.charges for tax in charge.taxes]
    return str(stated.amount) if stated and stated != Money.total(taxes, currency) else ""
