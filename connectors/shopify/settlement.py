"""Shopify Payments payouts with their balance transactions, in GraphQL's or REST's spelling.

net = amount - fee of a transaction, and the payout is the sum of the nets (the payout's own row excepted).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from connectors.errors import SchemaDrift
from connectors.json_stream import members
from connectors.settlement_files import Numbering, parts, shipped_rules, whole
from connectors.shopify.amounts import money
from connectors.shopify.node import Node, is_camel
from connectors.shopify.order import CHANNEL
from models.money import Money
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

PAYOUT_ROWS = frozenset({"payout", "transfer"})
"""The payout itself as a row, with the opposite sign (REST `payout`, GraphQL `TRANSFER`)."""
WRAPPERS = ("response_body", "data")
REMEDY = "Send the payout with all its balance transactions: {payout: {…}, transactions: [{…}, …]}."
RULES = shipped_rules(Path(__file__).parent)


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift`; `sum_differs` when the transactions do not add up to the payout."""
    return whole(read_settlement(io.BytesIO(body), account))


def read_settlement(file: BinaryIO, account: str, rules: RuleSet = RULES) -> Reading:
    """A document may hold several payouts: `payouts` beside transactions that name theirs. Sums are not proven here."""
    payouts = _payouts(file, account)
    yield from payouts.values()
    numbers = Numbering()
    for row in _transactions(file):
        if kind_of(row) not in PAYOUT_ROWS:
            statement = _statement_of(row, payouts)
            for labels, amount in _amounts(row, statement.currency):
                number = numbers.next(statement.settlement_id)
                yield Entry(statement.settlement_id, _line(number, row, labels, amount, rules))


def _found(file: BinaryIO) -> Iterator[Node]:
    """Payouts and transactions, each with its path, of all parts of the document."""
    for part in parts(file):
        there = False
        try:
            for path, value in members(part, ("transactions", "payouts"), WRAPPERS):
                name = path.split(".")[-1]
                there = there or name in ("payout", "transactions", "payouts")
                if name == "transactions" and value != []:
                    yield from _connection(value, path)
                elif name == "payout" or name.startswith(("transactions", "payouts")):
                    yield _spelt(Node(value, path))
        except ValueError as error:
            raise SchemaDrift("not_json", "$", "", f"Send one JSON document in UTF-8 ({error}).") from None
        if not there:
            raise SchemaDrift("not_a_settlement", "$", "", REMEDY)


def _connection(value: object, path: str) -> Iterator[Node]:
    """The transactions as GraphQL's connection (`nodes` or `edges`), which is small enough to be read at once."""
    whole_page = Node(value, path, camel=True)
    yield Node([], path)
    yield from (_spelt(row) for row in whole_page.items())


def _spelt(node: Node) -> Node:
    return Node(node.value, node.path, camel=isinstance(node.value, dict) and is_camel(node.value))


def _transactions(file: BinaryIO) -> Iterator[Node]:
    for node in _found(file):
        if ".transactions[" in f".{node.path}" or ".transactions." in f".{node.path}":
            if not isinstance(node.value, dict):
                raise node.drift("wrong_type", "An object is expected here.")
            yield node


def _payouts(file: BinaryIO, account: str) -> dict[str, Statement]:
    """By id: the payout objects, or else the payouts' own rows among the transactions."""
    stated: dict[str, Statement] = {}
    own: dict[str, Statement] = {}
    listed, missing = False, None
    for node in _found(file):
        name = node.path.split(".")[-1]
        listed = listed or name.startswith("transactions")
        if name == "payout" or name.startswith("payouts["):
            missing = node if node.value is None else missing
            stated |= {} if node.value is None else _from_object(node, account)
        elif isinstance(node.value, dict) and kind_of(node) in PAYOUT_ROWS:
            own |= _from_row(node, account)
    if not listed:
        raise SchemaDrift("missing", "transactions", None, f"The transactions are needed. {REMEDY}")
    if not stated and not own:
        remedy = f"Neither a payout nor a row of type payout is here. {REMEDY}"
        raise SchemaDrift("missing", missing.path if missing else "payout", None, remedy)
    return stated or own


