"""Parcels that came back: inspected, restocked, counted, and taken in by the ERP."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.erp import ErpActivities
    from activities.returns import Booking, ReturnActivities
    from models.case import Action, CaseKind
    from models.return_process import Inspection, ParcelBack
    from models.returned_goods import GoodsBack, grown, sorted_in
    from models.returns import ReturnProcessState
    from models.systems import Condition, ReturnedItem, ReturnReceipt
    from workflows import policy
    from workflows.return_record import ReturnRecord

_TAKEN_UP_AGAIN = frozenset({ReturnProcessState.APPROVED, ReturnProcessState.CLOSED, ReturnProcessState.LAPSED})


class Parcels:
    def __init__(self, record: ReturnRecord) -> None:
        self._record = record
        self._looked_at: set[str] = set()

    def correct(self, inspection: Inspection) -> None:
        """What a person found in a parcel counts before what was reported; a parcel may also be reported so."""
        file = self._record.file
        reported = next((each for each in file.waiting if each.receipt_id == inspection.receipt_id), None)
        new = ReturnReceipt(
            receipt_id=inspection.receipt_id,
            order_key=file.order_key,
            correlation_id=file.correlation_id,
            node=inspection.node,
            received_at=workflow.now(),
            items=inspection.items,
        )
        self._looked_at.add(inspection.receipt_id)
        self._record.wait_with(reported.model_copy(update={"items": inspection.items}) if reported else new)
        if reported:
            self._record.desk.resume("inspect", f"inspected again by {inspection.actor}")

    async def book_all(self) -> None:
        while self._record.file.waiting:
            await self._book(self._record.file.waiting[0])

    async def send_back(self) -> None:
        """The return is refused: what came is the buyer's still, and noted as that."""
        while self._record.file.waiting:
            receipt = _all_rejected(self._record.file.waiting[0])
            await self._take_in(receipt, receipt.items, self._record.file.goods)

    async def _book(self, receipt: ReturnReceipt) -> None:
        """A parcel with something strange in it is first looked at; it may have been corrected then."""
        file, facts = self._record.file, self._record.facts
        goods, placed, strange = sorted_in(file.goods, receipt.items, facts.components, file.wanted)
        if strange and facts.order and receipt.receipt_id not in self._looked_at:
            await self._inspect(receipt, strange)
            return
        kept = tuple(_rejected(item) for item in strange) if facts.order else strange
        await self._take_in(receipt, (*placed, *kept), goods)

    async def _inspect(self, receipt: ReturnReceipt, strange: tuple[ReturnedItem, ...]) -> None:
        names = ", ".join(f"{item.quantity} × {item.item}" for item in strange)
        why = (
            f"parcel {receipt.receipt_id} has {names}, which nobody expects of this order. inspect corrects it, skip"
            " books what belongs to the order, cancel sends all of it back"
        )
        allowed = (Action.SKIP, Action.CANCEL)
        decided = await self._record.ask_a_person("inspect", why, allowed, policy.INSPECTION, Action.SKIP, bool)
        self._looked_at.add(receipt.receipt_id)
        if decided and decided.action is Action.CANCEL:
            self._record.wait_with(_all_rejected(receipt))

    async def _take_in(self, receipt: ReturnReceipt, items: tuple[ReturnedItem, ...], goods: GoodsBack) -> None:
        record, components = self._record, self._record.facts.components
        reference = {"receipt_id": record.reference(receipt), "order_key": record.file.order_key, "items": items}
        booked = receipt.model_copy(update=reference)
        units = grown(record.file.goods.units(components), goods.units(components))
        booking = Booking(return_id=record.file.return_id, receipt=booked, units=units)
        await record.writes.do(ReturnActivities.book_in, booking, f"Restock and count parcel {receipt.receipt_id}")
        document = await self._post(booked)
        waiting = tuple(each for each in record.file.waiting if each.receipt_id != receipt.receipt_id)
        parcel = ParcelBack(receipt=booked, units=units, document=document or "")
        record.set(waiting=waiting, parcels=(*record.file.parcels, parcel), goods=goods)
        if record.file.state in _TAKEN_UP_AGAIN:
            await record.enter(
                ReturnProcessState.PARTLY_RECEIVED, f"{receipt.node} received {receipt.receipt_id}", "warehouse"
            )
        else:
            await record.changed()

    async def _post(self, booked: ReturnReceipt) -> str | None:
        async def post() -> str:
            return await workflow.execute_activity_method(
                ErpActivities.receive_return,
                booked,
                **policy.outside(policy.ERP_QUEUE, f"Take goods of return {self._record.file.return_id} back"),
            )

        return await self._record.desk.attempt(
            CaseKind.ERP_DECLINED, "receive_return", post, skippable=True, cancellable=False
        )


def _rejected(item: ReturnedItem) -> ReturnedItem:
    return item.model_copy(update={"condition": Condition.REJECT})


def _all_rejected(receipt: ReturnReceipt) -> ReturnReceipt:
    return receipt.model_copy(update={"items": tuple(_rejected(item) for item in receipt.items)})
