"""Sets a new Tryton database up for trading, as its administrator would: companies, accounts, taxes, goods, users."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from stack.tryton_bank import create_bank_journals
from stack.tryton_base import create_countries, create_currencies, create_key, until_it_knows_the_company, work_for
from stack.tryton_goods import Shelves
from stack.tryton_plan import (
    ACCOUNTS,
    BANK_JOURNALS,
    CHANNEL_WAREHOUSE,
    COMPANIES,
    GROUPS,
    TAX_CODES,
    TAXES,
    YEARS,
    Company,
    Goods,
)
from stack.tryton_rpc import Record, TrytonRpc

CHART = "Universal Chart of Accounts"


def set_up(rpc: TrytonRpc, goods: Goods) -> dict[str, Any]:
    """Everything that `connection` needs to know of the companies: entity -> its company and key."""
    world = _World(rpc)
    world.build()
    shelves = Shelves(rpc, goods.with_those_of(CHANNEL_WAREHOUSE))
    companies = {company.entity: _Books(rpc, world, company).build() for company in COMPANIES}
    shelves.build({"sale_uom": shelves.unit, "salable": True, "account_category": world.category})
    for known in companies.values():
        work_for(rpc, known["id"])
        shelves.fill(known["id"])
    return {"companies": companies}


def connection(base_url: str, database: str, known: Mapping[str, Any], goods: Goods) -> dict[str, Any]:
    """The `erp` entry of a connections file; the first company and the first node are the connection's own."""
    companies = known["companies"]
    return {
        "provider": "tryton",
        "base_url": base_url,
        "credentials": {f"key:{entity}": known["key"] for entity, known in companies.items()},
        "options": {
            "database": database,
            "company": COMPANIES[0].entity,
            "companies": {
                entity: {"id": known["id"], "shop": shop_name(entity)} for entity, known in companies.items()
            },
            "accounts": {role: account.code for role, account in ACCOUNTS.items()},
            "taxes": TAX_CODES,
            "warehouse": goods.nodes[0],
            "channel_warehouses": {"*": CHANNEL_WAREHOUSE},
        },
    }


def shop_name(entity: str) -> str:
    """Of the web shop whose orders have a unique id; Tryton wants each name once over all companies."""
    return f"Orderyard {entity}"


class _World:
    """Currencies, countries and the rest that all companies share."""

    def __init__(self, rpc: TrytonRpc) -> None:
        self._rpc = rpc
        self.currencies: dict[str, int] = {}
        self.countries: dict[str, int] = {}
        self.payment_term = 0
        self.groups: list[int] = []
        self.category = 0

    def build(self) -> None:
        self.currencies = create_currencies(self._rpc)
        self.countries = create_countries(self._rpc)
        term = {"name": "Paid through the channel", "lines": [["create", [{"type": "remainder"}]]]}
        [self.payment_term] = self._rpc.create("account.invoice.payment_term", term)
        self.groups = [group["id"] for group in self._rpc.search("res.group", [["name", "in", GROUPS]])]
        [self.category] = self._rpc.create("product.category", {"name": "Goods", "accounting": True})


