"""One node's part of an order: release, parcels, confirmation to the channel, ERP shipment and invoice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelActivities
    from activities.erp import ErpActivities
    from activities.notify import NotifyActivities
    from activities.stock import ParcelLeft, StockActivities
    from activities.wms import FulfilmentRef, WmsActivities
    from models.case import Action, CaseKind, ExceptionCase, Resolution
    from models.fulfilment import ConfirmedParcel, FulfilmentPlan, Release, Shipment, completed_units
    from models.messages import ShipmentRecord
    from models.systems import Notice
    from workflows import policy
    from workflows.cases import CaseDesk, never
    from workflows.writes import Writes

_RELEASE = "release"
_WAIT = "wait_for_parcel"
ParcelDone = Callable[[ShipmentRecord], None]


class Fulfilment:
    """Runs inside the order's workflow for its first node, and as a `FulfilmentWorkflow` for each further one."""

    def __init__(self, plan: FulfilmentPlan, desk: CaseDesk, writes: Writes, done: ParcelDone) -> None:
        self.plan = plan
        self.stopped = False
        self._desk = desk
        self._writes = writes
        self._done = done
        self._reported: dict[str, Shipment] = {}
        self._handled: list[str] = []
        self._shipped: dict[str, int] = {}
        self._escalated = False
        self._ship_by = plan.ship_by or workflow.now() + policy.SHIP_BY_DEFAULT

    def report(self, shipment: Shipment) -> None:
        """The warehouse says that a parcel left; saying it twice changes nothing."""
        self._reported.setdefault(shipment.shipment_id, shipment)
        self._desk.resume(_WAIT, "a parcel was reported")

    @property
    def untouched(self) -> bool:
        return not self._reported

    async def run(self) -> None:
        await self._desk.attempt(CaseKind.WMS_DECLINED, _RELEASE, self._release, cancellable=False)
        while not self.stopped and not self._complete:
            await self._next_report()
            for shipment in list(self._reported.values()):
                if shipment.shipment_id not in self._handled:
                    await self._dispatch(shipment)

    async def stop(self) -> bool:
        """Ask the warehouse not to ship; its answer is the truth, and a refusal to answer is a no."""
        try:
            answer = await workflow.execute_activity_method(
                WmsActivities.cancel_release,
                self._ref,
                **policy.outside(policy.WMS_QUEUE, f"Stop {self.plan.fulfilment_id}"),
            )
        except ActivityError as error:
            workflow.logger.warning("the warehouse does not stop", extra=self._told(error))
            return False
        self.stopped = answer.confirmed
        if self.stopped:
            # The refusal of an overtaken release may have arrived first, and opened a case.
            self._desk.resume(_RELEASE, "the warehouse was told to forget it")
        return answer.confirmed

    async def _release(self) -> None:
        if self.stopped:
            return
        plan = self.plan
        release = Release(
            fulfilment_id=plan.fulfilment_id,
            reply_to=workflow.info().workflow_id,
            order_key=plan.order_key,
            correlation_id=plan.correlation_id,
            node=plan.node.node,
            service_level=plan.service_level,
            ship_to=plan.ship_to,
            ship_by=plan.ship_by,
            picks=plan.node.picks,
        )
        goods = ", ".join(f"{pick.quantity} × {pick.item}" for pick in plan.node.picks)
        try:
            await workflow.execute_activity_method(
                WmsActivities.release_to_wms,
                release,
                **policy.outside(policy.WMS_QUEUE, f"Release {goods} to node {plan.node.node}"),
            )
        except ActivityError:
            # A cancellation overtook the release, and the warehouse refuses what it was told to forget.
            if not self.stopped:
                raise

    async def _next_report(self) -> None:
        """Wait for a parcel; ask a node that stays silent, and open a case when it has nothing by the ship-by date."""
        while not self._news:
            try:
                await workflow.wait_condition(
                    lambda: self._news or self.stopped,
                    timeout=policy.SILENT_NODE,
                    timeout_summary=f"Node {self.plan.node.node} is asked when it stays silent",
                )
                return
            except TimeoutError:
                await self._ask()
                await self._escalate()

    async def _escalate(self) -> None:
        """Past the ship-by date a person has to know; the case ends by itself when a parcel is reported."""
        if self._news or self._escalated or workflow.now() < self._ship_by:
            return
        self._escalated = True
        await self._desk.settle(
            CaseKind.NOT_SHIPPED_IN_TIME,
            _WAIT,
            f"node {self.plan.node.node} has not shipped {self.plan.fulfilment_id} by {self._ship_by:%Y-%m-%d %H:%M}"
            " UTC: ask the warehouse; retry goes on waiting",
            (Action.RETRY,),
            node=self.plan.node.node,
        )

    async def _ask(self) -> None:
        try:
            found = await workflow.execute_activity_method(
                WmsActivities.find_shipments,
                self._ref,
                **policy.outside(policy.WMS_QUEUE, f"Ask node {self.plan.node.node} what it shipped"),
            )
        except ActivityError as error:
            workflow.logger.warning("the warehouse does not say", extra=self._told(error))
            return
        for shipment in found:
            self.report(shipment)

    async def _dispatch(self, shipment: Shipment) -> None:
        before = dict(self._shipped)
        for pick in shipment.picks:
            item = f"{pick.line_id}|{pick.item}"
            self._shipped[item] = self._shipped.get(item, 0) + pick.quantity
        self._handled.append(shipment.shipment_id)
        units = completed_units(before, self._shipped, self.plan.components)
        left = ParcelLeft(order_key=self.plan.order_key, shipment=shipment)
        await self._writes.do(StockActivities.take_out, left, f"Take {shipment.shipment_id} out of stock")
        # A parcel with only part of a bundle completes no unit: channel and ERP hear of the unit when it is whole.
        invoice = await self._announce(self._parcel(shipment, units)) if units else None
        self._done(_recorded(shipment, units, invoice))

    async def _announce(self, parcel: ConfirmedParcel) -> str | None:
        _, invoice = await asyncio.gather(self._confirm(parcel), book(self._desk, parcel))
        await self._notify(parcel)
        return invoice

    async def _confirm(self, parcel: ConfirmedParcel) -> None:
        async def confirm() -> bool:
            await workflow.execute_activity_method(
                ChannelActivities.confirm_parcel,
                parcel,
                **policy.outside(
                    policy.channel_queue(parcel.order_key.channel),
                    f"Confirm parcel {parcel.tracking} ({parcel.carrier}) to {parcel.order_key.channel}",
                ),
            )
            return True

        await self._desk.attempt(CaseKind.CHANNEL_DECLINED, "confirm", confirm, skippable=True, cancellable=False)

    async def _notify(self, parcel: ConfirmedParcel) -> None:
        if not self.plan.buyer_email:
            return
        notice = Notice(
            order_key=parcel.order_key,
            correlation_id=parcel.correlation_id,
            template="parcel_shipped",
            notice_id=f"{parcel.order_key}:shipped:{parcel.shipment_id}",
            values={"carrier": parcel.carrier, "tracking": parcel.tracking, "email": self.plan.buyer_email},
            at=parcel.shipped_at,
        )
        try:
            await workflow.execute_activity_method(
                NotifyActivities.notify_buyer, notice, **policy.best_effort(policy.NOTIFY_QUEUE, "Tell the buyer")
            )
        except ActivityError as error:
            workflow.logger.warning("buyer was not told", extra=self._told(error))

    def _parcel(self, shipment: Shipment, units: dict[str, int]) -> ConfirmedParcel:
        return ConfirmedParcel(
            order_key=self.plan.order_key,
            correlation_id=self.plan.correlation_id,
            shipment_id=shipment.shipment_id,
            package_number=self.plan.package_number(len(self._handled)),
            carrier=shipment.carrier,
            tracking=shipment.tracking,
            shipped_at=shipment.shipped_at,
            units=units,
            region=self.plan.region,
            extras=self.plan.extras,
        )

    def _told(self, error: ActivityError) -> dict[str, str]:
        return {"error": str(error.cause), "correlation_id": self.plan.correlation_id}

    @property
    def _ref(self) -> FulfilmentRef:
        return FulfilmentRef(fulfilment_id=self.plan.fulfilment_id, correlation_id=self.plan.correlation_id)

    @property
    def _news(self) -> bool:
        return len(self._reported) > len(self._handled)

    @property
    def _complete(self) -> bool:
        """Everything that the node was told to pick has left."""
        return all(
            self._shipped.get(f"{pick.line_id}|{pick.item}", 0) >= pick.quantity for pick in self.plan.node.picks
        )


