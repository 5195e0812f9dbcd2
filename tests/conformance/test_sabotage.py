"""The suite catches what it is there to catch: a connector that is good but for one fault fails the right points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.limiter import RateLimiter
from connectors.ports import OrderPage, Parsed, ParsedReturns, WebhookEvent
from examples.bazaar.client import QUOTAS, BazaarChannel
from examples.bazaar.format import BazaarFormat
from models import channel as asked
from models.channel import Progress, ReturnAction
from models.fulfilment import ConfirmedParcel
from models.order import ChannelState, Order
from tests.conformance.point import POINTS
from tests.conformance.stage import Stage, Stand
from tests.conformance.subject import Subject

FAILS = (AssertionError, pytest.fail.Exception, ConnectorError, UnicodeDecodeError)
"""How a point fails: by what it asserts, by a refusal that should not be, by what a parser should not raise."""
SUBJECT: Subject = import_module("tests.conformance.subjects.bazaar").SUBJECT
for area in ("parsing", "polling", "writing", "money", "webhooks", "account"):
    import_module(f"tests.conformance.points.{area}")


class WritesAgain(BazaarChannel):
    """Never looks before it writes again."""

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        await super().confirm(parcel, retry=False)

    async def refund(self, request: asked.RefundRequest, *, retry: bool) -> Progress:
        return await super().refund(request, retry=False)

    async def decide_return(self, decision: asked.ReturnDecision, *, retry: bool) -> Progress:
        return await super().decide_return(decision, retry=False)


class TakesTakenForDone(BazaarChannel):
    async def cancel(self, request: asked.Cancellation, *, retry: bool) -> Progress:
        await super().cancel(request, retry=retry)
        return Progress()


class StopsAfterAPage(BazaarChannel):
    async def poll(self, cursor: str | None) -> OrderPage:
        return (await super().poll(cursor)).model_copy(update={"more": False})


class BeginsAgain(BazaarChannel):
    """Forgets its place, and so never comes to an end."""

    async def poll(self, cursor: str | None) -> OrderPage:
        return await super().poll(None)


class SkipsWhatChanged(BazaarChannel):
    """Shows an order once in its life."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._shown: set[str] = set()

    async def poll(self, cursor: str | None) -> OrderPage:
        page = await super().poll(cursor)
        fresh = tuple(order for order in page.orders if order.external_id not in self._shown)
        self._shown |= {order.external_id for order in fresh}
        return page.model_copy(update={"orders": fresh})


class HidesRejections(BazaarChannel):
    async def set_stock(self, update: asked.StockUpdate, *, retry: bool) -> Progress:
        await super().set_stock(update, retry=retry)
        return Progress()


class KnowsNoQuota(BazaarChannel):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._client._limiter = RateLimiter(QUOTAS, scale=1000)


class RemembersItsSecret(BazaarChannel):
    def __init__(self, connection: Any, *args: Any) -> None:
        secret = connection.secret("key")
        super().__init__(connection.model_copy(update={"credentials": {"key": secret}}), *args)


class DecidesWhatIsNotItsToDecide(BazaarChannel):
    async def decide_return(self, decision: asked.ReturnDecision, *, retry: bool) -> Progress:
        if decision.action in (ReturnAction.RECEIVE, ReturnAction.REFUND):
            return Progress()
        return await super().decide_return(decision, retry=retry)


class Altered(BazaarFormat):
    """Changes what is read of an order."""

    def __init__(self, change: Callable[[Order], Order]) -> None:
        self._change = change

    def parse(self, body: bytes, account: str) -> Parsed:
        parsed = super().parse(body, account)
        return parsed.model_copy(update={"orders": tuple(map(self._change, parsed.orders))})


class CountsNoDrift(BazaarFormat):
    def parse(self, body: bytes, account: str) -> Parsed:
        return super().parse(body, account).model_copy(update={"drift": ()})


