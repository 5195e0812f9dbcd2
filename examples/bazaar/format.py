"""The pure half: any bytes in; canonical orders, returns and settlements, or named refusals, out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import ValidationError

from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, Parsed, ParsedReturns, Refusal, WebhookEvent, WebhookRefused
from connectors.settlement_files import split
from examples.bazaar import documents as bazaar
from examples.bazaar.vocabulary import RULES, VOCABULARY
from models import order as canonical
from models.money import Money, minor_unit
from models.returns import ChannelReturn, ReturnLine
from models.settlement import Entry, Reading, Settlement, SettlementLine
from models.settlement_rules import RuleSet

CHANNEL = "bazaar"
FIELDS = known_fields(Path(__file__).with_name("fields.txt"))
Read = TypeVar("Read")


class BazaarFormat:
    channel = CHANNEL
    mapping_version = 1
    api_version = "3"
    vocabulary = VOCABULARY
    settlement_rules = RULES

    def parse(self, body: bytes, account: str) -> Parsed:
        found = _understood(body, "purchase", lambda value: _order(value, account))
        if isinstance(found, Refusal):
            return Parsed(refusals=(found,))
        return Parsed(orders=(found[0],), drift=found[1])

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        found = _understood(body, "claim", lambda value: _return(value, account))
        if isinstance(found, Refusal):
            return ParsedReturns(refusals=(found,))
        return ParsedReturns(returns=(found[0],), drift=found[1])

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        raise WebhookRefused("Bazaar posts nothing: it is polled")

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        try:
            return _settlement(bazaar.Statement.model_validate(_decoded(body)), account)
        except ValueError as error:
            raise _drift(error) from None

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        """Bazaar's statements are short: a day's sales, at most."""
        rules = rules or RULES
        file.seek(0)
        for each in split(self.parse_settlement(file.read(), account)):
            if isinstance(each, Entry):
                line = each.line.model_copy(update={"type": rules.type_of((each.line.label,))})
                yield Entry(each.settlement_id, line)
            else:
                yield each


def moment(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


def _understood(body: bytes, named: str, understand: Callable[[Any], Read]) -> tuple[Read, tuple[Drift, ...]] | Refusal:
    """What the body says and how it drifts, or why it is refused; `named`: the field of its id."""
    value = None
    try:
        value = _decoded(body)
        return understand(value), unknown_fields(value, FIELDS)
    except (SchemaDrift, ValueError) as error:
        drift = _drift(error)
        name = value.get(named) if isinstance(value, dict) else None
        external_id = name if isinstance(name, str) and name.isprintable() else None
        return Refusal(
            reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy, external_id=external_id
        )


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise SchemaDrift("not_json", "$", body[:60], "Keep Bazaar's answer as it came.") from None


def _drift(error: SchemaDrift | ValueError) -> SchemaDrift:
    """Pydantic's errors, and those of money, are `ValueError`s."""
    if isinstance(error, SchemaDrift):
        return error
    if not isinstance(error, ValidationError):
        return SchemaDrift("wrong_amount", "currency", str(error), "Amounts are minor units of an ISO 4217 currency.")
    first = error.errors(include_url=False)[0]
    path = ".".join(map(str, first["loc"])) or "$"
    if first["type"] == "missing":
        return SchemaDrift("missing", path, None, "Bazaar's contract has this field always.")
    return SchemaDrift("wrong_value", path, first["input"], f"{first['msg']}.")


def _word(table: Mapping[str, Read], word: str) -> Read:
    """Raises `SchemaDrift` for a word that decides what happens, and that nobody knows."""
    if word not in table:
        raise SchemaDrift("unknown_state", "status", word, f"Known are {', '.join(table)}: map it, then replay.")
    return table[word]


def _money(cents: int, currency: str) -> Money:
    return Money.of(cents * minor_unit(currency), currency)


def _order(value: Any, account: str) -> canonical.Order:
    given = bazaar.Purchase.model_validate(value)
    to, currency = given.to, given.currency
    order = canonical.Order(
        key=canonical.OrderKey(channel=CHANNEL, account=account, external_id=given.purchase),
        purchased_at=moment(given.placed),
        version=moment(given.changed),
        state=_word(VOCABULARY.states, given.status),
        currency=currency,
        lines=tuple(_line(item, currency) for item in given.items),
        charges=(canonical.Charge(kind=canonical.ChargeKind.SHIPPING, amount=_money(given.postage, currency)),),
        total=_money(given.total, currency),
        buyer=canonical.Buyer(name=to.name),
        ship_to=canonical.Address(
            name=to.name, lines=(to.street,), city=to.city, postal_code=to.zip, country=to.country
        ),
        parcels=tuple(map(_parcel, given.packages)),
        refunds=tuple(
            canonical.OrderRefund(refund_id=payback.ref, amount=_money(payback.amount, currency))
            for payback in given.paybacks
        ),
        acknowledge_by=None if given.accept_until is None else moment(given.accept_until),
    )
    if order.totals.difference:
        raise SchemaDrift("totals_differ", "total", str(order.total), f"The parts give {order.totals.computed}.")
    return order


def _line(item: bazaar.Item, currency: str) -> canonical.OrderLine:
    remitter = canonical.Remitter.CHANNEL if item.tax_kept else canonical.Remitter.SELLER
    price = _money(item.price, currency)
    return canonical.OrderLine(
        line_id=item.item,
        sku=item.sku,
        quantity=item.count,
        unit_price=price,
        goods=price * item.count,
        taxes=(canonical.Tax(amount=_money(item.tax, currency), remitter=remitter),),
        cancelled=item.void,
        shipped=item.sent,
    )


def _parcel(package: bazaar.Package) -> canonical.Parcel:
    return canonical.Parcel(
        parcel_id=package.ref,
        carrier=package.courier,
        tracking=package.tracking,
        shipped_at=moment(package.at),
        quantities={units.item: units.count for units in package.units},
    )


def _return(value: Any, account: str) -> ChannelReturn:
    given = bazaar.Claim.model_validate(value)
    return ChannelReturn(
        return_id=given.claim,
        order_key=canonical.OrderKey(channel=CHANNEL, account=account, external_id=given.purchase),
        version=moment(given.changed),
        state=_word(VOCABULARY.return_states, given.status),
        lines=(ReturnLine(return_line_id="1", line_id=given.item, quantity=given.count, reason=given.why),),
        requested_at=moment(given.placed),
    )


def _settlement(given: bazaar.Statement, account: str) -> Settlement:
    lines = tuple(
        SettlementLine(
            number=number,
            type=RULES.type_of((line.kind,)),
            label=line.kind,
            labels=(line.kind,),
            amount=_money(line.amount, given.currency),
            order_id=line.purchase,
        )
        for number, line in enumerate(given.lines, start=1)
    )
    settlement = Settlement(
        channel=CHANNEL,
        account=account,
        settlement_id=given.statement,
        currency=given.currency,
        payout=_money(given.paid, given.currency),
        deposited_at=moment(given.paid_at),
        lines=lines,
    )
    if settlement.lines_total != settlement.payout:
        stated = f"paid {settlement.payout}, lines {settlement.lines_total}"
        raise SchemaDrift("sum_differs", "paid", stated, "A statement's lines add up to what is paid.")
    return settlement
