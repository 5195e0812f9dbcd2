"""From a release to parcels: what warehouses are told, and what they report."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.stock import ShortfallCounted, StockActivities
    from activities.wms import WmsActivities
    from models.case import Action, CaseKind
    from models.fulfilment import PickLine, Release, Shipment, Shortfall, ShortfallKind
    from models.goods import FulfilmentPart, Stage
    from models.life import HandledParcel
    from workflows import policy
    from workflows.listening import Listening, ref_to
    from workflows.office import Office
    from workflows.parcels import Parcels


class Shipping:
    """One task for each released fulfilment and for each parcel. Reports are counted when they come, whoever waits."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._life = office.life
        self._parcels = Parcels(office)
        self._listening = Listening(office, self.report, self.fall_short)
        self._resumed = False

    def resume(self) -> None:
        """Go on with what was under way before the workflow continued as new; once in a run."""
        if self._resumed:
            return
        self._resumed = True
        for part in self._life.at(Stage.RELEASED):
            self._office.spawn(self._fulfil(part.fulfilment_id))
        for parcel in self._life.parcels:
            if not parcel.done:
                self._office.spawn(self._parcels.dispatch(parcel.shipment.shipment_id))
            if self._office.desk.carried(_unasked_step(parcel.shipment)):
                self._office.spawn(self._unasked(parcel.shipment))

    def release(self, part: FulfilmentPart) -> None:
        self._life.put(part.moved_to(Stage.RELEASED, workflow.now()))
        self._office.spawn(self._fulfil(part.fulfilment_id))

    def report(self, shipment: Shipment) -> None:
        """A parcel has left; saying it twice changes nothing."""
        life, before = self._life, self._life.goods
        part = life.part(shipment.fulfilment_id)
        if part is None or any(each.shipment.shipment_id == shipment.shipment_id for each in life.parcels):
            return
        if part.stage is not Stage.RELEASED:
            self._office.spawn(self._unasked(shipment))
        part = part.with_parcel(shipment.picks)
        life.put(part.moved_to(Stage.ENDED) if part.complete else part)
        units = life.goods.completed_by(before)
        life.packages += 1
        life.parcels.append(HandledParcel(shipment=shipment, package_number=life.packages, units=units))
        self._office.desk.resume(_wait_of(part), "a parcel was reported")
        self._office.spawn(self._parcels.dispatch(shipment.shipment_id))
        self._office.wake()

    def fall_short(self, shortfall: Shortfall) -> None:
        """A node will not ship these: the rest is for another node, or for later."""
        life = self._life
        part = life.part(shortfall.fulfilment_id)
        if part is None or shortfall.report_id in life.shortfalls:
            return
        life.shortfalls.append(shortfall.report_id)
        life.excluded[shortfall.node] = shortfall.kind
        part = part.without(shortfall.picks)
        life.put(part.moved_to(Stage.ENDED) if part.complete else part)
        self._office.spawn(self._count_short(shortfall))

    async def stop(self, part: FulfilmentPart) -> tuple[PickLine, ...] | None:
        """Ask the warehouse not to ship; its answer is the truth. What it had not shipped, or None for a no.

        Raises nothing: a refusal to answer is a no, and a warehouse that is away is asked until it answers.
        """
        ref = ref_to(part, self._life)
        try:
            answer = await self._office.calls.outside(
                WmsActivities.cancel_release, ref, policy.WMS_QUEUE, f"Stop {part.fulfilment_id}"
            )
            if not answer.confirmed:
                return None
            found = await self._office.calls.outside(
                WmsActivities.find_shipments,
                ref,
                policy.WMS_QUEUE,
                f"Ask node {part.node} what left before",
            )
        except ActivityError as error:
            workflow.logger.warning("the warehouse does not stop", extra=self._told(error))
            return None
        for shipment in found:
            self.report(shipment)
        stopped = self._life.part(part.fulfilment_id)
        assert stopped is not None
        rest = stopped.remaining
        self._life.put(stopped.without(rest).moved_to(Stage.ENDED))
        # The refusal of an overtaken release may have arrived first, and opened a case; so may the wait.
        self._office.desk.resume(_release_of(part), "the warehouse was told to forget it")
        self._office.desk.resume(_wait_of(part), "the warehouse was told to forget it")
        return rest

    async def _unasked(self, shipment: Shipment) -> None:
        """Goods left although the warehouse had said that they would not: a person has to see to it."""
        reason = (
            f"node {shipment.node} shipped {shipment.tracking} after it had stopped {shipment.fulfilment_id}:"
            " get the parcel back, or charge the buyer; skip when that is dealt with"
        )
        step, allowed = _unasked_step(shipment), (Action.SKIP,)
        await self._office.desk.settle(CaseKind.LATE_EVENT, step, reason, allowed, interruptible=False)

    async def _fulfil(self, fulfilment_id: str) -> None:
        part = self._life.part(fulfilment_id)
        assert part is not None
        if not part.parcels:
            await self._release(part)
        while self._is_released(fulfilment_id):
            await self._listening.hear_from(fulfilment_id)

    def _is_released(self, fulfilment_id: str) -> bool:
        part = self._life.part(fulfilment_id)
        return part is not None and part.stage is Stage.RELEASED

    async def _release(self, part: FulfilmentPart) -> None:
        async def release() -> None:
            if self._is_released(part.fulfilment_id):
                await self._release_once(part)

        await self._office.desk.attempt(CaseKind.WMS_DECLINED, _release_of(part), release, cancellable=False)

    async def _release_once(self, part: FulfilmentPart) -> None:
        goods = ", ".join(f"{pick.quantity} × {pick.item}" for pick in part.picks)
        try:
            await self._office.calls.outside(
                WmsActivities.release_to_wms,
                self._instruction(part),
                policy.WMS_QUEUE,
                f"Release {goods} to node {part.node}",
            )
        except ActivityError as error:
            # A cancellation overtook the release, and the warehouse refuses what it was told to forget.
            if not self._is_released(part.fulfilment_id):
                return
            if not _is_about_the_node(error):
                raise
            self._rejected(part, error)

    def _rejected(self, part: FulfilmentPart, error: ActivityError) -> None:
        """This node does not take it: another one may."""
        self.fall_short(
            Shortfall(
                report_id=f"{part.fulfilment_id}~rejected",
                fulfilment_id=part.fulfilment_id,
                node=part.node,
                kind=ShortfallKind.REJECTED,
                reason=str(error.cause),
                reported_at=workflow.now(),
                picks=part.remaining,
            )
        )

    async def _count_short(self, shortfall: Shortfall) -> None:
        request = ShortfallCounted(order_key=self._life.order.key, shortfall=shortfall)
        what = (
            f"{shortfall.node} does not ship {sum(pick.quantity for pick in shortfall.picks)} items: {shortfall.kind}"
        )
        await self._office.writes.do(StockActivities.count_short, request, what)
        self._life.routing_wanted = self._life.ship_what_is_there = True
        self._office.wake()

    def _instruction(self, part: FulfilmentPart) -> Release:
        order = self._life.order
        assert order.ship_to is not None
        return Release(
            fulfilment_id=part.fulfilment_id,
            reply_to=workflow.info().workflow_id,
            order_key=order.key,
            correlation_id=str(order.correlation_id),
            node=part.node,
            service_level=order.service_level,
            ship_to=order.ship_to,
            ship_by=order.ship_by,
            picks=part.picks,
        )

    def _told(self, error: ActivityError) -> dict[str, str]:
        return {"error": str(error.cause), "correlation_id": str(self._life.order.correlation_id)}


def _release_of(part: FulfilmentPart) -> str:
    return f"release:{part.fulfilment_id}"


def _unasked_step(shipment: Shipment) -> str:
    return f"unasked:{shipment.shipment_id}"


def _wait_of(part: FulfilmentPart) -> str:
    return f"wait_for_parcel:{part.fulfilment_id}"


def _is_about_the_node(error: ActivityError) -> bool:
    """A refusal whose field is the node says nothing against the order: another node may take it."""
    cause = error.cause
    return isinstance(cause, ApplicationError) and cause.non_retryable and "node" in cause.details[1:2]
