"""What is heard of a release: reports as they come, and answers to questions where none comes."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.wms import FulfilmentRef, WmsActivities
    from models.fulfilment import Shipment, Shortfall
    from models.goods import FulfilmentPart, Stage
    from models.life import OrderLife
    from workflows import policy
    from workflows.office import Office

SILENT = "silent"
ASK_FOR_SHORTFALLS = "ask-for-shortfalls"
"""Patch: a warehouse that reports nothing is asked for what it will not ship, too."""


class Listening:
    """`report` and `fall_short` count what was heard, once, whoever said it."""

    def __init__(
        self, office: Office, report: Callable[[Shipment], None], fall_short: Callable[[Shortfall], None]
    ) -> None:
        self._office = office
        self._life = office.life
        self._report = report
        self._fall_short = fall_short

    async def hear_from(self, fulfilment_id: str) -> None:
        """Wait for a parcel; ask a node that stays silent."""
        part = self._life.part(fulfilment_id)
        assert part is not None
        heard = part.parcels

        def news() -> bool:
            now = self._life.part(fulfilment_id)
            return now is None or now.parcels > heard or now.stage is not Stage.RELEASED

        try:
            await workflow.wait_condition(
                news,
                timeout=policy.SILENT_NODE,
                timeout_summary=f"Node {part.node} is asked when it stays silent",
            )
        except TimeoutError:
            await self._ask(part)
            if not news():
                await self._act_on_silence(part)

    async def _ask(self, part: FulfilmentPart) -> None:
        """A warehouse that does not say is asked again later."""
        try:
            found = await self._office.calls.outside(
                WmsActivities.find_shipments,
                ref_to(part, self._life),
                policy.WMS_QUEUE,
                f"Ask node {part.node} what it shipped",
            )
            for shipment in found:
                self._report(shipment)
            if self._waits_for(part) and workflow.patched(ASK_FOR_SHORTFALLS):
                await self._ask_for_shortfalls(part)
        except ActivityError as error:
            workflow.logger.warning(
                "the warehouse does not say",
                extra={"error": str(error.cause), "correlation_id": str(self._life.order.correlation_id)},
            )

    async def _ask_for_shortfalls(self, part: FulfilmentPart) -> None:
        for shortfall in await self._office.calls.outside(
            WmsActivities.find_shortfalls,
            ref_to(part, self._life),
            policy.WMS_QUEUE,
            f"Ask node {part.node} what it will not ship",
        ):
            if self._waits_for(part):
                self._fall_short(shortfall)

    async def _act_on_silence(self, part: FulfilmentPart) -> None:
        """A node that ships nothing for too long loses the goods, if another one has them and the first one stops."""
        terms, since = self._life.terms, part.released_at
        if terms is None or since is None or part.parcels or part.node in self._life.excluded:
            return
        if workflow.now() < since + terms.node_patience:
            return
        self._life.excluded[part.node] = SILENT
        self._life.silent.append(part.fulfilment_id)
        self._office.wake()

    def _waits_for(self, part: FulfilmentPart) -> bool:
        now = self._life.part(part.fulfilment_id)
        return now is not None and now.stage is Stage.RELEASED


def ref_to(part: FulfilmentPart, life: OrderLife) -> FulfilmentRef:
    return FulfilmentRef(fulfilment_id=part.fulfilment_id, correlation_id=str(life.order.correlation_id))
