"""The pure half: any bytes in, orders that add up or refusals with a name out."""

from __future__ import annotations

import random

from connectors.errors import SchemaDrift
from models.channel import CancelReason, RefundReason
from models.order import ChannelState, Charge, OrderLine, Remitter
from sandbox.traits import draw
from tests.conformance import payloads
from tests.conformance.point import point
from tests.conformance.stage import Stage
from tests.conformance.subject import Capability

MANY = 60


@point()
async def every_generated_order_adds_up(stage: Stage) -> None:
    sold = [stage.sell_drawn(draw(7, stage.subject.name, number)) for number in range(1, MANY + 1)]
    pages, cursor = await stage.walk(stage.channel)
    # Some are cancelled or shipped by others meanwhile, and come with the next walk.
    later, _ = await stage.walk(stage.channel, cursor)
    read = {polled.external_id: stage.parsed(polled.body) for page in [*pages, *later] for polled in page.orders}
    assert set(sold) == set(read)
    assert all(str(order.key) == str(stage.key(external_id)) for external_id, order in read.items())


@point()
async def an_unknown_field_anywhere_changes_nothing_and_is_counted(stage: Stage) -> None:
    body = await stage.body(stage.sell())
    plain = stage.subject.format.parse(body, stage.account)
    assert not plain.drift, f"the twin's own payload drifts: {plain.drift}"
    uncounted = []
    for path, changed in payloads.with_new_fields(body):
        parsed = stage.subject.format.parse(changed, stage.account)
        assert parsed.orders == plain.orders, f"a field more at {path} made another order"
        if not any(drift.kind == "unknown_field" and payloads.NEW_FIELD in drift.path for drift in parsed.drift):
            uncounted.append(path)
    order_at, free = stage.subject.order_at, set(stage.subject.free_form)
    missed = [path for path in uncounted if path[: len(order_at)] == order_at and not free & set(path)]
    assert not missed, f"a field more was not counted at {missed}"


@point()
async def an_unknown_state_is_refused_by_its_name(stage: Stage) -> None:
    external_id = stage.sell()
    body = await stage.body(external_id)
    for field in stage.subject.state_fields:
        parsed = stage.subject.format.parse(payloads.with_new_word(body, field), stage.account)
        assert not parsed.orders, f"an order in a state that nobody knows was let through ({field})"
        (refusal,) = parsed.refusals
        assert payloads.NEW_WORD in refusal.value, refusal
        assert refusal.external_id == external_id, refusal
        assert refusal.path, refusal
        assert refusal.remedy, refusal


@point()
async def no_payload_makes_the_parser_raise(stage: Stage) -> None:
    body = await stage.body(stage.sell(discount=True, gift=True))
    for changed in payloads.broken(body):
        parsed = stage.subject.format.parse(changed, stage.account)
        assert all(not order.totals.difference for order in parsed.orders)
        assert all(refusal.reason and refusal.remedy for refusal in parsed.refusals)


@point()
async def what_is_no_order_is_refused_and_never_lost_in_silence(stage: Stage) -> None:
    for body in (b"", b"not json", b"[1, 2]", b'{"hello": "world"}', b"\xff"):
        parsed = stage.subject.format.parse(body, stage.account)
        assert not parsed.orders, body
        assert parsed.refusals, body


@point(Capability.RETURNS)
async def no_payload_makes_the_parser_of_returns_raise(stage: Stage) -> None:
    noise = random.Random(7)
    for body in (b"", b"null", b"[[[", b"{}", b"\xff\x00", *(noise.randbytes(80) for _ in range(20))):
        parsed = stage.subject.format.parse_returns(body, stage.account)
        assert not parsed.returns, body


@point(Capability.SETTLEMENT)
async def a_settlement_that_is_none_is_refused_as_drift(stage: Stage) -> None:
    for body in (b"", b"null", b"{}", b"\xff\x00", b"a\tb\n1\t2\n", b"<html/>"):
        try:
            settlement = stage.subject.format.parse_settlement(body, stage.account)
        except SchemaDrift as drift:
            assert drift.reason  # noqa: PT017 - each body is refused for its own reason
        else:
            raise AssertionError(f"{body!r} became {settlement!r}")


@point(Capability.CHANNEL_TAX)
async def tax_that_the_channel_remits_is_kept_apart(stage: Stage) -> None:
    order = await stage.order(stage.sell(channel_tax=True))
    parts: tuple[OrderLine | Charge, ...] = (*order.lines, *order.charges)
    taxes = [tax for part in parts for tax in part.taxes if tax.amount]
    assert any(tax.remitter is Remitter.CHANNEL for tax in taxes)
    assert order.totals.channel_tax.amount > 0
    assert order.receivable == order.total - order.totals.channel_tax


@point()
async def the_vocabulary_of_states_reads_both_ways(stage: Stage) -> None:
    words = stage.subject.format.vocabulary
    wordless = {ChannelState.PARTIALLY_SHIPPED} if Capability.PARTS_SHOWN in stage.subject.without else set()
    assert set(words.state_words) >= set(ChannelState) - wordless, "a state of ours that the channel has no word for"
    for state, word in words.state_words.items():
        assert words.states[word] is state
    assert set(words.states.values()) == set(words.state_words)


@point()
async def every_reason_of_ours_has_a_word(stage: Stage) -> None:
    words = stage.subject.format.vocabulary
    if Capability.CANCEL not in stage.subject.without:
        assert set(words.cancel_reasons) == set(CancelReason)
        assert all(words.cancel_reasons.values())
    if Capability.REFUND not in stage.subject.without:
        assert set(words.refund_reasons) == set(RefundReason)
        assert all(words.refund_reasons.values())


@point()
async def failures_and_carriers_are_explicit_tables(stage: Stage) -> None:
    words = stage.subject.format.vocabulary
    assert words.failures, "no error of the channel is mapped"
    assert all(code == code.strip() and code for code in words.failures)
    assert all(name == name.lower() and name.isalnum() and code for name, code in words.carriers.items())
