"""What both forms of a statement are made of: days, amounts, and things that have to be there."""

from __future__ import annotations

import re
from datetime import date

from connectors.bank.markup import Element
from connectors.errors import SchemaDrift
from models.money import Money, MoneyError

UNNAMED = "?"
"""In place of a reference that the bank does not give."""
PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")


def amount_of(text: str, currency: str, where: str) -> Money:
    """A plain decimal: what `1.234` means where commas are decimals, nobody can tell."""
    if not PLAIN.fullmatch(text):
        raise SchemaDrift("wrong_type", where, text, "Write it like -1234.56, without separators of thousands.")
    try:
        return Money.of(text, currency)
    except (MoneyError, ValueError) as error:
        remedy = f"Give an ISO 4217 currency, and no more decimals than it has ({_reason(error)})."
        raise SchemaDrift("wrong_type", where, f"{text} {currency}".strip(), remedy) from None


def day_of(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SchemaDrift("wrong_type", where, text, "Write the date like 2026-11-28.") from None


def required(found: Element | None, name: str, line: int) -> Element:
    if found is None:
        raise SchemaDrift("missing", f"line {line}, {name}", "", "The bank must state it: export the statement again.")
    return found


def _reason(error: ValueError) -> str:
    return str(error).splitlines()[-1].strip()[:160]
