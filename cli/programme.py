"""Which stories the demo tells, and when: before the channels pay, and after orders were closed."""

from __future__ import annotations

from cli import stories_goods as goods
from cli import stories_money as money
from cli.stories import Telling


def before_payment() -> list[tuple[str, Telling]]:
    kayaks = goods.Lorry(awaited=4)
    return [
        ("partial shipment, split over nodes", goods.partial_shipment),
        ("bundle in parts", goods.bundle_in_parts),
        ("short pick, routed again", goods.short_pick),
        ("node that rejects", goods.rejected),
        *goods.awaiting(kayaks),
        ("a delivery", kayaks.drive),
        ("pre-order", goods.pre_order),
        ("units cancelled by the channel", goods.by_channel),
        ("cancelled by the buyer", goods.by_buyer),
        ("cancelled after the release", goods.cancelled_after_release),
        ("units cancelled after the release", goods.units_cancelled_after_release),
        ("cancelled too late", goods.too_late),
        ("hold: fraud", goods.fraud),
        ("hold: address", goods.address),
        ("hold: price below the floor", goods.price_floor),
        ("hold: payment pending", goods.payment),
        ("return, for sale again", money.returned_for_sale),
        ("return of a part, broken", money.returned_broken),
        ("return, refused by inspection", money.returned_used),
        ("goodwill", money.goodwill),
        ("shipping paid back", money.shipping_refund),
        ("replacement", money.exchange),
        ("two legal entities, two currencies", money.two_currencies),
        ("tax engine away", money.degraded_tax),
        ("repair by query", money.repaired),
    ]


def after_closing() -> list[tuple[str, Telling]]:
    return [
        ("return after closing", money.returned_after_closing),
        ("late event after closing", money.late_event),
    ]
