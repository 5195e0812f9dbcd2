"""Returns: read from the report that Amazon makes in its own time, and refunded, which is all that can be decided."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.amazon.client import AmazonChannel
from connectors.amazon.deciding import of_units
from connectors.amazon.parse import parse
from connectors.amazon.parse_returns import parse_returns
from connectors.amazon.returning import returns_of
from connectors.errors import Declined
from models.channel import ReturnAction, ReturnDecision
from models.money import Money
from models.order import Order
from models.returns import ChannelReturn, ReturnState
from sandbox.amazon import AmazonTwin
from sandbox.amazon_returns import COLUMNS
from sandbox.faults import Fault, FaultKind
from sandbox.traits import Traits, by_sku
from tests.amazon.conftest import Connect, finished
from tests.amazon.payloads import SAMPLES, SPECS, accepted, breakdown, check, item, order, parcel, proceeds

ROW = {
    "Order ID": "112-0000001-0000001",
    "Return request date": "27-Oct-2026",
    "Return request status": "Approved",
    "Amazon RMA ID": "D1RRMA",
    "Currency code": "USD",
    "Return carrier": "UPS",
    "Tracking ID": "1Z1",
    "ASIN": "B001",
    "Merchant SKU": "SKU-1",
    "Return quantity": "1",
    "Return Reason": "CR-DEFECTIVE",
}


def report(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    lines = [columns, *(tuple(row.get(column, "") for column in columns) for row in rows)]
    return "\n".join("\t".join(line) for line in lines).encode()


def one(**changes: str) -> ChannelReturn:
    row = {**ROW, **{name.replace("_", " "): value for name, value in changes.items()}}
    parsed = parse_returns(report(row), "US-1")
    assert not parsed.refusals, parsed.refusals
    assert not parsed.drift
    (found,) = parsed.returns
    return found


def test_a_row_is_a_return() -> None:
    found = one()
    assert (found.return_id, str(found.order_key)) == ("D1RRMA", "amazon/US-1/112-0000001-0000001")
    assert (found.state, found.carrier, found.tracking) == (ReturnState.APPROVED, "UPS", "1Z1")
    (line,) = found.lines
    assert (line.return_line_id, line.sku, line.quantity, line.reason) == ("SKU-1", "SKU-1", 1, "CR-DEFECTIVE")
    assert found.requested_at
    assert found.requested_at.isoformat() == "2026-10-27T00:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"Return_request_status": "Pending"}, ReturnState.REQUESTED),
        ({"Return_request_status": "approved"}, ReturnState.APPROVED),
        ({"Return_delivery_date": "2026-10-30"}, ReturnState.RECEIVED),
        ({"Return_request_status": "Closed", "Return_delivery_date": "2026-10-30"}, ReturnState.CLOSED),
        ({"Return_request_status": "Denied"}, ReturnState.REFUSED),
    ],
)
def test_the_status_and_the_arrival_say_how_far_it_is(changes: dict[str, str], state: ReturnState) -> None:
    assert one(**changes).state is state


def test_a_further_state_is_a_newer_version_even_on_the_same_day() -> None:
    steps = [
        one(Return_request_status="Pending"),
        one(),
        one(Return_delivery_date="27-Oct-2026"),
        one(Return_request_status="Closed", Return_delivery_date="27-Oct-2026"),
        one(Return_request_status="Closed", Return_delivery_date="27-Oct-2026", Refunded_Amount="5,00"),
    ]
    versions = [step.version for step in steps]
    assert versions == sorted(set(versions))
    assert steps[-1].refunded == Money.of("5.00", "USD")
    assert one().version == one().version


def test_rows_of_one_rma_are_one_return_as_far_as_its_last_part() -> None:
    rows = (ROW, {**ROW, "Merchant SKU": "SKU-2", "Return request status": "Closed"}, {**ROW, "Return quantity": "2"})
    (found,) = parse_returns(report(*rows), "US-1").returns
    assert {line.sku: line.quantity for line in found.lines} == {"SKU-1": 3, "SKU-2": 1}
    assert found.state is ReturnState.APPROVED


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        ({"Return request status": "Bewitched"}, "unknown_status", "line 2, column return request status"),
        ({"Return request status": ""}, "missing", "line 2, column return request status"),
        ({"Return quantity": "0"}, "wrong_value", "line 2, column return quantity"),
        ({"Return quantity": ""}, "missing", "line 2, column return quantity"),
        ({"Return request date": "soon"}, "wrong_value", "line 2, column return request date"),
        ({"Return request date": "31-Foo-2026"}, "wrong_value", "line 2, column return request date"),
        ({"Return request date": ""}, "missing", "line 2, column return request date"),
        ({"Order ID": ""}, "missing", "line 2, column order id"),
        ({"Refunded Amount": "much"}, "wrong_value", "line 2, column refunded amount"),
        ({"Refunded Amount": "1", "Currency code": ""}, "missing", "line 2, column currency code"),
        ({"Refunded Amount": "1", "Currency code": "???"}, "wrong_value", "line 2, column refunded amount"),
    ],
)
def test_a_row_that_is_wrong_is_refused_by_name_and_the_others_are_read(
    change: dict[str, str], reason: str, path: str
) -> None:
    parsed = parse_returns(report({**ROW, **change}, {**ROW, "Amazon RMA ID": "D2RRMA"}), "US-1")
    assert [found.return_id for found in parsed.returns] == ["D2RRMA"]
    (refusal,) = parsed.refusals
    assert (refusal.reason, refusal.path, refusal.external_id) == (reason, path, "D1RRMA")


def test_new_columns_are_counted_and_missing_ones_refused() -> None:
    parsed = parse_returns(report({**ROW, "Moon phase": "full"}, columns=(*COLUMNS, "Moon phase")), "US-1")
    assert [drift.path for drift in parsed.drift] == ["column moon phase"]
    assert len(parsed.returns) == 1
    columns = tuple(column for column in COLUMNS if column != "Return quantity")
    assert [refusal.reason for refusal in parse_returns(report(ROW, columns=columns), "US-1").refusals] == [
        "missing_column"
    ]


def external(**changes: Any) -> dict[str, Any]:
    return {
        "id": "R-1",
        "returnType": "CUSTOMER",
        "status": "CREATED",
        "fulfillmentLocationId": "F",
        "numberOfUnits": 2,
        "merchantSku": "SKU-1",
        "lastUpdatedDateTime": "2026-11-01T10:00:00Z",
        "returnMetadata": {"returnReason": "Missed", "rmaId": "RMA-1"},
        "returnShippingInfo": {"reverseTrackingInfo": {"carrierName": "UPS", "trackingId": "1Z"}},
        "marketplaceChannelDetails": {"customerOrderId": "112-1"},
        **changes,
    }


def test_an_external_fulfilment_return_is_a_return() -> None:
    for document in (
        external(),
        {"returns": [external()]},
        [{"response": {"body": json.dumps({"return": external()})}}],
    ):
        (found,) = parse_returns(json.dumps(document).encode(), "US-1").returns
        assert (found.return_id, found.order_key.external_id, found.rma) == ("R-1", "112-1", "RMA-1")
        assert [(line.sku, line.quantity) for line in found.lines] == [("SKU-1", 2)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "TELEPORTED"}, "unknown_status"),
        ({"id": None}, "missing"),
        ({"numberOfUnits": 0}, "wrong_value"),
        ({"numberOfUnits": None}, "missing"),
        ({"marketplaceChannelDetails": {}}, "missing"),
        ({"lastUpdatedDateTime": "later"}, "wrong_value"),
    ],
)
def test_one_that_is_wrong_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    (refusal,) = parse_returns(json.dumps(external(**change)).encode(), "US-1").refusals
    assert refusal.reason == reason
    assert refusal.remedy


def test_new_fields_of_a_return_are_counted() -> None:
    parsed = parse_returns(json.dumps(external(karma=1, returnMetadata={"returnReason": "x", "mood": 2})).encode(), "A")
    assert {drift.path for drift in parsed.drift} == {"karma", "returnMetadata.mood"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendor's samples are not at {SAMPLES}")
def test_the_sample_returns_are_understood() -> None:
    counts: list[int] = []
    for path in sorted(SAMPLES.glob("return__*.json")):
        parsed = parse_returns(path.read_bytes(), "US-1")
        assert not parsed.refusals
        assert not parsed.drift
        counts.append(len(parsed.returns))
    assert counts == [1, 1, 2]


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b"{", b"\xff", b"a\tb\n1\t2", b"[" * 5000])
def test_what_is_no_return_is_refused(body: bytes) -> None:
    parsed = parse_returns(body, "US-1")
    assert not parsed.returns
    assert parsed.refusals


def test_an_empty_list_is_no_return_and_nothing_wrong() -> None:
    assert parse_returns(b'{"returns": []}', "US-1").refusals == ()
    assert parse_returns(report(), "US-1").refusals == ()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_damage_makes_the_parser_raise(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from([report(ROW, ROW), json.dumps({"returns": [external()]}).encode()])))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    parsed = parse_returns(bytes(body), "US-1")
    assert all(found.model_dump_json() for found in parsed.returns)
    assert all(refusal.remedy for refusal in parsed.refusals)


# Against the twin


async def returned(twin: AmazonTwin, channel: AmazonChannel) -> Order:
    order_id = twin.sell(Traits(9, ((by_sku("STOVE-01"), 3),), returns=True))
    (sold,) = parse(await channel.order(order_id), "US-1").orders
    await channel.confirm(parcel(sold), retry=False)
    (gone,) = parse(await channel.order(order_id), "US-1").orders
    return gone


async def walk(channel: AmazonChannel, cursor: str | None = None) -> tuple[list[ChannelReturn], str]:
    found: list[ChannelReturn] = []
    more = True
    while more:
        page = await channel.returns(cursor)
        for polled in page.returns:
            (each,) = parse_returns(polled.body, "US-1").returns
            assert (each.return_id, each.version) == (polled.external_id, polled.version)
            found.append(each)
        cursor, more = page.cursor, page.more
    assert cursor is not None
    return found, cursor


async def test_a_walk_asks_for_a_report_waits_for_it_and_begins_anew(twin: AmazonTwin, channel: AmazonChannel) -> None:
    first, cursor = await walk(channel)
    assert first == []
    gone = await returned(twin, channel)
    found, cursor = await walk(channel, cursor)
    assert [(each.order_key, each.state) for each in found] == [(gone.key, ReturnState.APPROVED)]
    assert twin.sandbox.calls["amazon.create_report 202"] == 2
    again, _ = await walk(channel, cursor)
    assert again == found
    assert len(twin.sandbox.ledger.entries("amazon", "return_requested", str(gone.key))) == 1


async def test_another_process_goes_on_waiting_for_the_same_report(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    await returned(twin, channel)
    page = await channel.returns(None)
    assert page.more
    assert len((await walk(connect(), page.cursor))[0]) == 1
    assert twin.sandbox.calls["amazon.create_report 202"] == 1


@pytest.mark.parametrize("status", ["CANCELLED", "FATAL"])
async def test_a_report_that_is_not_made_ends_the_walk_and_the_next_asks_again(
    twin: AmazonTwin, channel: AmazonChannel, status: str
) -> None:
    page = await channel.returns(None)
    report_id = json.loads(page.cursor)["report_id"]
    reports = twin.sandbox.shelf.collection("amazon_reports")
    await walk(channel, page.cursor)
    entry = reports.get(report_id)
    assert entry
    reports.put(report_id, {**entry, "report": {**entry["report"], "processingStatus": status}})
    ended = await channel.returns(page.cursor)
    assert (ended.returns, ended.more) == ((), False)
    assert (await channel.returns(ended.cursor)).more


def decision(gone: Order, found: ChannelReturn, action: ReturnAction) -> ReturnDecision:
    return ReturnDecision(
        request_id=f"{found.return_id}#{action}",
        order_key=gone.key,
        correlation_id="c-1",
        return_id=found.return_id,
        action=action,
        units={line.return_line_id: line.quantity for line in found.lines},
    )


async def test_a_return_is_refunded_and_closed_by_that(twin: AmazonTwin, channel: AmazonChannel) -> None:
    gone = await returned(twin, channel)
    ((found,), _) = await walk(channel)
    await finished(channel, await channel.decide_return(decision(gone, found, ReturnAction.REFUND), retry=False))
    ((closed,), _) = await walk(channel)
    assert (closed.state, closed.refunded) == (ReturnState.CLOSED, Money.of("59.90", "USD"))
    assert closed.version > found.version


async def test_a_lost_reply_does_not_refund_a_return_twice(twin: AmazonTwin, channel: AmazonChannel) -> None:
    gone = await returned(twin, channel)
    ((found,), _) = await walk(channel)
    request = decision(gone, found, ReturnAction.REFUND)
    twin.sandbox.faults.add(Fault(operation="amazon.create_feed", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(Exception, match="may have taken effect"):
        await channel.decide_return(request, retry=False)
    await finished(channel, await channel.decide_return(request, retry=True))
    assert twin.sandbox.ledger.counts()["amazon/refunded"] == 1


@pytest.mark.parametrize("action", [ReturnAction.ACCEPT, ReturnAction.REFUSE, ReturnAction.RECEIVE])
async def test_what_amazon_leaves_to_itself_is_unsupported(
    twin: AmazonTwin, channel: AmazonChannel, action: ReturnAction
) -> None:
    gone = await returned(twin, channel)
    ((found,), _) = await walk(channel)
    with pytest.raises(Declined) as raised:
        await channel.decide_return(decision(gone, found, action), retry=False)
    assert raised.value.code == "unsupported"


async def test_more_than_was_shipped_of_a_sku_is_declined(twin: AmazonTwin, channel: AmazonChannel) -> None:
    gone = await returned(twin, channel)
    ((found,), _) = await walk(channel)
    request = decision(gone, found, ReturnAction.REFUND).model_copy(update={"units": {"STOVE-01": 4}})
    with pytest.raises(Declined) as raised:
        await channel.decide_return(request, retry=False)
    assert raised.value.code == "unknown_line"


def test_units_are_worth_what_the_buyer_paid_for_them() -> None:
    parts = proceeds(breakdown("ITEM", "10.00"), breakdown("DISCOUNT", "-1.00"), breakdown("TAX", "0.90"))
    line = accepted({"order": order("9.90", item(quantity=3, unit="3.33", proceeds=parts))}).lines[0]
    shares = [of_units(line, units) for units in (1, 2, 3)]
    assert [str(share.goods.amount) for share in shares] == ["3.00", "6.00", "9.00"]
    assert [str(share.tax.amount) for share in shares if share.tax] == ["0.30", "0.60", "0.90"]


def test_a_report_is_cut_into_returns_that_stand_alone() -> None:
    body = report(ROW, {**ROW, "Amazon RMA ID": "D2RRMA"}, {**ROW, "Merchant SKU": "SKU-2"})
    polled = returns_of(body, "US-1")
    assert [each.external_id for each in polled] == ["D1RRMA", "D2RRMA"]
    assert [len(parse_returns(each.body, "US-1").returns[0].lines) for each in polled] == [2, 1]


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")
async def test_requests_and_answers_keep_to_the_published_schema(
    channel: AmazonChannel, caller: httpx.AsyncClient
) -> None:
    spec = "reports_2021-06-30.json"
    body = {
        "reportType": "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
        "dataStartTime": "2026-11-01T00:00:00Z",
        "marketplaceIds": ["ATVPDKIKX0DER"],
    }
    check(body, spec, "CreateReportSpecification")
    made = (await caller.post("/reports/2021-06-30/reports", json=body)).json()
    check(made, spec, "CreateReportResponse")
    check((await caller.get(f"/reports/2021-06-30/reports/{made['reportId']}")).json(), spec, "Report")
    assert (await caller.get("/reports/2021-06-30/reports/0")).status_code == 404
    changes: tuple[dict[str, Any], ...] = (
        {"reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
        {"marketplaceIds": []},
        {"dataStartTime": "2025-01-01T00:00:00Z"},
        {"dataEndTime": "2026-10-01T00:00:00Z"},
    )
    for change in changes:
        assert (await caller.post("/reports/2021-06-30/reports", json={**body, **change})).status_code == 400
