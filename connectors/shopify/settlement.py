"""Shopify Payments payouts with their balance transactions, in GraphQL's or REST's spelling.

net = amount - fee of a transaction, and the payout is the sum of the nets (the payout's own row excepted).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.shopify.amounts import money
from connectors.shopify.node import Node, decode, is_camel
from connectors.shopify.order import CHANNEL
from models.money import Money
from models.settlement import LineType, Settlement, SettlementLine

PAYOUT_ROWS = frozenset({"payout", "transfer"})
"""The payout itself as a row, with the opposite sign (REST `payout`, GraphQL `TRANSFER`)."""

TYPES = {
    "charge": LineType.SALE,
    "refund": LineType.REFUND,
    "refund_failure": LineType.REFUND,
    "refund_adjustment": LineType.REFUND,
    "adjustment": LineType.ADJUSTMENT,
    "charge_adjustment": LineType.ADJUSTMENT,
    "credit": LineType.ADJUSTMENT,
    "debit": LineType.ADJUSTMENT,
    "dispute": LineType.ADJUSTMENT,
    "dispute_withdrawal": LineType.ADJUSTMENT,
    "dispute_reversal": LineType.ADJUSTMENT,
    "chargeback_hold": LineType.RESERVE,
    "chargeback_hold_release": LineType.RESERVE,
    "chargeback_fee": LineType.FEE,
    "chargeback_fee_refund": LineType.FEE,
    "stripe_fee": LineType.FEE,
    "referral_fee": LineType.FEE,
    "shipping_label": LineType.FEE,
    "shipping_label_adjustment": LineType.FEE,
    "reserve": LineType.RESERVE,
    "reserved_funds": LineType.RESERVE,
    "reserved_funds_withdrawal": LineType.RESERVE,
    "reserved_funds_reversal": LineType.RESERVE,
    "payout_failure": LineType.TRANSFER,
    "payout_cancellation": LineType.TRANSFER,
    "transfer_failure": LineType.TRANSFER,
    "transfer_cancel": LineType.TRANSFER,
    "transfer_refund": LineType.TRANSFER,
    "balance_transfer_inbound": LineType.TRANSFER,
    "balance_transfer_outbound": LineType.TRANSFER,
    "advance": LineType.TRANSFER,
    "advance_funding": LineType.TRANSFER,
}

REMEDY = "Send the payout with all its balance transactions: {payout: {…}, transactions: [{…}, …]}."


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift`; `sum_differs` when the transactions do not add up to the payout."""
    document = _unwrapped(Node(decode(body)))
    rows = [_spelt(row) for row in document.at("transactions").needed(REMEDY).objects()]
    payout = _Payout(document, rows)
    lines = tuple(_lines(payout.transactions, payout.currency))
    settlement = Settlement(
        channel=CHANNEL,
        account=account,
        settlement_id=payout.payout_id,
        currency=payout.currency,
        payout=payout.amount,
        deposited_at=payout.deposited_at,
        lines=lines,
    )
    if settlement.lines_total != payout.amount:
        payout.stated.value = f"stated {payout.amount}, transactions {settlement.lines_total}"
        raise payout.stated.drift("sum_differs", "Read every page of the payout's balance transactions again.")
    return settlement


def _unwrapped(node: Node) -> Node:
    for name in ("response_body", "data"):
        if isinstance(node.value, dict) and isinstance(node.value.get(name), dict):
            node = node.at(name)
    if not isinstance(node.value, dict) or not {"payout", "transactions"} & node.value.keys():
        raise node.drift("not_a_settlement", REMEDY)
    return node


def _spelt(node: Node) -> Node:
    return Node(node.value, node.path, camel=is_camel(node.value))


def kind_of(row: Node) -> str:
    return row.at("type").needed("A balance transaction has a type.").text().lower()


class _Payout:
    """The payout object, or else the payout's own row among the transactions."""

    def __init__(self, document: Node, rows: list[Node]) -> None:
        own = next((row for row in rows if kind_of(row) in PAYOUT_ROWS), None)
        self.transactions = [row for row in rows if kind_of(row) not in PAYOUT_ROWS]
        found = document.at("payout")
        if isinstance(found.value, dict):
            self._from_object(_spelt(found))
        elif own is not None:
            self._from_row(own)
        else:
            raise found.drift("missing", f"Neither a payout nor a row of type payout is here. {REMEDY}")
        self._check_belonging()

    def _from_object(self, payout: Node) -> None:
        self.payout_id = payout.at("id", "legacy_resource_id").needed("A payout has an id.").identity()
        self.stated, self.currency = _amount(payout, "net", "amount")
        self.amount = money(self.stated, self.currency)
        self.deposited_at = _deposited(payout.at("issued_at", "date"))

    def _from_row(self, row: Node) -> None:
        self.payout_id = _payout_id(row).needed("The payout's row names its payout.").identity()
        self.stated, self.currency = _amount(row, "amount")
        self.amount = -money(self.stated, self.currency)
        self.deposited_at = _deposited(row.at("transaction_date", "processed_at"))

    def _check_belonging(self) -> None:
        for row in self.transactions:
            named = _payout_id(row)
            if not named.absent and named.identity() != self.payout_id:
                raise named.drift("wrong_payout", f"This transaction is not of payout {self.payout_id}.")


def _payout_id(row: Node) -> Node:
    flat = row.at("payout_id")
    return row.at("associated_payout").at("id") if flat.absent else flat


def _lines(rows: list[Node], currency: str) -> Iterator[SettlementLine]:
    number = 0
    for row in rows:
        for line_type, label, amount in _amounts(row, currency):
            number += 1
            yield SettlementLine(
                number=number,
                type=line_type,
                label=label,
                amount=amount,
                order_id=_order_id(row),
                posted_at=_moment(row.at("transaction_date", "processed_at")),
            )


def _amounts(row: Node, currency: str) -> Iterator[tuple[LineType, str, Money]]:
    """The gross amount and, when there is one, the fee as a line of its own. Unknown types stay one net amount."""
    gross, fee, net = (_money(row, name, currency) for name in ("amount", "fee", "net"))
    charged = net - gross
    # Shopify signs the fee of an adjustment the other way round, so the difference says which way it went.
    if charged not in (fee, -fee):
        raise row.at("net").drift("net_differs", f"amount {gross} and fee {fee} should give the net amount.")
    kind = kind_of(row)
    reason = row.at("adjustment_reason").text()
    label = f"{kind} / {reason}" if reason else kind
    if kind not in TYPES:
        yield LineType.UNKNOWN, label, net
        return
    yield TYPES[kind], label, gross
    if fee:
        yield LineType.FEE, f"{kind} / fee", charged


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
