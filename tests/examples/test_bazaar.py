"""The example runs: its own story here, every promise of the port in `tests/conformance`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Declined, SchemaDrift
from connectors.registry import ChannelConnection
from examples.bazaar.client import BazaarChannel
from examples.bazaar.format import BazaarFormat
from examples.bazaar.twin import BazaarTwin
from models.channel import Acknowledgement, Cancellation, CancelReason, RefundLine, RefundReason, RefundRequest
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import ChannelState, Order
from models.settlement import LineType
from sandbox.core import Sandbox, SandboxOptions
from sandbox.goods import LISTINGS
from sandbox.traits import Traits
from tests.fetched import fetched
from tests.systems.running import free_socket, served

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "adding-a-channel.md"
FORMAT = BazaarFormat()
JOB_DELAY = 0.05
PURCHASE: dict[str, Any] = {
    "purchase": "B-1",
    "status": "NEW",
    "placed": 1763888000000,
    "changed": 1763888000001,
    "currency": "USD",
    "items": [
        {"item": "1", "sku": "MAT-01", "count": 2, "price": 3450, "tax": 552, "tax_kept": True, "sent": 0, "void": 0}
    ],
    "postage": 495,
    "total": 7947,
    "to": {"name": "Ines", "street": "92 Chestnut Street", "city": "Louisville", "zip": "40202", "country": "US"},
    "packages": [],
    "paybacks": [],
}


class Bazaar:
    """The twin on a real port, and the connector that speaks with it."""

    def __init__(self, base_url: str) -> None:
        self.sandbox = Sandbox(SandboxOptions(base_url=base_url, quota_scale=1000, job_delay=JOB_DELAY))
        self.twin = BazaarTwin(self.sandbox)
        connection = {**self.twin.connection(), "quota_scale": 1000}
        self.channel = BazaarChannel(ChannelConnection.model_validate(connection))

    def sell(self, number: int = 1, **traits: Any) -> str:
        return self.twin.sell(Traits(number, ((LISTINGS[0], 3), (LISTINGS[3], 1)), **traits))

    async def order(self, name: str) -> Order:
        (found,) = FORMAT.parse(await self.channel.order(name), "EU").orders
        return found


@pytest.fixture
async def bazaar() -> AsyncIterator[Bazaar]:
    listener = free_socket()
    bazaar = Bazaar(f"http://127.0.0.1:{listener.getsockname()[1]}")
    async with served(bazaar.twin.routes(), listener):
        yield bazaar
        await bazaar.channel.aclose()
    bazaar.sandbox.shelf.close()


def about(order: Order, purpose: str) -> dict[str, Any]:
    return {"request_id": f"{order.key}#{purpose}", "order_key": order.key, "correlation_id": "c-1"}


def parcel(order: Order, units: dict[str, int], number: int = 1) -> ConfirmedParcel:
    return ConfirmedParcel.model_validate(
        {
            "order_key": order.key,
            "correlation_id": "c-1",
            "shipment_id": f"SHIP-{number}",
            "package_number": number,
            "carrier": "UPS",
            "tracking": f"1Z{number}",
            "shipped_at": "2026-11-23T12:00:00Z",
            "units": units,
        }
    )


async def accepted(bazaar: Bazaar, **traits: Any) -> Order:
    order = await bazaar.order(bazaar.sell(**traits))
    lines = tuple(line.line_id for line in order.lines)
    await bazaar.channel.acknowledge(Acknowledgement(**about(order, "ack"), lines=lines), retry=False)
    return await bazaar.order(order.key.external_id)


async def test_a_purchase_from_the_first_page_to_the_statement(bazaar: Bazaar) -> None:
    order = await accepted(bazaar, channel_tax=True)
    channel, name = bazaar.channel, order.key.external_id
    page = await channel.poll(None)
    assert [polled.external_id for polled in page.orders] == [name]
    assert (await channel.poll(page.cursor)).orders == ()
    await channel.confirm(parcel(order, {"1": 3}), retry=False)
    assert (await bazaar.order(name)).state is ChannelState.PARTIALLY_SHIPPED
    await channel.confirm(parcel(order, {"2": 1}, 2), retry=False)
    assert [polled.external_id for polled in (await channel.poll(page.cursor)).orders] == [name]
    line = RefundLine(line_id="1", goods=Money.of("10.00", "USD"))
    await channel.refund(
        RefundRequest(**about(order, "refund"), lines=(line,), reason=RefundReason.GOODWILL), retry=False
    )
    sent = await bazaar.order(name)
    assert (sent.state, [refund.amount for refund in sent.refunds]) == (ChannelState.SHIPPED, [Money.of("10", "USD")])
    bazaar.twin.close_period()
    (ref,) = await channel.settlements()
    settlement = FORMAT.parse_settlement(await fetched(channel, ref), "EU")
    amounts = {each.type: each.amount for each in settlement.lines}
    assert amounts[LineType.TAX] == -amounts[LineType.TAX_WITHHELD] == sent.totals.channel_tax
    assert amounts[LineType.REFUND] == Money.of("-10.00", "USD")


async def test_a_job_is_followed_to_its_real_end(bazaar: Bazaar) -> None:
    order = await accepted(bazaar)
    request = Cancellation(**about(order, "cancel"), units={"1": 1}, whole=False, reason=CancelReason.OUT_OF_STOCK)
    progress = await bazaar.channel.cancel(request, retry=False)
    assert progress.operation
    assert (await bazaar.channel.follow(progress.operation)).operation == progress.operation
    assert (await bazaar.order(order.key.external_id)).lines[0].cancelled == 0
    assert (await bazaar.channel.cancel(request, retry=True)).operation == progress.operation
    job = bazaar.sandbox.shelf.collection("bazaar.jobs")
    job.put(progress.operation, {**(job.get(progress.operation) or {}), "due": 0})
    assert (await bazaar.channel.follow(progress.operation)).operation is None
    assert (await bazaar.order(order.key.external_id)).lines[0].cancelled == 1
    assert len(bazaar.sandbox.ledger.entries("bazaar", "voided")) == 1


async def test_a_job_that_fails_is_declined_with_bazaars_reason(bazaar: Bazaar) -> None:
    order = await accepted(bazaar)
    request = Cancellation(**about(order, "cancel"), units={"1": 3}, whole=False, reason=CancelReason.OTHER)
    operation = (await bazaar.channel.cancel(request, retry=False)).operation
    assert operation
    await bazaar.channel.confirm(parcel(order, {"1": 1}), retry=False)
    job = bazaar.sandbox.shelf.collection("bazaar.jobs")
    job.put(operation, {**(job.get(operation) or {}), "due": 0})
    with pytest.raises(Declined) as declined:
        await bazaar.channel.follow(operation)
    assert declined.value.code == "already_sent"
    assert (await bazaar.order(order.key.external_id)).lines[0].cancelled == 0


def test_minor_units_are_exact_in_every_currency() -> None:
    for currency, total in (("USD", "79.47"), ("JPY", "7947"), ("KWD", "7.947")):
        (order,) = FORMAT.parse(json.dumps({**PURCHASE, "currency": currency}).encode(), "EU").orders
        assert order.total == Money.of(total, currency)
        assert not order.totals.difference
        assert order.totals.channel_tax == order.lines[0].taxes[0].amount


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "BEWITCHED"}, "unknown_state"),
        ({"total": 7946}, "totals_differ"),
        ({"total": 79.47}, "wrong_value"),
        ({"total": "7947"}, "wrong_value"),
        ({"currency": "XXQ"}, "wrong_value"),
        ({"items": []}, "wrong_value"),
        ({"items": [{**PURCHASE["items"][0], "sent": 2, "void": 1}]}, "wrong_value"),
        ({"changed": 10**30}, "wrong_value"),
        ({"to": None}, "wrong_value"),
    ],
)
def test_what_is_wrong_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    parsed = FORMAT.parse(json.dumps({**PURCHASE, **change}).encode(), "EU")
    assert [(refusal.reason, refusal.external_id) for refusal in parsed.refusals] == [(reason, "B-1")]


def test_a_statement_that_does_not_add_up_is_refused() -> None:
    lines = [{"kind": "ITEM", "amount": 100, "purchase": "B-1"}]
    statement = {"statement": "ST-1", "currency": "USD", "paid": 101, "paid_at": 0, "lines": lines}
    with pytest.raises(SchemaDrift, match="sum_differs"):
        FORMAT.parse_settlement(json.dumps(statement).encode(), "EU")


def test_a_folder_with_a_channel_is_found_by_itself() -> None:
    """As if examples/bazaar stood in connectors/: in another process, so that this one does not get a sixth channel."""
    code = (
        "import connectors; connectors.__path__.append('examples');"
        "from connectors.providers import CHANNELS, FORMATS; print(CHANNELS['bazaar'].connect.__name__, *FORMATS)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split()[0] == "BazaarChannel"
    assert "bazaar" in found.stdout.split()[1:]


def test_the_guide_tells_the_truth() -> None:
    """Files with their lengths, links, and paths that are named."""
    text = GUIDE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| (\d+) \|", text, re.MULTILINE)
    told = {name: int(lines) for name, lines in rows}
    folder = ROOT / "examples" / "bazaar"
    real = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in folder.glob("*.*")}
    assert told == {name: lines for name, lines in real.items() if name != "__init__.py"}
    links = re.findall(r"\]\(\.\./([^)]+)\)", text)
    named = re.findall(r"`((?:sandbox|connectors|tests)/[\w/.]+\.py)`", text)
    assert links
    future = {"sandbox/bazaar.py"}
    assert [path for path in (*links, *named) if path not in future and not (ROOT / path).exists()] == []
