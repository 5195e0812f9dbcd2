"""Credit notes and returned goods in the ERP: bounded, exact, and booked once; over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from connectors.erp.rest import RestErp
from connectors.errors import Declined, InDoubt
from models.systems import Condition, ReturnedItem
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import connection, erp_order, eur, parcel
from tests.systems.returns import credit_note, receipt
from tests.systems.running import Systems

Write = Callable[[RestErp, bool], Awaitable[str]]
WRITES: dict[str, tuple[Write, str, str]] = {
    "credit": (
        lambda erp, retry: erp.post_credit_note(credit_note(), retry=retry),
        "erp.post_credit_note",
        "erp/credit_note_posted",
    ),
    "return": (
        lambda erp, retry: erp.receive_return(receipt(), retry=retry),
        "erp.receive_return",
        "erp/return_received",
    ),
}


@pytest.fixture
async def erp(systems: Systems) -> AsyncIterator[RestErp]:
    """An ERP that has shipped and invoiced the whole order."""
    provider = RestErp(connection(systems.erp.connection()))
    await provider.create_order(erp_order(), retry=False)
    await provider.post_shipment(parcel(), retry=False)
    await provider.post_invoice(parcel(), retry=False)
    yield provider
    await provider.aclose()


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_posted_again_and_again_is_one_document(systems: Systems, erp: RestErp, kind: str) -> None:
    write, _, effect = WRITES[kind]
    assert len({await write(erp, retry) for retry in (False, False, True)}) == 1
    assert len(systems.effects(effect)) == 1


@pytest.mark.parametrize("kind", WRITES)
async def test_a_lost_reply_is_in_doubt_and_the_retry_finds_the_document(
    systems: Systems, erp: RestErp, kind: str
) -> None:
    write, operation, effect = WRITES[kind]
    systems.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await write(erp, False)
    number = await write(erp, True)
    assert [entry["detail"]["number"] for entry in systems.effects(effect)] == [number]


async def test_credit_notes_for_everything_are_what_the_buyer_paid_and_one_more_cent_is_declined(
    systems: Systems, erp: RestErp
) -> None:
    everything = credit_note("all", {"L1": 3, "L2": 1}, shipping=True)
    assert everything.total == eur("919.99")
    await erp.post_credit_note(everything, retry=False)
    [entry] = systems.effects("erp/credit_note_posted")
    assert (entry["detail"]["total"], entry["detail"]["channel_tax"]) == ("919.99", "8.09")
    with pytest.raises(Declined) as declined:
        await erp.post_credit_note(credit_note("more", {}, amounts={"L1": eur("0.01")}), retry=False)
    assert declined.value.code == "over_credited"


async def test_what_is_not_invoiced_is_not_credited(systems: Systems) -> None:
    provider = RestErp(connection(systems.erp.connection()))
    await provider.create_order(erp_order(), retry=False)
    with pytest.raises(Declined, match="invoiced"):
        await provider.post_credit_note(credit_note(), retry=False)
    await provider.post_shipment(parcel(units={"L1": 1}), retry=False)
    await provider.post_invoice(parcel(units={"L1": 1}), retry=False)
    assert await provider.post_credit_note(credit_note(), retry=False)
    await provider.aclose()


async def test_no_more_pieces_come_back_than_were_sold(erp: RestErp) -> None:
    four = (ReturnedItem(item="TENT-4P", quantity=4, condition=Condition.RESELL),)
    assert await erp.receive_return(receipt("P-1", items=four), retry=False)
    with pytest.raises(Declined) as declined:
        await erp.receive_return(receipt("P-2"), retry=False)
    assert declined.value.code == "over_returned"


async def test_goods_of_no_known_order_are_taken_in_all_the_same(systems: Systems, erp: RestErp) -> None:
    assert await erp.receive_return(receipt("blind", order_key=None), retry=False)
    [entry] = systems.effects("erp/return_received")
    assert entry["detail"]["conditions"] == {"resell": 1, "scrap": 1}
