"""The writes to ERP, warehouse, tax engine and messenger, each succeeded with its reply lost."""

from __future__ import annotations

from contextlib import AsyncExitStack

from connectors.erp.rest import RestErp
from connectors.notify.rest import RestNotifier
from connectors.tax.avatax import AvaTax
from connectors.wms.rest import RestWms
from models.channel import RefundReason
from models.refundable import Standing, lines_of
from models.refunds import RefundClaim, TaxRefund
from models.systems import Notice
from sandbox.core import Sandbox, SandboxOptions
from tests.conformance.lost_replies import Call, Tally, as_the_engine_does
from tests.systems.orders import AT, CORRELATION_ID, connection, erp_order, order, parcel, release
from tests.systems.returns import credit_note, receipt
from tests.systems.running import Systems, free_socket, served

NEVER = 3600.0
CORRELATION = str(CORRELATION_ID)


async def of_systems(times: int) -> list[Tally]:
    async with AsyncExitStack() as stack:
        listener = free_socket()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        systems = Systems(Sandbox(SandboxOptions(base_url=url, ship_delay=NEVER)))
        stack.push_async_callback(systems.aclose)
        await stack.enter_async_context(served(systems.routes, listener))
        writes = _Writes(systems)
        stack.push_async_callback(writes.aclose)
        tallies: dict[str, Tally] = {}
        for number in range(times):
            await writes.of_one_order(number, tallies)
        return list(tallies.values())


class _Writes:
    def __init__(self, systems: Systems) -> None:
        self.systems = systems
        self.erp = RestErp(connection(systems.erp.connection()))
        self.wms = RestWms(connection(systems.wms.connection()))
        self.tax = AvaTax(connection(systems.tax.connection()))
        self.notifier = RestNotifier(connection(systems.notify.connection()))

    async def aclose(self) -> None:
        for connector in (self.erp, self.wms, self.tax, self.notifier):
            await connector.aclose()

    async def of_one_order(self, number: int, tallies: dict[str, Tally]) -> None:
        for name, operation, effect, key, call in (*self._sale(number), *self._undone(number)):
            before = self._effects(effect, key)
            lost, _ = await as_the_engine_does(self.systems.sandbox, operation, call, 1 + number % 2)
            tallies.setdefault(name, Tally(name)).count(lost, self._effects(effect, key) - before)

    def _effects(self, effect: str, key: str) -> int:
        """An empty key counts the effects of all orders."""
        return sum(not key or entry["key"] == key for entry in self.systems.effects(effect))

    def _sale(self, number: int) -> list[tuple[str, str, str, str, Call]]:
        """An order that is sold, shipped and partly sent back."""
        name = f"302-{number}"
        sold, key = order(name), str(order(name).key)
        note = credit_note("R-1").model_copy(update={"order_key": sold.key, "note_id": f"{key}#credit:R-1"})
        back = receipt(order_key=sold.key, receipt_id=f"{key}#receipt:1")
        changed = erp_order(name).model_copy(update={"revision": 1})
        claim = RefundClaim(request_id="R-1", order_key=sold.key, reason=RefundReason.GOODWILL, units={"L1": 1})
        refund = TaxRefund(refund_id=f"{key}#R-1", order=sold, lines=lines_of(sold, Standing(), claim), at=AT)
        told = Notice(
            order_key=sold.key,
            correlation_id=CORRELATION,
            template="parcel_shipped",
            notice_id=f"{key}:1",
            values={"email": "b@example.com"},
            at=AT,
        )
        erp, tax = self.erp, self.tax
        return [
            (
                "ERP order",
                "erp.create_order",
                "erp/order_created",
                key,
                lambda r: erp.create_order(erp_order(name), retry=r),
            ),
            ("ERP change", "erp.change_order", "erp/order_changed", key, lambda r: erp.change_order(changed, retry=r)),
            (
                "ERP shipment",
                "erp.post_shipment",
                "erp/shipment_posted",
                key,
                lambda r: erp.post_shipment(parcel(1, name), retry=r),
            ),
            (
                "ERP invoice",
                "erp.post_invoice",
                "erp/invoice_posted",
                key,
                lambda r: erp.post_invoice(parcel(1, name), retry=r),
            ),
            (
                "ERP credit note",
                "erp.post_credit_note",
                "erp/credit_note_posted",
                key,
                lambda r: erp.post_credit_note(note, retry=r),
            ),
            (
                "ERP return receipt",
                "erp.receive_return",
                "erp/return_received",
                key,
                lambda r: erp.receive_return(back, retry=r),
            ),
            ("tax quote", "tax.create", "tax/transaction_recorded", key, lambda r: tax.quote(sold, retry=r)),
            ("tax commit", "tax.commit", "tax/transaction_committed", key, lambda r: tax.commit(key, CORRELATION)),
            ("tax refund", "tax.create", "tax/transaction_refunded", "", lambda r: tax.refund(refund, retry=r)),
            (
                "message to the buyer",
                "notify.send_message",
                "notify/message_sent",
                key,
                lambda r: self.notifier.send(told),
            ),
        ]

    def _undone(self, number: int) -> list[tuple[str, str, str, str, Call]]:
        """An order that is released, and then cancelled everywhere."""
        name = f"303-{number}"
        gone, key = order(name), str(order(name).key)
        picked = release(f"{key}#BER-1", order_key=gone.key)
        erp, tax, wms = self.erp, self.tax, self.wms
        return [
            ("WMS release", "wms.release", "wms/released", key, lambda r: wms.release(picked, retry=r)),
            (
                "WMS cancel",
                "wms.cancel",
                "wms/release_cancelled",
                key,
                lambda r: wms.cancel(picked.fulfilment_id, CORRELATION),
            ),
            (
                "ERP order",
                "erp.create_order",
                "erp/order_created",
                key,
                lambda r: erp.create_order(erp_order(name), retry=r),
            ),
            (
                "ERP cancel",
                "erp.cancel_order",
                "erp/order_cancelled",
                key,
                lambda r: erp.cancel_order(gone.key, CORRELATION),
            ),
            ("tax quote", "tax.create", "tax/transaction_recorded", key, lambda r: tax.quote(gone, retry=r)),
            ("tax void", "tax.void", "tax/transaction_voided", key, lambda r: tax.void(key, CORRELATION)),
        ]
