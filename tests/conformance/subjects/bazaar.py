"""Bazaar, the invented marketplace of `docs/adding-a-channel.md`."""

from examples.bazaar.channel import CHANNEL
from examples.bazaar.client import BazaarChannel
from examples.bazaar.twin import BazaarTwin
from models.channel import ReturnAction
from tests.conformance.subject import Capability, Effects, Operations, Subject

NO_WEBHOOKS = "Bazaar sends no webhooks: purchases are polled"

SUBJECT = Subject(
    format=CHANNEL.format,
    twin=lambda sandbox, _: BazaarTwin(sandbox),
    connect=lambda connection, clock: BazaarChannel(connection, clock=clock),
    operations=Operations(
        poll="bazaar.list",
        order="bazaar.get",
        acknowledge="bazaar.accept",
        confirm="bazaar.send",
        cancel="bazaar.void",
        cancel_part="bazaar.void",
        refund="bazaar.pay_back",
        returns="bazaar.claims",
        decide_return="bazaar.judge",
        stock="bazaar.stock",
    ),
    effects=Effects(
        confirmed="sent",
        acknowledged="accepted",
        cancelled="voided",
        cancelled_part="voided",
        refunded="paid_back",
        return_decided="judged",
    ),
    state_fields=("status",),
    small_pages={"page_size": 2},
    tight_scale=0.2,
    return_actions=((ReturnAction.ACCEPT,), (ReturnAction.REFUSE,)),
    without={
        Capability.WEBHOOKS: NO_WEBHOOKS,
        Capability.TOKEN: "Bazaar's key is a fixed one",
        Capability.BUYER_ASKS: "a buyer of Bazaar cancels, or does not",
    },
)
