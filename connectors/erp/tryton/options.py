"""What the connection says about a Tryton: its companies, accounts and taxes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.erp.leaving import held_at
from connectors.errors import Declined
from connectors.registry import ConnectionsError, SystemConnection
from models.ledger import AccountRole
from models.order import OrderKey, Remitter, Tax


class Company(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int
    shop: str
    """Web shop whose orders have a unique id."""


class TrytonOptions(BaseModel):
    """`options` of the connection; `docs/erp.md` explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str
    company: str
    """Legal entity that is meant when a document names none."""
    companies: dict[str, Company] = Field(min_length=1)
    """Legal entity -> its company; each has a credential `key:<entity>`."""
    accounts: dict[str, str]
    """Role -> code in the chart; `tax_channel_remitted` is the counterpart of `tax_channel`."""
    taxes: dict[str, str]
    """`seller` or `channel`, or with jurisdiction and rate (`seller:DE:0.19`) -> tax code."""
    warehouse: str = ""
    """Node whose warehouse an order is entered with; the first, when empty."""
    channel_warehouses: dict[str, str] = Field(default_factory=dict)
    """`amazon/EU-DE`, `amazon` or `*` -> code of the warehouse in which goods stand that the channel ships."""
    concurrency: int = Field(default=4, ge=1)
    """Postings at once, of one worker: those that lose locks to each other only cost."""

    @classmethod
    def of(cls, connection: SystemConnection) -> TrytonOptions:
        try:
            options = cls.model_validate(connection.options)
        except ValidationError as error:
            raise ConnectionsError(f"tryton: options: {error}") from error
        if options.company not in options.companies:
            raise ConnectionsError(f"tryton: options.company: {options.company!r} is not one of options.companies")
        return options

    def account_code(self, role: AccountRole | str) -> str:
        if role not in self.accounts:
            raise Declined(f"tryton: no account for {role!s}: add it to options.accounts", code="unknown_account")
        return self.accounts[role]

    def held_at(self, key: OrderKey) -> str:
        return held_at(self.channel_warehouses, key)

    def tax_code(self, tax: Tax) -> str:
        """The most exact entry counts: remitter, jurisdiction and rate; remitter and rate; remitter."""
        asked = [f"{tax.remitter}:{tax.jurisdiction}:{tax.rate}", f"{tax.remitter}:{tax.rate}", str(tax.remitter)]
        return self._entry(next((name for name in asked if name in self.taxes), asked[0]))

    def general_code(self, remitter: Remitter) -> str:
        return self._entry(str(remitter))

    @property
    def remitted_code(self) -> str:
        """Of the entry against a channel's tax: the channel remits what it collected."""
        return self._entry(f"{Remitter.CHANNEL}_remitted")

    def remitter_of(self, code: str) -> Remitter | None:
        """Who pays a tax of this code; None for the entry against a channel's tax, and for codes that are not ours."""
        if code == self.remitted_code:
            return None
        names = [name for name, known in self.taxes.items() if known == code]
        return Remitter(names[0].split(":")[0]) if names else None

    def _entry(self, name: str) -> str:
        if name not in self.taxes:
            raise Declined(
                f"tryton: no tax code for {name}: add it to options.taxes", code="unknown_tax", field="taxes"
            )
        return self.taxes[name]
