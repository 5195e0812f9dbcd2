"""Later builds of the product's processes, as somebody would deploy them: test-only, under the product's own names.

Each waits a moment before it begins: one more command at the very front, which nothing that is under way has in its
history.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount
    from models.life import OrderLife
    from models.messages import OrderSnapshot
    from models.order import Order
    from workflows.order import OrderWorkflow

MOMENT = timedelta(milliseconds=1)


@workflow.defn(name="OrderWorkflow")
class CarelessOrderWorkflow(OrderWorkflow):
    """Right for new orders; breaks every order that began before it."""

    @workflow.init
    def __init__(self, begun: Order | OrderLife) -> None:
        super().__init__(begun)

    @workflow.run
    async def run(self, begun: Order | OrderLife) -> OrderSnapshot:
        await workflow.sleep(MOMENT)
        return await super().run(begun)


@workflow.defn(name="OrderWorkflow")
class PatchedOrderWorkflow(OrderWorkflow):
    """The same change behind `patched`: an order that began before it goes on as it was."""

    @workflow.init
    def __init__(self, begun: Order | OrderLife) -> None:
        super().__init__(begun)

    @workflow.run
    async def run(self, begun: Order | OrderLife) -> OrderSnapshot:
        if workflow.patched("a-moment-before-it-begins"):
            await workflow.sleep(MOMENT)
        return await super().run(begun)


@workflow.defn(name="ChannelSync")
class HastyChannelSync:
    """A walk over a channel's pages that reads none."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> None:
        await workflow.sleep(MOMENT)
