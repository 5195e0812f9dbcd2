"""Bank statement lines in the books of the ERP's twin: each moves money from the payouts under way to the bank."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from models.bank import compact
from models.ledger import AccountRole
from models.money import Amount, Currency
from sandbox.contract import Refused

BANK_ACCOUNTS: Mapping[str, str] = {
    "DE89 3704 0044 0532 0130 00": "EUR",
    "House bank, crowns": "SEK",
    "Operating account": "USD",
}
"""The company's bank accounts -> the currency that each is kept in."""
_CURRENCIES = {compact(name): currency for name, currency in BANK_ACCOUNTS.items()}


class StatementLinePosting(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str
    company: str = Field(min_length=1)
    bank_account: str = Field(min_length=1)
    booked_on: date
    currency: Currency
    amount: Amount
    counterparty: str = ""
    text: str = ""
    payout_of: str | None = None


def require_bank_account(line: StatementLinePosting) -> None:
    kept_in = _CURRENCIES.get(compact(line.bank_account))
    if kept_in is None:
        raise Refused("unknown_account", "bank_account", f"There is no bank account {line.bank_account}.")
    if kept_in != line.currency:
        raise Refused("unknown_currency", "currency", f"{line.bank_account} is kept in {kept_in}.")


def pays(line: StatementLinePosting, journal: Mapping[str, Any]) -> bool:
    """Whether the line brings exactly what the journal has under way."""
    under_way = [each for each in journal["lines"] if each["account"] == AccountRole.TRANSIT.value]
    return any((Decimal(each["amount"]), each["currency"]) == (line.amount, line.currency) for each in under_way)