class GuessesStates(BazaarFormat):
    def parse(self, body: bytes, account: str) -> Parsed:
        return super().parse(body.replace(b"BEWITCHED_TOMORROW", b"ACCEPTED"), account)


class Raises(BazaarFormat):
    def parse(self, body: bytes, account: str) -> Parsed:
        body.decode()
        return super().parse(body, account)

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        body.decode()
        return super().parse_returns(body, account)


class BelievesEverybody(BazaarFormat):
    def verify(self, headers: Any, body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        return WebhookEvent(delivery_id="1", topic="orders/created")


def too_dear(order: Order) -> Order:
    return order.model_copy(update={"total": order.total + order.total})


def always_open(order: Order) -> Order:
    return order.model_copy(update={"state": ChannelState.OPEN})


def without_refunds(order: Order) -> Order:
    return order.model_copy(update={"refunds": ()})


def without_parcels(order: Order) -> Order:
    return order.model_copy(update={"parcels": ()})


def by(connector: type[BazaarChannel]) -> Subject:
    return replace(SUBJECT, connect=lambda connection, clock: connector(connection, clock))


def reading(form: BazaarFormat) -> Subject:
    return replace(SUBJECT, format=form)


SABOTAGE: list[tuple[Subject, str]] = [
    (by(WritesAgain), "a_lost_reply_does_not_ship_a_parcel_twice"),
    (by(WritesAgain), "a_reply_that_came_does_not_ship_a_parcel_twice_either"),
    (by(WritesAgain), "a_lost_reply_does_not_refund_twice"),
    (by(WritesAgain), "two_refunds_of_one_amount_are_two"),
    (by(TakesTakenForDone), "what_has_left_is_not_cancelled"),
    (by(StopsAfterAPage), "a_walk_in_pages_sees_every_order"),
    (by(StopsAfterAPage), "an_order_added_in_mid_walk_is_not_lost"),
    (by(BeginsAgain), "a_walk_in_pages_sees_every_order"),
    (by(SkipsWhatChanged), "an_order_updated_after_a_walk_comes_with_the_next"),
    (by(SkipsWhatChanged), "an_order_updated_in_mid_walk_is_read_again_and_none_is_skipped"),
    (by(HidesRejections), "an_unknown_sku_is_rejected_by_name_and_the_others_are_set"),
    (by(KnowsNoQuota), "a_burst_of_calls_stays_within_the_quota"),
    (by(RemembersItsSecret), "a_secret_that_is_renewed_in_its_file_needs_no_new_connector"),
    (by(DecidesWhatIsNotItsToDecide), "what_the_channel_leaves_to_itself_is_unsupported"),
    (reading(CountsNoDrift()), "an_unknown_field_anywhere_changes_nothing_and_is_counted"),
    (reading(GuessesStates()), "an_unknown_state_is_refused_by_its_name"),
    (reading(Raises()), "no_payload_makes_the_parser_raise"),
    (reading(Raises()), "no_payload_makes_the_parser_of_returns_raise"),
    (reading(BelievesEverybody()), "what_is_not_signed_is_refused"),
    (reading(Altered(too_dear)), "every_generated_order_adds_up"),
    (reading(Altered(always_open)), "a_cancelled_order_is_read_back_as_cancelled"),
    (reading(Altered(always_open)), "an_order_that_the_buyer_cancels_is_read_as_cancelled"),
    (reading(Altered(without_refunds)), "a_refund_is_read_back_with_its_amount"),
    (reading(Altered(without_parcels)), "what_has_left_is_seen_before_the_rest_leaves"),
]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("subject", "name"), SABOTAGE, ids=[name for _, name in SABOTAGE])
async def test_the_right_point_fails(
    subject: Subject, name: str, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.conformance.stage.PATIENCE", 0.5)
    (found,) = [point for point in POINTS if point.name == name]
    stage = Stage(subject, stand, found.scale(subject)) if found.scale else Stage(subject, stand)
    try:
        with pytest.raises(FAILS):
            await found.check(stage)
    finally:
        await stage.aclose()