async def book(desk: CaseDesk, parcel: ConfirmedParcel) -> str | None:
    """Post a parcel's shipment and invoice to the ERP; returns the invoice number, `None` when it was skipped."""

    async def post() -> str:
        await workflow.execute_activity_method(
            ErpActivities.post_erp_shipment,
            parcel,
            **policy.outside(policy.ERP_QUEUE, f"ERP shipment {parcel.shipment_id}"),
        )
        return await workflow.execute_activity_method(
            ErpActivities.post_erp_invoice,
            parcel,
            **policy.outside(policy.ERP_QUEUE, f"ERP invoice for {parcel.shipment_id}"),
        )

    return await desk.attempt(CaseKind.ERP_DECLINED, "invoice", post, skippable=True, cancellable=False)


def _recorded(shipment: Shipment, units: dict[str, int], invoice: str | None) -> ShipmentRecord:
    return ShipmentRecord(
        shipment_id=shipment.shipment_id,
        node=shipment.node,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        shipped_at=shipment.shipped_at,
        units=units,
        confirmed=bool(units),
        invoice=invoice,
    )


@workflow.defn
class FulfilmentWorkflow:
    """A further node's fulfilment as a process of its own; tells its order of each parcel."""

    @workflow.init
    def __init__(self, plan: FulfilmentPlan) -> None:
        self._untold: list[ShipmentRecord] = []
        writes = Writes()
        self._desk = CaseDesk(plan.order_key, writes, self._changed, never)
        self._fulfilment = Fulfilment(plan, self._desk, writes, self._untold.append)

    @workflow.run
    async def run(self, plan: FulfilmentPlan) -> None:
        shipping = asyncio.create_task(self._fulfilment.run())
        while not shipping.done() or self._untold:
            await workflow.wait_condition(lambda: bool(self._untold) or shipping.done())
            await self._tell()
        await shipping
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.signal
    def shipment_reported(self, shipment: Shipment) -> None:
        self._fulfilment.report(shipment)

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._desk.check(resolution)

    @workflow.query
    def case(self) -> ExceptionCase | None:
        return self._desk.open

    async def _tell(self) -> None:
        parent = workflow.info().parent
        while self._untold and parent:
            order = workflow.get_external_workflow_handle(parent.workflow_id)
            await order.signal("parcel_left", self._untold.pop(0))

    async def _changed(self) -> None:
        case = self._desk.open
        workflow.set_current_details(f"Case `{case.case_id}`: {case.reason}" if case else "")
