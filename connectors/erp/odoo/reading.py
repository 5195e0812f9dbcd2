"""What Odoo holds, read back: an order's documents, stock by node, balances by account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from connectors.erp.odoo.billing import REFUND, TAX_ROLES, Billing
from connectors.erp.odoo.books import BY_PARTNER, LINE
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.options import OdooOptions
from connectors.erp.odoo.sales import Sale, Sales
from models.ledger import AccountRole, Balance, BookedDocument, DocumentKind, OrderDocuments, StockLevel, TrialBalance
from models.money import Money
from models.order import OrderKey


class Reading:
    def __init__(
        self, client: OdooClient, options: OdooOptions, masters: Masters, sales: Sales, billing: Billing
    ) -> None:
        self._client, self._options, self._masters = client, options, masters
        self._sales, self._billing = sales, billing

    async def order(self, key: OrderKey, entity: str) -> OrderDocuments | None:
        found = await self._sales.find(key)
        if found is None:
            return None
        sale = await self._sales.whole(found)
        invoices = await self._billing.of_order(key)
        return OrderDocuments(
            order_key=key,
            number=sale.number,
            state=sale.state,
            entity=entity,
            cancelled=sale.state == "cancel",
            units=await self._ordered(sale),
            documents=(*await self._transfers(sale, key), *await self._invoices(invoices), *await self._payments(key)),
        )

    async def stock_levels(self) -> tuple[StockLevel, ...]:
        """Of our own warehouses: what a channel holds for us is on no shelf that could be compared."""
        found: list[StockLevel] = []
        elsewhere = set(self._options.channel_warehouses.values())
        domain = [["company_id", "=", self._client.company]]
        warehouses = await self._client.search("stock.warehouse", domain, ["code", "lot_stock_id"])
        for warehouse in (each for each in warehouses if each["code"] not in elsewhere):
            inside = [["location_id", "child_of", warehouse["lot_stock_id"][0]]]
            quants = await self._client.search("stock.quant", inside, ["product_id", "quantity", "reserved_quantity"])
            codes = await self._codes(quant["product_id"][0] for quant in quants)
            on_hand: Counter[str] = Counter()
            held: Counter[str] = Counter()
            for quant in quants:
                item = codes[quant["product_id"][0]]
                on_hand[item] += int(quant["quantity"])
                held[item] += int(quant["reserved_quantity"])
            found += [
                StockLevel(node=warehouse["code"], item=item, on_hand=units, free=units - held[item])
                for item, units in on_hand.items()
            ]
        return tuple(found)

    async def trial_balance(self, entity: str) -> TrialBalance:
        """Of posted lines; clearing and reserves are told apart by channel account."""
        own = (await self._masters.company())["currency_id"][1]
        roles = {code: AccountRole(role) for role, code in self._options.accounts.items() if role in set(AccountRole)}
        accounts = {
            account["id"]: account
            for account in await self._client.search(
                "account.account", [["company_ids", "in", [self._client.company]]], ["code", "name"]
            )
        }
        posted = [["parent_state", "=", "posted"], ["company_id", "=", self._client.company]]
        lines = await self._client.search(LINE, posted, ["account_id", "partner_id", "balance"])
        sums: dict[tuple[int, str], Decimal] = {}
        for line in lines:
            account = line["account_id"][0]
            by_partner = roles.get(accounts[account]["code"]) in BY_PARTNER and line["partner_id"]
            place = (account, line["partner_id"][1] if by_partner else "")
            sums[place] = sums.get(place, Decimal(0)) + Decimal(line["balance"])
        balances = (
            Balance(
                account=accounts[account]["code"],
                name=accounts[account]["name"],
                role=roles.get(accounts[account]["code"]),
                channel_account=partner,
                amount=Money.of(amount, own),
            )
            for (account, partner), amount in sums.items()
            if amount
        )
        return TrialBalance(entity=entity, balances=tuple(balances))

    async def _ordered(self, sale: Sale) -> dict[str, int]:
        goods = [line for line in sale.lines if line.product is not None]
        codes = await self._codes(line.product for line in goods if line.product is not None)
        counted: Counter[str] = Counter()
        for line in goods:
            counted[codes[line.product or 0]] += line.quantity
        return {item: units for item, units in counted.items() if units}

    async def _codes(self, products: Iterable[int]) -> dict[int, str]:
        wanted = sorted(set(products))
        found = await self._client.search("product.product", [["id", "in", wanted]], ["default_code"])
        return {product["id"]: product["default_code"] for product in found}

    async def _transfers(self, sale: Sale, key: OrderKey) -> list[BookedDocument]:
        """Those that are done; what was not shipped yet is no document of a parcel."""
        domain = [["origin", "=like", f"{key}#%"], ["state", "=", "done"]]
        pickings = await self._client.search("stock.picking", domain, ["name", "state", "origin", "picking_type_code"])
        made: list[BookedDocument] = []
        for picking in pickings:
            moves = await self._client.search(
                "stock.move", [["picking_id", "=", picking["id"]], ["state", "=", "done"]], ["product_id", "quantity"]
            )
            codes = await self._codes(move["product_id"][0] for move in moves)
            units: Counter[str] = Counter()
            for move in moves:
                units[codes[move["product_id"][0]]] += int(move["quantity"])
            outgoing = picking["picking_type_code"] == "outgoing"
            made.append(
                BookedDocument(
                    kind=DocumentKind.SHIPMENT if outgoing else DocumentKind.RETURN,
                    number=picking["name"],
                    reference=picking["origin"],
                    state=picking["state"],
                    units=dict(units),
                )
            )
        return made

    async def _invoices(self, invoices: list[Record]) -> list[BookedDocument]:
        lines = await self._billing.lines_of(invoices)
        accounts = {role: await self._masters.account(role) for role in (AccountRole.REVENUE, *TAX_ROLES.values())}

        def of(invoice: Record, role: AccountRole) -> Money:
            sign = -1 if invoice["move_type"] == REFUND else 1
            fitting = (
                Decimal(line["price_subtotal"])
                for line in lines
                if line["move_id"][0] == invoice["id"] and line["account_id"][0] == accounts[role]
            )
            return Money.of(sign * sum(fitting, Decimal(0)), invoice["currency_id"][1])

        return [
            BookedDocument(
                kind=DocumentKind.CREDIT_NOTE if invoice["move_type"] == REFUND else DocumentKind.INVOICE,
                number=invoice["name"] or "",
                reference=invoice["ref"],
                state=invoice["state"],
                net=of(invoice, AccountRole.REVENUE),
                seller_tax=of(invoice, AccountRole.TAX_SELLER),
                channel_tax=of(invoice, AccountRole.TAX_CHANNEL),
                open=Money.of(invoice["amount_residual"], invoice["currency_id"][1]),
            )
            for invoice in invoices
        ]

    async def _payments(self, key: OrderKey) -> list[BookedDocument]:
        label = [["name", "=like", f"{key}%"], ["parent_state", "=", "posted"], ["move_type", "=", "entry"]]
        lines = await self._client.search(LINE, [*label, ["account_type", "=", "asset_receivable"]], ["move_id"])
        moves = await self._client.search(
            "account.move", [["id", "in", [line["move_id"][0] for line in lines]]], ["name", "ref", "state"]
        )
        return [
            BookedDocument(kind=DocumentKind.PAYMENT, number=move["name"], reference=move["ref"], state=move["state"])
            for move in moves
        ]
