"""What the Odoo twin's administrator has set up: two companies, their charts, taxes, journals, warehouses and goods."""

from __future__ import annotations

from decimal import Decimal

from sandbox.goods import ITEMS, STOCK_PER_NODE
from sandbox.odoo_records import Records

ENTITIES = {"Camp Deutschland GmbH": "EUR", "Camp America Inc": "USD"}
RATES = {"EUR": "1", "USD": "1.08", "GBP": "0.85", "SEK": "11.2", "JPY": "162", "KWD": "0.33"}
COUNTRIES = ("DE", "AT", "FR", "IT", "ES", "NL", "GB", "US", "CA", "JP")
ACCOUNTS = {
    "bank": ("101410", "asset_cash"),
    "transit": ("101415", "asset_current"),
    "clearing": ("101420", "asset_current"),
    "reserve": ("101430", "asset_current"),
    "tax_seller": ("251000", "liability_current"),
    "tax_channel": ("252000", "liability_current"),
    "tax_channel_remitted": ("252100", "liability_current"),
    "revenue": ("400100", "income"),
    "refund": ("400200", "income"),
    "commission": ("600100", "expense"),
    "fee": ("600200", "expense"),
    "adjustment": ("600300", "expense"),
}
"""Role -> code and type of the account."""
RECEIVABLE = ("121000", "asset_receivable")
TAXES = {"seller:DE:0.19": "19% VAT", "channel": "Marketplace tax"}
JOURNALS = ("INV", "MISC")
BANK_JOURNALS = {
    "Camp Deutschland GmbH": (("House bank", "DE89370400440532013000", "EUR"), ("House bank, crowns", "", "SEK")),
    "Camp America Inc": (("Operating account", "", "USD"),),
}
"""Company -> the names of its bank journals, their account numbers and currencies."""
NODES = tuple(dict.fromkeys(node for nodes in ITEMS.values() for node in nodes))
CHANNEL_WAREHOUSE = "channel"
"""Where goods stand that channels ship."""


def seed(records: Records) -> None:
    for name in RATES:
        records.add("res.currency", name=name)
    currencies = {each["name"]: each["id"] for each in records.all("res.currency")}
    for name, rate in RATES.items():
        records.add("res.currency.rate", currency_id=currencies[name], name="2000-01-01", rate=Decimal(rate))
        records.add("product.pricelist", name=name, currency_id=currencies[name], company_id=False)
    for code in COUNTRIES:
        records.add("res.country", code=code, name=code)
    for usage in ("customer", "inventory", "supplier"):
        records.add("stock.location", name=usage, usage=usage)
    for item in ITEMS:
        records.add("product.product", default_code=item, name=item)
    for entity, currency in ENTITIES.items():
        _company(records, entity, currencies[currency])


def _company(records: Records, entity: str, currency: int) -> None:
    company = records.add("res.company", name=entity, currency_id=currency, fiscalyear_lock_date=False)
    for role, (code, kind) in {**ACCOUNTS, "receivable": RECEIVABLE}.items():
        records.add("account.account", code=code, name=role, account_type=kind, company_ids=[company])
    for tax in TAXES.values():
        records.add("account.tax", name=tax, company_id=company)
    for journal in JOURNALS:
        records.add("account.journal", code=journal, name=journal, company_id=company)
    _bank_journals(records, entity, company)
    for node in (*NODES, CHANNEL_WAREHOUSE):
        _warehouse(records, node, company)


def _bank_journals(records: Records, entity: str, company: int) -> None:
    """Of a journal in the company's own currency, Odoo keeps no currency."""
    currencies = {each["name"]: each["id"] for each in records.all("res.currency")}
    accounts = {each["name"]: each["id"] for each in records.all("account.account") if company in each["company_ids"]}
    for number, (name, account_number, currency) in enumerate(BANK_JOURNALS[entity], 1):
        records.add(
            "account.journal",
            type="bank",
            code=f"BNK{number}",
            name=name,
            company_id=company,
            bank_acc_number=account_number or False,
            currency_id=currencies[currency] if currency != ENTITIES[entity] else False,
            default_account_id=accounts["bank"],
            suspense_account_id=accounts["adjustment"],
        )


def _warehouse(records: Records, node: str, company: int) -> None:
    stock = records.add("stock.location", name=f"{node}/Stock", usage="internal")
    warehouse = records.add("stock.warehouse", code=node, name=node, company_id=company, lot_stock_id=stock)
    common = {"warehouse_id": warehouse, "company_id": company}
    inward = records.add("stock.picking.type", code="incoming", sequence_code=f"{node}/IN", name="Receipts", **common)
    records.add("stock.picking.type", code="outgoing", sequence_code=f"{node}/OUT", name="Deliveries", **common)
    records.get("stock.warehouse", warehouse)["in_type_id"] = inward
    for product in records.all("product.product"):
        if node in (*ITEMS[product["default_code"]], CHANNEL_WAREHOUSE):
            units = {"quantity": STOCK_PER_NODE, "reserved_quantity": 0}
            records.add("stock.quant", location_id=stock, product_id=product["id"], company_id=company, **units)
