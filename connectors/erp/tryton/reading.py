"""What Tryton holds, read back: an order's documents, stock by node, balances by account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal

from connectors.erp.tryton.billed import is_credit
from connectors.erp.tryton.billing import Billing
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.options import TrytonOptions
from connectors.erp.tryton.reconciling import LINE
from connectors.erp.tryton.sales import CANCELLED, Sales, terms_of
from connectors.erp.tryton.shipping import OUT, RETURN
from connectors.tryton.client import TrytonClient
from connectors.tryton.levels import stock_levels
from connectors.tryton.wire import Record
from models.ledger import (
    AccountRole,
    Balance,
    BookedDocument,
    DocumentKind,
    OrderDocuments,
    StockLevel,
    TrialBalance,
)
from models.money import Money
from models.order import OrderKey, Remitter

INVOICE_FIELDS = [
    "number",
    "reference",
    "state",
    "currency.code",
    "untaxed_amount",
    "amount_to_pay",
    "lines.quantity",
    "lines.product.code",
    "taxes.description",
    "taxes.amount",
    "payment_lines.move.number",
    "payment_lines.move.description",
    "payment_lines.move.state",
]


class Reading:
    def __init__(
        self, client: TrytonClient, options: TrytonOptions, masters: Masters, sales: Sales, billing: Billing
    ) -> None:
        self._client, self._options, self._masters = client, options, masters
        self._sales, self._billing = sales, billing

    async def order(self, key: OrderKey, entity: str) -> OrderDocuments | None:
        sale = await self._sales.find(key)
        if sale is None:
            return None
        invoices = await self._billing.of_order(key, INVOICE_FIELDS)
        documents = [
            *await self._shipments(sale, key),
            *[self._invoice(invoice) for invoice in invoices],
            *_payments(invoices),
            *await self._returns(sale, key),
        ]
        return OrderDocuments(
            order_key=key,
            number=sale["number"] or "",
            state=sale["state"],
            entity=entity,
            cancelled=sale["state"] == "cancelled" or sale["description"] == CANCELLED,
            units=await self._ordered(sale),
            documents=tuple(documents),
        )

    async def stock_levels(self) -> tuple[StockLevel, ...]:
        """Of our own warehouses: what a channel holds for us is on no shelf that could be compared."""
        held = set(self._options.channel_warehouses.values())
        return tuple(level for level in await stock_levels(self._client) if level.node not in held)

    async def trial_balance(self, entity: str) -> TrialBalance:
        """Of posted entries in all open fiscal years; accounts that are kept by party are told apart by it."""
        currency = (await self._masters.company_currency())["code"]
        roles = {code: AccountRole(role) for role, code in self._options.accounts.items() if role in set(AccountRole)}
        domain = [["company", "=", self._client.company], ["type", "!=", None]]
        fields = ["code", "name", "balance", "party_required"]
        accounts = await self._client.search("account.account", domain, fields, posted=True)
        found: list[Balance] = []
        for account in accounts:
            balance = Balance(
                account=account["code"] or "",
                name=account["name"],
                role=roles.get(account["code"]),
                amount=Money.of(account["balance"], currency),
            )
            if account["party_required"] and balance.role in (AccountRole.CLEARING, AccountRole.RESERVE):
                found += await self._by_channel_account(account["id"], balance)
            elif balance.amount:
                found.append(balance)
        return TrialBalance(entity=entity, balances=tuple(found))

    async def _by_channel_account(self, account: int, whole: Balance) -> list[Balance]:
        rows = await self._client.search(
            "account.account.party", [["account", "=", account]], ["party.name", "balance"], posted=True
        )
        currency = whole.amount.currency
        paid_in = await self._paid_in(account, currency)
        return [
            whole.model_copy(
                update={
                    "channel_account": row["party"]["name"],
                    "amount": Money.of(row["balance"], currency),
                    "paid_in": paid_in.get(row["party"]["name"], ()),
                }
            )
            for row in rows
            if row["balance"] or paid_in.get(row["party"]["name"])
        ]

    async def _paid_in(self, account: int, own: str) -> dict[str, tuple[Money, ...]]:
        """Channel account -> what is left on it, in each currency that it was paid in."""
        fields = ["party.name", "debit", "credit", "second_currency.code", "amount_second_currency"]
        lines = await self._client.search(LINE, [["account", "=", account], ["move.state", "=", "posted"]], fields)
        sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for line in lines:
            if foreign := line["second_currency"]:
                sums[line["party"]["name"]][foreign["code"]] += line["amount_second_currency"]
            else:
                sums[line["party"]["name"]][own] += line["debit"] - line["credit"]
        return {
            name: tuple(Money.of(amount, currency) for currency, amount in sorted(amounts.items()) if amount)
            for name, amounts in sums.items()
        }

    async def _ordered(self, sale: Record) -> dict[str, int]:
        lines = [line for line in sale["lines"] if terms_of(line).per_unit and line["product"]]
        codes = await self._codes(line["product"] for line in lines)
        counted: Counter[str] = Counter()
        for line in lines:
            counted[codes[line["product"]]] += int(line["quantity"])
        return {item: units for item, units in counted.items() if units}

    async def _codes(self, products: Iterable[int]) -> dict[int, str]:
        found = await self._client.search("product.product", [["id", "in", list(products)]], ["code"])
        return {product["id"]: product["code"] for product in found}

    async def _shipments(self, sale: Record, key: OrderKey) -> list[BookedDocument]:
        """One for each warehouse that a parcel's goods left; those of a parcel have the same reference."""
        domain = [["customer", "=", sale["party"]], ["reference", "like", f"{key}#%"], ["state", "!=", "cancelled"]]
        fields = ["number", "reference", "state", "outgoing_moves.quantity", "outgoing_moves.product.code"]
        found = await self._client.search(OUT, domain, fields)
        # An underscore in the key is any character to Tryton.
        ours = [each for each in found if each["reference"].startswith(f"{key}#")]
        return [_moved(DocumentKind.SHIPMENT, each, each["outgoing_moves"]) for each in ours]

    async def _returns(self, sale: Record, key: OrderKey) -> list[BookedDocument]:
        domain = [["customer", "=", sale["party"]], ["state", "!=", "cancelled"]]
        fields = ["number", "reference", "state", "incoming_moves.quantity", "incoming_moves.product.code"]
        found = await self._client.search(RETURN, domain, fields)
        ours = [each for each in found if (each["reference"] or "").startswith(f"{key}#")]
        return [_moved(DocumentKind.RETURN, each, each["incoming_moves"]) for each in ours]

    def _invoice(self, invoice: Record) -> BookedDocument:
        currency = invoice["currency"]["code"]
        sums: Counter[str] = Counter()
        amounts: dict[Remitter, Decimal] = dict.fromkeys(Remitter, Decimal(0))
        for tax in invoice["taxes"]:
            if (remitter := self._options.remitter_of(tax["description"])) is not None:
                amounts[remitter] += tax["amount"]
        for line in invoice["lines"]:
            if line["product"]:
                sums[line["product"]["code"]] += abs(int(line["quantity"]))
        return BookedDocument(
            kind=DocumentKind.CREDIT_NOTE if is_credit(invoice) else DocumentKind.INVOICE,
            number=invoice["number"] or "",
            reference=invoice["reference"] or "",
            state=invoice["state"],
            net=Money.of(invoice["untaxed_amount"], currency),
            seller_tax=Money.of(amounts[Remitter.SELLER], currency),
            channel_tax=Money.of(amounts[Remitter.CHANNEL], currency),
            open=Money.of(invoice["amount_to_pay"] or 0, currency),
            units=dict(sums),
        )


def _payments(invoices: Iterable[Record]) -> list[BookedDocument]:
    moves = {line["move"]["id"]: line["move"] for invoice in invoices for line in invoice["payment_lines"]}
    return [
        BookedDocument(
            kind=DocumentKind.PAYMENT,
            number=move["number"] or "",
            reference=move["description"] or "",
            state=move["state"],
        )
        for move in moves.values()
    ]


def _moved(kind: DocumentKind, document: Record, moves: Iterable[Record]) -> BookedDocument:
    units: Counter[str] = Counter()
    for move in moves:
        units[move["product"]["code"]] += int(move["quantity"])
    return BookedDocument(
        kind=kind,
        number=document["number"] or "",
        reference=document["reference"] or "",
        state=document["state"],
        units=dict(units),
    )
