"""What the local Tryton's retailer looks like: two companies, their accounts and taxes, and what they trade in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

WORLD_SINCE = date(2000, 1, 1)
YEARS = (2024, 2025, 2026, 2027)


@dataclass(frozen=True)
class Company:
    entity: str
    """The legal entity, by the name that it has in Orderyard's connections and routing."""
    code: str
    country: str
    currency: str


@dataclass(frozen=True)
class BankJournal:
    """A bank account whose statements are booked."""

    name: str
    currency: str
    iban: str = ""
    """Empty: its statements are known by the name alone."""


@dataclass(frozen=True)
class Account:
    code: str
    name: str
    type: str
    """Beginning of the name of an account type in the universal chart."""
    by_party: bool = False
    """Kept for each party: clearing and reserves of each channel account."""
    reconcile: bool = False


@dataclass(frozen=True)
class Tax:
    code: str
    rate: Decimal
    account: str


@dataclass(frozen=True)
class Goods:
    """What the companies have on their shelves at the beginning."""

    items: Mapping[str, Sequence[str]]
    """Item -> nodes that stock it."""
    nodes: Sequence[str]
    units: int = 100_000

    def with_those_of(self, warehouse: str) -> "Goods":
        """And as many of everything that is stocked at all in one more warehouse."""
        items = {item: (*nodes, warehouse) if nodes else () for item, nodes in self.items.items()}
        return Goods(items, (*self.nodes, warehouse), self.units)


COMPANIES = (
    Company("Camp Deutschland GmbH", "camp-de", "DE", "EUR"),
    Company("Camp America Inc", "camp-us", "US", "USD"),
)
BANK_JOURNALS = {
    "camp-de": (
        BankJournal("House bank", "EUR", "DE89 3704 0044 0532 0130 00"),
        BankJournal("House bank, crowns", "SEK"),
    ),
    "camp-us": (BankJournal("Operating account", "USD"),),
}
"""Code of a company -> its bank accounts."""
CHANNEL_WAREHOUSE = "channel"
"""Code of the warehouse in which goods stand that a channel ships: the companies', and on none of their shelves."""
CURRENCIES = {
    "EUR": ("978", "0.01", "1"),
    "USD": ("840", "0.01", "1.08"),
    "GBP": ("826", "0.01", "0.85"),
    "CAD": ("124", "0.01", "1.47"),
    "SEK": ("752", "0.01", "11.2"),
    "PLN": ("985", "0.01", "4.3"),
    "CHF": ("756", "0.01", "0.96"),
    "JPY": ("392", "1", "162"),
    "KWD": ("414", "0.001", "0.33"),
}
"""Code -> ISO number, minor unit, units for one euro."""
COUNTRIES = {
    "DE": ("DEU", "276", "Germany"),
    "AT": ("AUT", "040", "Austria"),
    "CH": ("CHE", "756", "Switzerland"),
    "FR": ("FRA", "250", "France"),
    "IT": ("ITA", "380", "Italy"),
    "ES": ("ESP", "724", "Spain"),
    "NL": ("NLD", "528", "Netherlands"),
    "BE": ("BEL", "056", "Belgium"),
    "LU": ("LUX", "442", "Luxembourg"),
    "IE": ("IRL", "372", "Ireland"),
    "GB": ("GBR", "826", "United Kingdom"),
    "SE": ("SWE", "752", "Sweden"),
    "DK": ("DNK", "208", "Denmark"),
    "PL": ("POL", "616", "Poland"),
    "CZ": ("CZE", "203", "Czechia"),
    "PT": ("PRT", "620", "Portugal"),
    "US": ("USA", "840", "United States"),
    "CA": ("CAN", "124", "Canada"),
    "MX": ("MEX", "484", "Mexico"),
    "JP": ("JPN", "392", "Japan"),
    "KW": ("KWT", "414", "Kuwait"),
}
"""Code -> ISO 3166 alpha-3, number, name."""

_CASH, _TAX, _REVENUE, _EXPENSE = "Cash and Cash", "Liabilities and assets for current tax", "Revenue", "Expenses"
ACCOUNTS = {
    "bank": Account("1.1.1.10", "Bank: payouts of channels", _CASH),
    "transit": Account("1.1.1.15", "Payouts under way to the bank", _CASH, reconcile=True),
    "clearing": Account("1.1.1.20", "Clearing of channels", _CASH, by_party=True, reconcile=True),
    "reserve": Account("1.1.1.30", "Reserves held by channels", _CASH, by_party=True, reconcile=True),
    "tax_seller": Account("2.5.10", "Sales tax and VAT, owed by us", _TAX),
    "tax_channel": Account("2.5.20", "Tax collected by channels", _TAX),
    "tax_channel_remitted": Account("2.5.21", "Tax remitted by channels", _TAX),
    "revenue": Account("4.1.10", "Revenue: marketplaces", _REVENUE),
    "refund": Account("4.1.20", "Refunds without a credit note", _REVENUE),
    "commission": Account("6.1.10", "Commissions of channels", _EXPENSE),
    "fee": Account("6.1.20", "Fees of channels", _EXPENSE),
    "adjustment": Account("6.1.30", "Adjustments and differences", _EXPENSE),
    "exchange": Account("6.1.40", "Exchange differences", _EXPENSE),
}
"""Role -> account."""
TAXES = (
    Tax("SELLER-TAX", Decimal(0), "tax_seller"),
    Tax("VAT-DE-19", Decimal("0.19"), "tax_seller"),
    Tax("VAT-DE-7", Decimal("0.07"), "tax_seller"),
    Tax("CHANNEL-TAX", Decimal(0), "tax_channel"),
    Tax("CHANNEL-TAX-REMITTED", Decimal(0), "tax_channel_remitted"),
)
TAX_CODES = {
    "seller": "SELLER-TAX",
    "seller:DE:0.19": "VAT-DE-19",
    "seller:DE:0.07": "VAT-DE-7",
    "channel": "CHANNEL-TAX",
    "channel_remitted": "CHANNEL-TAX-REMITTED",
}
"""Who remits, and where a rate has a code of its own also jurisdiction and rate -> code."""
GROUPS = (
    "Accounting",
    "Currency Administration",
    "Party Administration",
    "Sales",
    "Sales Administrator",
    "Stock",
    "Stock Force Assignment",
)
"""Rights of the integration's users. The last: what a warehouse reports as shipped has left, whatever the books say."""
