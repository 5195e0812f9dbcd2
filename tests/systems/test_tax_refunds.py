"""The tax of a refund goes back as a transaction of its own, once, with the tax that the sale had."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.errors import InDoubt
from connectors.tax.avatax import AvaTax
from connectors.tax.avatax_refunds import return_invoice
from models.channel import RefundReason
from models.refundable import Standing, lines_of
from models.refunds import RefundClaim, TaxRefund
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import AT, connection, order
from tests.systems.running import Systems


@pytest.fixture
async def avatax(systems: Systems) -> AsyncIterator[AvaTax]:
    provider = AvaTax(connection(systems.tax.connection()))
    yield provider
    await provider.aclose()


def refund(units: dict[str, int] | None = None, *, shipping: bool = False) -> TaxRefund:
    claim = RefundClaim(
        request_id="R-1",
        order_key=order().key,
        reason=RefundReason.GOODWILL,
        units=units or {"L1": 1},
        shipping=shipping,
    )
    lines = lines_of(order(), Standing(), claim)
    return TaxRefund(refund_id=f"{order().key}#R-1", order=order(), lines=lines, at=AT)


async def test_a_refund_is_one_committed_transaction_however_often_it_is_sent(systems: Systems, avatax: AvaTax) -> None:
    await avatax.quote(order(), retry=False)
    codes = {await avatax.refund(refund(), retry=retry) for retry in (False, False, True)}
    assert codes == {f"{order().key}#R-1"}
    assert len(systems.effects("tax/transaction_refunded")) == 1


async def test_a_lost_reply_is_in_doubt_and_the_retry_finds_the_transaction(systems: Systems, avatax: AvaTax) -> None:
    await avatax.quote(order(), retry=False)
    systems.sandbox.faults.add(Fault(operation="tax.create", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await avatax.refund(refund(), retry=False)
    assert await avatax.refund(refund(), retry=True)
    assert len(systems.effects("tax/transaction_refunded")) == 1


async def test_a_sale_that_was_never_recorded_has_nothing_to_take_back(systems: Systems, avatax: AvaTax) -> None:
    assert await avatax.refund(refund(), retry=False) is None
    assert systems.effects("tax/transaction_refunded") == []


def test_the_return_gives_back_the_tax_of_the_sale_and_not_a_new_calculation() -> None:
    document = return_invoice(refund({"L1": 3, "L2": 1}, shipping=True), "DEFAULT", None)
    assert (document["type"], document["commit"]) == ("ReturnInvoice", True)
    told = [
        (line["ref1"], line["amount"], line["taxOverride"]["taxAmount"], line["marketplaceLiabilityType"])
        for line in document["lines"]
    ]
    assert told[0] == ("L1", "-647.00", "-103.30", "Seller")
    assert ("L2", "-260.00", "0.00", "Marketplace") in told
    assert {line["taxOverride"]["taxDate"] for line in document["lines"]} == {"2026-11-20"}


async def test_the_twin_books_what_the_return_says(systems: Systems, avatax: AvaTax) -> None:
    await avatax.quote(order(), retry=False)
    await avatax.refund(refund({"L1": 3}), retry=False)
    found = await avatax._find(f"{order().key}#R-1", "c")
    assert found is not None
    assert (found["status"], str(found["totalTax"])) == ("Committed", "-103.30")
