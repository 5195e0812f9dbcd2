"""Walmart Marketplace."""

from collections.abc import Mapping
from datetime import datetime

from connectors.walmart.channel import CHANNEL
from connectors.walmart.client import WalmartChannel
from connectors.walmart.webhook import signed_headers
from models.channel import ReturnAction
from sandbox.walmart import WalmartTwin
from tests.conformance.subject import Delivery, Effects, Operations, Subject


def resign(delivery: Delivery, at: datetime, secret: str) -> Mapping[str, str]:
    signed = signed_headers(secret, delivery.body, int(at.timestamp()))
    return {**delivery.headers, **{name.lower(): value for name, value in signed.items()}}


SUBJECT = Subject(
    format=CHANNEL.format,
    twin=WalmartTwin,
    connect=lambda connection, clock: WalmartChannel(connection, clock=clock),
    operations=Operations(
        poll="walmart.list_orders",
        order="walmart.get_order",
        token="walmart.token",
        acknowledge="walmart.acknowledge",
        confirm="walmart.ship",
        cancel="walmart.cancel",
        cancel_part="walmart.cancel",
        refund="walmart.refund",
        returns="walmart.list_returns",
        decide_return="walmart.refund_return",
        stock="walmart.set_inventory",
    ),
    effects=Effects(confirmed="shipped", acknowledged="acknowledged", return_decided="return_refunded"),
    state_fields=("status",),
    small_pages={"page_size": 2, "overlap_seconds": 0},
    tight_scale=0.002,
    resign=resign,
    return_actions=((ReturnAction.REFUND,),),
)
