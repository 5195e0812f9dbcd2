"""Amazon's Selling Partner API."""

from connectors.amazon.channel import CHANNEL
from connectors.amazon.client import AmazonChannel
from models.channel import ReturnAction
from sandbox.amazon import AmazonTwin
from tests.conformance.subject import Capability, Effects, Operations, Subject

SUBJECT = Subject(
    format=CHANNEL.format,
    twin=AmazonTwin,
    connect=lambda connection, clock: AmazonChannel(connection, clock=clock),
    operations=Operations(
        poll="amazon.search_orders",
        order="amazon.get_order",
        confirm="amazon.confirm_shipment",
        token="amazon.token",
        cancel="amazon.create_feed",
        cancel_part="amazon.create_feed",
        refund="amazon.create_feed",
        returns="amazon.create_report",
        decide_return="amazon.create_feed",
        stock="amazon.patch_listing",
    ),
    effects=Effects(confirmed="shipment_confirmed", return_decided="refunded"),
    state_fields=("fulfillmentStatus",),
    order_at=("order",),
    small_pages={"page_size": 2, "overlap_seconds": 0},
    return_actions=((ReturnAction.REFUND,),),
    without={
        Capability.SIGNED_BODY: "EventBridge authenticates its deliveries by a shared secret and signs no body",
        Capability.TIME_WINDOW: "EventBridge's deliveries carry no signed time",
        Capability.ACKNOWLEDGE: "Amazon asks no seller to take an order",
        Capability.REFUND_SHOWN: "Amazon's orders do not tell of refunds; its settlements do",
    },
)