class _Books:
    """One company: chart of accounts, fiscal years, taxes, shop, and the user that the integration works as."""

    def __init__(self, rpc: TrytonRpc, world: _World, company: Company) -> None:
        self._rpc, self._world, self._company = rpc, world, company
        self._id = 0
        self._accounts: dict[str, int] = {}

    def build(self) -> Record:
        address = {"street": "1 Main Street", "city": "Headquarters", "country": self._country}
        party = {"name": self._company.entity, "code": self._company.code, "addresses": [["create", [address]]]}
        [party_id] = self._rpc.create("party.party", party)
        values = {"party": party_id, "currency": self._currency, "timezone": "UTC"}
        [self._id] = self._rpc.create("company.company", values)
        work_for(self._rpc, self._id)
        self._chart()
        self._make_accounts()
        for year in YEARS:
            self._fiscal_year(year)
        self._make_taxes()
        self._bank(party_id)
        self._shop()
        return {"id": self._id, "key": self._user()}

    @property
    def _country(self) -> int:
        return self._world.countries[self._company.country]

    @property
    def _currency(self) -> int:
        return self._world.currencies[self._company.currency]

    def _chart(self) -> None:
        template = self._rpc.first("account.account.template", [["parent", "=", None], ["name", "=", CHART]])["id"]
        self._rpc.wizard(
            "account.create_chart",
            ("create_account", {"account": {"company": self._id, "account_template": template}}),
        )
        main = {kind: self._main_account(kind) for kind in ("receivable", "payable")}
        properties = {"company": self._id, **{f"account_{kind}": account for kind, account in main.items()}}
        self._rpc.wizard(
            "account.create_chart",
            ("account", {}),
            ("create_properties", {"properties": properties}),
        )

    def _main_account(self, kind: str) -> int:
        domain = [[f"type.{kind}", "=", True], ["company", "=", self._id], ["closed", "!=", True]]
        domain = [*domain, ["party_required", "=", True]]
        return int(until_it_knows_the_company(self._rpc.first, "account.account", domain)["id"])

    def _make_accounts(self) -> None:
        root = self._rpc.first("account.account", [["company", "=", self._id], ["parent", "=", None]])["id"]
        for role, account in ACCOUNTS.items():
            domain = [["company", "=", self._id], ["name", "like", f"{account.type}%"]]
            values = {
                "company": self._id,
                "code": account.code,
                "name": account.name,
                "parent": root,
                "type": self._rpc.first("account.account.type", domain)["id"],
                "party_required": account.by_party,
                "reconcile": account.reconcile,
            }
            [self._accounts[role]] = self._rpc.create("account.account", values)
        goods = {"account_revenue": self._accounts["revenue"], "account_expense": self._accounts["adjustment"]}
        self._rpc.model("product.category", "write", [self._world.category], goods)
        exchange = {f"currency_exchange_{side}_account": self._accounts["exchange"] for side in ("debit", "credit")}
        self._rpc.model("account.configuration", "write", [1], exchange)

    def _fiscal_year(self, year: int) -> None:
        moves = self._sequence("Account Move", f"Moves {year}", f"{year}-")
        invoices = self._sequence("Invoice", f"Invoices {year}", f"INV{year}-")
        credits = self._sequence("Invoice", f"Credit notes {year}", f"CN{year}-")
        numbers = {f"{side}_invoice_sequence": invoices for side in ("out", "in")}
        numbers |= {f"{side}_credit_note_sequence": credits for side in ("out", "in")}
        values = {
            "name": str(year),
            "company": self._id,
            "start_date": date(year, 1, 1),
            "end_date": date(year, 12, 31),
            "move_sequence": moves,
            "invoice_sequences": [["create", [{"company": self._id, **numbers}]]],
        }
        made = self._rpc.create("account.fiscalyear", values)
        self._rpc.model("account.fiscalyear", "create_period", made)

    def _sequence(self, kind: str, name: str, prefix: str) -> int:
        kind_id = self._rpc.first("ir.sequence.type", [["name", "=", kind]])["id"]
        values = {"name": name, "sequence_type": kind_id, "company": self._id, "prefix": prefix, "padding": 6}
        [made] = self._rpc.create("ir.sequence.strict", values)
        return made

    def _make_taxes(self) -> None:
        """All of them in each company: one that sells abroad is registered there."""
        records = [
            {
                "name": tax.code,
                "description": tax.code,
                "type": "percentage",
                "rate": tax.rate,
                "company": self._id,
                "invoice_account": self._accounts[tax.account],
                "credit_note_account": self._accounts[tax.account],
            }
            for tax in TAXES
        ]
        self._rpc.create("account.tax", *records)

    def _bank(self, party: int) -> None:
        company = {"id": self._id, "party": party}
        journals = BANK_JOURNALS[self._company.code]
        create_bank_journals(self._rpc, company, self._accounts["bank"], self._world.currencies, journals)

    def _shop(self) -> None:
        [guest] = self._rpc.create("party.party", {"name": "Guest", "code": f"{self._company.code}-guest"})
        shop = {
            "name": shop_name(self._company.entity),
            "company": self._id,
            "currency": self._currency,
            "guest_party": guest,
        }
        self._rpc.create("web.shop", {**shop, "currency": self._currency})

    def _user(self) -> str:
        """A user and a key for each company: what a user sees follows the user, and is cached without the request's
        context."""
        login, name = f"orderyard-{self._company.code}", f"Orderyard, {self._company.entity}"
        return create_key(self._rpc, login, name, self._id, self._world.groups)
