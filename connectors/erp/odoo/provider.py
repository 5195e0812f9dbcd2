"""`ports.Erp` and `ports.Ledger` on Odoo."""

from __future__ import annotations

import httpx

from connectors.erp.locks import Turns
from connectors.erp.odoo.banking import Banking
from connectors.erp.odoo.billing import Billing
from connectors.erp.odoo.books import Books
from connectors.erp.odoo.client import OdooClient
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.options import OdooOptions
from connectors.erp.odoo.reading import Reading
from connectors.erp.odoo.sales import Sales
from connectors.erp.odoo.shipping import Shipping
from connectors.errors import NOT_FOUND, Declined
from connectors.ports import CreditNote, ErpOrder, ReturnReceipt
from connectors.registry import SystemConnection
from models.bank import StatementLine
from models.fulfilment import ConfirmedParcel
from models.ledger import AccountRole, Journal, OrderDocuments, Payment, StockLevel, TrialBalance
from models.order import OrderKey


class CompanyBooks:
    """Everything of one company."""

    def __init__(
        self,
        connection: SystemConnection,
        options: OdooOptions,
        entity: str,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self.entity = entity
        self.client = OdooClient(connection, options.database, options.companies[entity], transport)
        self.masters = masters = Masters(self.client, options)
        self.sales = Sales(self.client, options, masters)
        self.shipping = Shipping(self.client, masters, self.sales)
        self.billing = Billing(self.client, options, masters, self.sales)
        self.banking = Banking(self.client, masters)
        self.books = Books(self.client, options, masters, self.billing, self.banking)
        self.reading = Reading(self.client, options, masters, self.sales, self.billing)


class OdooErp:
    """Looks before every write, not only on a retry: Odoo holds none of our references to be unique."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._options = OdooOptions.of(connection)
        self._companies = {
            entity: CompanyBooks(connection, self._options, entity, transport) for entity in self._options.companies
        }
        self._turns = Turns(self._options.concurrency)

    @property
    def payouts_on(self) -> AccountRole:
        return AccountRole.TRANSIT if AccountRole.TRANSIT in self._options.accounts else AccountRole.BANK

    async def aclose(self) -> None:
        for company in self._companies.values():
            await company.client.aclose()

    async def ping(self) -> None:
        """A read of the connection's own company: the key is good, and the database answers."""
        await self._company("").masters.ping()

    async def create_order(self, request: ErpOrder, *, retry: bool) -> str:
        async with self._turns.of(request.order.key):
            return await self._company(request.entity).sales.enter(request)

    async def change_order(self, request: ErpOrder, *, retry: bool) -> None:
        async with self._turns.of(request.order.key):
            await self._company(request.entity).sales.change(request)

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        async with self._turns.of(key):
            for company in self._companies.values():
                if (found := await company.sales.find(key)) is not None:
                    await company.sales.cancel(await company.sales.whole(found))

    async def post_shipment(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        async with self._turns.of(parcel.order_key):
            return await (await self._seller(parcel.order_key)).shipping.ship(parcel)

    async def post_invoice(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        async with self._turns.of(parcel.order_key):
            return await (await self._seller(parcel.order_key)).billing.invoice(parcel)

    async def post_credit_note(self, note: CreditNote, *, retry: bool) -> str:
        async with self._turns.of(note.order_key):
            return await (await self._seller(note.order_key, note.entity)).billing.credit(note)

    async def receive_return(self, receipt: ReturnReceipt, *, retry: bool) -> str:
        if receipt.order_key is None:
            async with self._turns.any():
                return await self._company(receipt.entity).shipping.receive(receipt)
        async with self._turns.of(receipt.order_key):
            return await (await self._seller(receipt.order_key, receipt.entity)).shipping.receive(receipt)

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        async with self._turns.any():
            return await self._company(journal.entity).books.post(journal)

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        async with self._turns.any():
            return await self._company(journal.entity).books.reverse(journal)

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        async with self._turns.of(payment.order_key):
            return await (await self._seller(payment.order_key, payment.entity)).books.pay(payment)

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str:
        async with self._turns.any():
            return await self._company(line.entity).banking.post(line)

    async def stock_levels(self, entity: str = "") -> tuple[StockLevel, ...]:
        return await self._company(entity).reading.stock_levels()

    async def order_documents(self, key: OrderKey, entity: str = "") -> OrderDocuments | None:
        for company in [self._company(entity)] if entity else self._companies.values():
            if (found := await company.reading.order(key, company.entity)) is not None:
                return found
        return None

    async def trial_balance(self, entity: str = "") -> TrialBalance:
        return await self._company(entity).reading.trial_balance(entity or self._options.company)

    def _company(self, entity: str) -> CompanyBooks:
        name = entity or self._options.company
        if name not in self._companies:
            known = ", ".join(sorted(self._companies))
            raise Declined(
                f"odoo: no company for the legal entity {name!r}: use one of {known}, or add it to options.companies",
                code="unknown_entity",
                field="entity",
            )
        return self._companies[name]

    async def _seller(self, key: OrderKey, entity: str = "") -> CompanyBooks:
        """The company whose books have the order."""
        if entity:
            return self._company(entity)
        for company in self._companies.values():
            if await company.sales.find(key) is not None:
                return company
        raise Declined(f"odoo: there is no sales order for {key}", code=NOT_FOUND, field="order_key")
