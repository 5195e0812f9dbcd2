"""Storefront: our own contract, which any shop can speak."""

from collections.abc import Mapping
from datetime import datetime

from connectors.storefront import signature
from connectors.storefront.channel import CHANNEL
from connectors.storefront.client import StorefrontChannel
from models.channel import ReturnAction
from sandbox.storefront import StorefrontTwin
from tests.conformance.subject import Capability, Delivery, Effects, Operations, Subject


def resign(delivery: Delivery, at: datetime, secret: str) -> Mapping[str, str]:
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    timestamp = str(int(at.timestamp()))
    named = (headers[signature.DELIVERY.lower()], headers[signature.TOPIC.lower()])
    signed = signature.sign(secret, timestamp, *named, delivery.body)
    return {**headers, signature.TIMESTAMP.lower(): timestamp, signature.SIGNATURE.lower(): signed}


SUBJECT = Subject(
    format=CHANNEL.format,
    twin=StorefrontTwin,
    connect=lambda connection, clock: StorefrontChannel(connection, clock=clock),
    operations=Operations(
        poll="storefront.list_orders",
        order="storefront.get_order",
        acknowledge="storefront.acknowledge",
        confirm="storefront.ship",
        cancel="storefront.cancel",
        cancel_part="storefront.cancel",
        refund="storefront.refund",
        returns="storefront.list_returns",
        decide_return="storefront.decide_return",
        stock="storefront.set_stock",
    ),
    effects=Effects(confirmed="shipped", acknowledged="acknowledged", return_decided="return_decided"),
    state_fields=("state",),
    small_pages={"page_size": 2, "overlap_seconds": 0},
    tight_scale=0.2,
    free_form=("extras",),
    return_actions=(
        (ReturnAction.ACCEPT, ReturnAction.RECEIVE, ReturnAction.REFUND),
        (ReturnAction.REFUSE,),
    ),
    resign=resign,
    without={
        Capability.TOKEN: "the shop's token is a fixed one, and does not expire in mid-poll",
    },
)
