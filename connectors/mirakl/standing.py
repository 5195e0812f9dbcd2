"""An order as it stands at the marketplace, read before and after a write."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import Declined, Failure
from connectors.mirakl.node import Node, currency_of, decode
from connectors.mirakl.vocabulary import (
    CANCELED,
    FAILURES,
    LINE_STATES,
    REFUSED,
    TAX_EXCLUDED,
    TAX_INCLUDED,
    WAITING_ACCEPTANCE,
)
from models.money import Money
from models.order import ChannelState

NOT_SHIPPED = frozenset({"STAGING", WAITING_ACCEPTANCE, "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "SHIPPING"})
INVALID_STATE = frozenset(code for code, failure in FAILURES.items() if failure is Failure.ALREADY_DONE)
"""Codes of refusals that may mean that it has happened before: worth a look."""


@dataclass(frozen=True)
class Standing:
    node: Node

    @classmethod
    def read(cls, body: bytes) -> Standing:
        return cls(Node(decode(body)))

    @property
    def state(self) -> str:
        return self.node["order_state"].text()

    @property
    def ended(self) -> bool:
        """Refused or cancelled as a whole."""
        return self.state in (REFUSED, CANCELED)

    @property
    def left(self) -> bool:
        return self.state not in NOT_SHIPPED and not self.ended

    @property
    def accepted(self) -> bool:
        return self.left or self.state in NOT_SHIPPED - {"STAGING", WAITING_ACCEPTANCE}

    @property
    def currency(self) -> str:
        return currency_of(self.node["currency_iso_code"])

    @property
    def tax_mode(self) -> str:
        return TAX_EXCLUDED if self.node["order_tax_mode"].text() == TAX_EXCLUDED else TAX_INCLUDED

    def lines(self) -> list[Node]:
        return list(self.node["order_lines"].each())

    def line(self, line_id: str) -> Node:
        """Raises `Declined` for a line that the order does not have."""
        found = next((line for line in self.lines() if line["order_line_id"].text() == line_id), None)
        if found is None:
            raise Declined(f"the order has no line {line_id}", code="ORDER_LINE_NOT_FOUND", field=line_id)
        return found

    def to_ship(self) -> dict[str, int]:
        """Line -> units that are to be shipped as long as nothing has left: not those that were paid back before."""
        units = {line["order_line_id"].text(): quantity(line) - refunded(line) for line in self.alive()}
        return {line_id: count for line_id, count in units.items() if count > 0}

    def alive(self) -> list[Node]:
        """The lines of which something may still be shipped."""
        ended = (REFUSED, CANCELED, "REFUNDED")
        return [line for line in self.lines() if line["order_line_state"].text() not in ended and quantity(line)]


def quantity(line: Node) -> int:
    """What cancelations left of the line."""
    return line["quantity"].quantity_or_none()


def refunded(line: Node) -> int:
    """Units that refunds name."""
    return sum(refund["quantity"].quantity_or_none() for refund in line["refunds"].each())


def has_left(line: Node) -> bool:
    return LINE_STATES.get(line["order_line_state"].text()) is ChannelState.SHIPPED


def number(amount: Money) -> float | int:
    """As a JSON number. The nearest float of an amount of up to 15 digits is written as that amount again."""
    value = amount.amount
    return int(value) if value == value.to_integral_value() else float(value)


def share(amount: Money, units: int, of: int) -> Money:
    """The part of an amount that falls on some of the units; the parts of all units add up to it."""
    return amount if units >= of else amount.allocate([units, of - units])[0]


def taxes(line: Node, name: str, currency: str, units: int, of: int) -> list[dict[str, object]]:
    """The share of each of the line's taxes, for OR28 and OR30: they want an amount a code."""
    return [
        {"code": tax["code"].text(), "amount": number(share(tax["amount"].money(currency), units, of))}
        for tax in line[name].each()
    ]
