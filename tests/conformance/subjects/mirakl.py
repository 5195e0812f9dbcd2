"""Mirakl, which most regional marketplaces run on."""

from connectors.mirakl.channel import CHANNEL
from connectors.mirakl.client import MiraklChannel
from models.channel import ReturnAction
from sandbox.mirakl import MiraklTwin
from tests.conformance.subject import Capability, Effects, Operations, Subject

NO_WEBHOOKS = "Mirakl sends no webhooks: orders are polled"

SUBJECT = Subject(
    format=CHANNEL.format,
    twin=lambda sandbox, _: MiraklTwin(sandbox),
    connect=lambda connection, clock: MiraklChannel(connection, clock=clock),
    operations=Operations(
        poll="mirakl.list_orders",
        order="mirakl.list_orders",
        acknowledge="mirakl.accept",
        confirm="mirakl.create_shipments",
        cancel="mirakl.cancel_order",
        cancel_part="mirakl.cancel_lines",
        refund="mirakl.refund",
        returns="mirakl.list_returns",
        decide_return="mirakl.accept_return",
        stock="mirakl.import_stock",
    ),
    effects=Effects(confirmed="shipped", acknowledged="accepted", return_decided="return_accepted"),
    state_fields=("order_state",),
    small_pages={"page_size": 2, "overlap_seconds": 0},
    return_actions=((ReturnAction.ACCEPT, ReturnAction.RECEIVE, ReturnAction.REFUND), (ReturnAction.REFUSE,)),
    without={
        Capability.WEBHOOKS: NO_WEBHOOKS,
        Capability.TOKEN: "Mirakl's API key is a fixed one",
        Capability.PARTS_SHOWN: "a Mirakl order is SHIPPING until all of it has left, and does not count its parcels",
        Capability.BUYER_ASKS: "on Mirakl a buyer asks the operator, who cancels",
    },
)
