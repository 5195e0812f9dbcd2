"""Everything of one company in Tryton: its key, its master data and its documents."""

from __future__ import annotations

import httpx

from connectors.erp.tryton.banking import Banking
from connectors.erp.tryton.billing import Billing
from connectors.erp.tryton.books import Books
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.options import TrytonOptions
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.reading import Reading
from connectors.erp.tryton.sales import Sales
from connectors.erp.tryton.shipping import Shipping
from connectors.registry import SystemConnection
from connectors.tryton.client import KeyAuth, TrytonClient


class CompanyBooks:
    """A key sees one company alone; several companies are several of these."""

    def __init__(
        self,
        connection: SystemConnection,
        options: TrytonOptions,
        entity: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.entity, self.shop = entity, options.companies[entity].shop
        auth = KeyAuth(connection, f"key:{entity}")
        self.client = TrytonClient(connection.base_url, options.database, options.companies[entity].id, auth, transport)
        self.masters = Masters(self.client, options)
        self.parties = Parties(self.client, self.masters, entity)
        self.sales = Sales(self.client, options, self.masters, self.parties)
        self.shipping = Shipping(self.client, self.masters, self.sales, self.parties)
        self.billing = Billing(self.client, options, self.masters, self.sales, self.parties)
        self.banking = Banking(self.client, self.masters)
        self.books = Books(self.client, self.masters, self.parties, self.billing, self.banking)
        self.reading = Reading(self.client, options, self.masters, self.sales, self.billing)