def _statement_of(row: Node, payouts: dict[str, Statement]) -> Statement:
    named = _payout_id(row)
    if named.absent and len(payouts) == 1:
        return next(iter(payouts.values()))
    found = payouts.get(named.needed("With several payouts, a transaction names its own.").identity())
    if found is None:
        raise named.drift("wrong_payout", f"This transaction is not of payout {', '.join(sorted(payouts))}.")
    return found


def kind_of(row: Node) -> str:
    return row.at("type").needed("A balance transaction has a type.").text().lower()


def _from_object(payout: Node, account: str) -> dict[str, Statement]:
    name = payout.at("id", "legacy_resource_id").needed("A payout has an id.").identity()
    stated, currency = _amount(payout, "net", "amount")
    return _statement(name, money(stated, currency), _deposited(payout.at("issued_at", "date")), stated.path, account)


def _from_row(row: Node, account: str) -> dict[str, Statement]:
    name = _payout_id(row).needed("The payout's row names its payout.").identity()
    stated, currency = _amount(row, "amount")
    moment = _deposited(row.at("transaction_date", "processed_at"))
    return _statement(name, -money(stated, currency), moment, stated.path, account)


def _statement(
    name: str, amount: Money, deposited_at: datetime | None, where: str, account: str
) -> dict[str, Statement]:
    statement = Statement(
        channel=CHANNEL,
        account=account,
        settlement_id=name,
        currency=amount.currency,
        payout=amount,
        deposited_at=deposited_at,
        where=where,
    )
    return {name: statement}


def _payout_id(row: Node) -> Node:
    flat = row.at("payout_id")
    return row.at("associated_payout").at("id") if flat.absent else flat


def _line(number: int, row: Node, labels: tuple[str, ...], amount: Money, rules: RuleSet) -> SettlementLine:
    kind, part, reason = labels
    shown = (kind, reason, "fee" if part == "fee" else "")
    return SettlementLine(
        number=number,
        type=rules.type_of(labels),
        label=" / ".join(each for each in shown if each),
        labels=labels,
        amount=amount,
        order_id=_order_id(row),
        posted_at=_moment(row.at("transaction_date", "processed_at")),
    )


def _amounts(row: Node, currency: str) -> Iterator[tuple[tuple[str, str, str], Money]]:
    """The gross amount and, when there is one, the fee as a line of its own."""
    gross, fee, net = (_money(row, name, currency) for name in ("amount", "fee", "net"))
    charged = net - gross
    # Shopify signs the fee of an adjustment the other way round, so the difference says which way it went.
    if charged not in (fee, -fee):
        raise row.at("net").drift("net_differs", f"amount {gross} and fee {fee} should give the net amount.")
    kind, reason = kind_of(row), row.at("adjustment_reason").text()
    yield (kind, "amount", reason), gross
    if fee:
        yield (kind, "fee", reason), charged


def _money(row: Node, name: str, currency: str) -> Money:
    stated, own = _amount(row, name)
    if own != currency:
        raise stated.drift("currency_differs", f"The payout is in {currency}, this amount in {own}.")
    return money(stated, own)


def _amount(node: Node, *names: str) -> tuple[Node, str]:
    """Amount and currency of a `MoneyV2`, or of a plain amount beside a `currency`."""
    found = node.at(*names)
    bag = isinstance(found.value, dict)
    amount = found.at("amount") if bag else found
    currency = found.at("currency_code") if bag else node.at("currency")
    code = currency.needed("A currency is needed here.").text().upper()
    try:
        Money.zero(code)
    except ValueError:
        raise currency.drift("unknown_currency", "An ISO 4217 currency code is expected here.") from None
    return amount.needed("An amount is needed here."), code


def _order_id(row: Node) -> str | None:
    order = row.at("associated_order").at("id")
    found = row.at("source_order_id") if order.absent else order
    return None if found.absent else found.identity()


def _deposited(node: Node) -> datetime | None:
    """REST states a day without time: its midnight, UTC."""
    text = node.text()
    if len(text) == len("2026-11-23"):
        return _moment(Node(f"{text}T00:00:00+00:00", node.path))
    return _moment(node)


def _moment(node: Node) -> datetime | None:
    return None if node.absent else node.moment().astimezone(UTC)
