"""What an ERP refuses, and how it is told: by a code that an operator can act on, and without half a document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Declined, Unauthorized, Unavailable
from models.ledger import DocumentKind
from models.order import Remitter, Tax
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.transport import Harm, Line

LONG_AGO = datetime(2024, 3, 15, 12, tzinfo=UTC)


@point()
async def a_throttled_call_says_when_it_may_be_tried_again(stage: Stage) -> None:
    request = stage.order()
    stage.line.break_at(Harm.THROTTLED, 1)
    with pytest.raises(Unavailable) as refused:
        await stage.erp.create_order(request, retry=False)
    assert refused.value.retry_after == timedelta(seconds=7)
    stage.line.mend()
    await stage.erp.create_order(request, retry=True)


@point("item_check")
async def an_unknown_product_is_declined_by_name(stage: Stage) -> None:
    request = stage.order()
    parts = (request.components[0].model_copy(update={"item": "NO-SUCH-ITEM"}), *request.components[1:])
    declined = await stage.refusal(
        stage.erp.create_order(request.model_copy(update={"components": parts}), retry=False)
    )
    assert declined.code == "unknown_product"
    assert "NO-SUCH-ITEM" in str(declined)
    assert await stage.running.server.documents(request.order.key) is None


@point("tax_check")
async def a_tax_code_that_the_erp_lacks_is_declined_by_name(stage: Stage) -> None:
    request = stage.order()
    [tents, kit] = request.order.lines
    amount = tents.taxes[0].amount
    odd = Tax(amount=amount, remitter=Remitter.SELLER, included=True, jurisdiction="XX", rate="0.99")
    order = request.order.model_copy(update={"lines": (tents.model_copy(update={"taxes": (odd,)}), kit)})
    declined = await stage.refusal(stage.erp.create_order(request.model_copy(update={"order": order}), retry=False))
    assert declined.code == "unknown_tax"
    assert await stage.running.server.documents(request.order.key) is None


@point()
async def an_invoice_in_a_closed_period_is_declined_and_posted_once_it_is_open(stage: Stage) -> None:
    request = await stage.entered()
    parcel = stage.parcel(request, 1, {"L1": 3, "L2": 2}, shipped_at=LONG_AGO)
    await stage.running.server.close_period(LONG_AGO.date())
    try:
        declined = await stage.refusal(stage.erp.post_invoice(parcel, retry=False))
    finally:
        await stage.running.server.open_period(LONG_AGO.date())
    assert declined.code == "period_closed"
    await stage.erp.post_invoice(parcel, retry=True)
    assert await stage.count(request, DocumentKind.INVOICE) == 1


@point()
async def a_refused_credential_is_not_a_refused_order(stage: Stage) -> None:
    names = stage.running.server.connection()["credentials"]
    stranger = stage.running.provider(
        Line(read_paths=stage.running.subject.read_paths), **dict.fromkeys(names, "wrong")
    )
    try:
        with pytest.raises(Unauthorized):
            await stranger.create_order(stage.order(), retry=False)
    finally:
        await stranger.aclose()


@point("companies")
async def an_order_of_an_unknown_company_is_declined_by_name(stage: Stage) -> None:
    with pytest.raises(Declined) as declined:
        await stage.erp.create_order(stage.order(entity="nobody-inc"), retry=False)
    assert declined.value.code == "unknown_entity"


@point("companies", "ledger")
async def two_companies_keep_two_sets_of_books(stage: Stage) -> None:
    ours, theirs = stage.running.subject.entities
    here, there = await stage.sold(entity=ours), await stage.sold(entity=theirs)
    assert (await stage.erp.order_documents(here.order.key, theirs)) is None
    assert (await stage.erp.order_documents(there.order.key, ours)) is None
    for entity in (ours, theirs):
        assert not any((await stage.erp.trial_balance(entity)).difference.values())
