"""Shopify's Admin API."""

from connectors.shopify.channel import CHANNEL
from connectors.shopify.client import ShopifyChannel
from connectors.shopify.parse import KNOWN
from models.channel import ReturnAction
from sandbox.shopify import ShopifyTwin
from tests.conformance.subject import Capability, Effects, Operations, Subject

SUBJECT = Subject(
    format=CHANNEL.format,
    twin=ShopifyTwin,
    connect=lambda connection, clock: ShopifyChannel(connection, clock=clock),
    operations=Operations(
        poll="shopify.orders",
        order="shopify.order",
        confirm="shopify.fulfillment_create",
        token="shopify.token",
        cancel="shopify.order_cancel",
        cancel_part="shopify.refund_create",
        refund="shopify.refund_create",
        returns="shopify.orders",
        decide_return="shopify.return_approve_request",
        stock="shopify.inventory_set_quantities",
    ),
    effects=Effects(
        confirmed="fulfillment_created", cancelled_part="units_cancelled", return_decided="return_approved"
    ),
    state_fields=("displayFinancialStatus",),
    free_form=tuple(path.split(".")[-2].removesuffix("[]") for path in KNOWN if path.endswith(".*")),
    order_at=("data", "order"),
    small_pages={"overlap_seconds": 0},
    fills_pages=12,
    tight_scale=0.5,
    throttled=lambda status, body: status == 429 or b'"THROTTLED"' in body,
    return_actions=(
        (ReturnAction.ACCEPT, ReturnAction.RECEIVE, ReturnAction.REFUND),
        (ReturnAction.REFUSE,),
    ),
    wrong_credentials=("client_secret", "client_id"),
    without={
        Capability.TIME_WINDOW: "Shopify signs the body alone: a delivery is known again by its id",
        Capability.ACKNOWLEDGE: "Shopify asks no merchant to take an order",
        Capability.BUYER_ASKS: "a shop's buyer cancels, or writes to the merchant",
    },
)
