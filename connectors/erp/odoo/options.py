"""What the connection says about an Odoo: its database, companies, accounts and taxes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.erp.leaving import held_at
from connectors.errors import Declined
from connectors.registry import ConnectionsError, SystemConnection
from models.ledger import AccountRole
from models.order import OrderKey, Tax


class OdooOptions(BaseModel):
    """`options` of the connection; `docs/erp.md` explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = ""
    """Only where the host serves several."""
    company: str
    """Legal entity that is meant when a document names none."""
    companies: dict[str, int] = Field(min_length=1)
    """Legal entity -> id of its company; one key may serve several."""
    accounts: dict[str, str]
    """Role -> code in the chart; `tax_channel_remitted` is the counterpart of `tax_channel`."""
    taxes: dict[str, str]
    """`seller` or `channel`, or with jurisdiction and rate (`seller:DE:0.19`) -> name of the tax."""
    sales_journal: str = "INV"
    journal: str = "MISC"
    """Codes of the journals for invoices and for other entries."""
    channel_warehouses: dict[str, str] = Field(default_factory=dict)
    """`amazon/EU-DE`, `amazon` or `*` -> code of the warehouse in which goods stand that the channel ships."""
    concurrency: int = Field(default=4, ge=1)
    """Postings at once, of one worker: those that lose locks to each other only cost."""

    @classmethod
    def of(cls, connection: SystemConnection) -> OdooOptions:
        try:
            options = cls.model_validate(connection.options)
        except ValidationError as error:
            raise ConnectionsError(f"odoo: options: {error}") from error
        if options.company not in options.companies:
            raise ConnectionsError(f"odoo: options.company: {options.company!r} is not one of options.companies")
        return options

    def account_code(self, role: AccountRole | str) -> str:
        if role not in self.accounts:
            raise Declined(f"odoo: no account for {role!s}: add it to options.accounts", code="unknown_account")
        return self.accounts[role]

    def held_at(self, key: OrderKey) -> str:
        return held_at(self.channel_warehouses, key)

    def tax_code(self, tax: Tax) -> str:
        """The most exact entry counts: remitter, jurisdiction and rate; remitter and rate; remitter."""
        asked = [f"{tax.remitter}:{tax.jurisdiction}:{tax.rate}", f"{tax.remitter}:{tax.rate}", str(tax.remitter)]
        for name in asked:
            if name in self.taxes:
                return self.taxes[name]
        raise Declined(f"odoo: no tax for {asked[0]}: add it to options.taxes", code="unknown_tax", field="taxes")
