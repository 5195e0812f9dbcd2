"""Buyers as parties: matched by who they are, not multiplied with every order."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from connectors.erp.tryton.masters import Masters
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.order import Address, Order

FIELDS = [
    "addresses.street",
    "addresses.postal_code",
    "addresses.city",
    "addresses.party_name",
    "addresses.country.code",
]
_COMPARED = ("party_name", "street", "postal_code", "city")


class Customer(NamedTuple):
    party: int
    invoice_address: int
    shipment_address: int


class Parties:
    def __init__(self, client: TrytonClient, masters: Masters, entity: str) -> None:
        self._client, self._masters, self._entity = client, masters, entity

    async def customer(self, order: Order) -> Customer:
        party = await self._party(_code(order, self._entity), _name(order))
        ship_to = order.ship_to or Address()
        shipment = await self._address(party, ship_to)
        invoice = shipment if order.bill_to in (None, order.ship_to) else await self._address(party, order.bill_to)
        return Customer(party["id"], invoice, shipment)

    async def guest(self) -> Customer:
        """Who sent goods back that no order is known for."""
        party = await self._party(f"{self._entity}-guest", "Guest")
        address = await self._address(party, Address())
        return Customer(party["id"], address, address)

    async def of_channel_account(self, channel_account: str) -> int:
        """The party that stands for a channel account on the clearing and reserve accounts."""
        return int((await self._party(f"channel-{channel_account}", channel_account))["id"])

    async def receivable_of(self, party: int) -> int:
        """Account that the party's invoices are owed on."""
        own = await self._client.read("party.party", party, ["account_receivable"])
        return int(own.get("account_receivable") or await self._masters.receivable())

    async def _party(self, code: str, name: str) -> Record:
        async def find() -> Record | None:
            return await self._client.first("party.party", [["code", "=", code]], FIELDS)

        # The code is unique in Tryton: of two who create the same buyer at once, one finds the other's.
        return await find() or await self._client.create("party.party", {"name": name, "code": code}, find, FIELDS)

    async def _address(self, party: Record, address: Address | None) -> int:
        wanted = await self._masters.address_values(address or Address())
        for known in party.get("addresses") or []:
            country = (known.get("country") or {}).get("id")
            if all((known.get(name) or "") == wanted[name] for name in _COMPARED) and country == wanted["country"]:
                return int(known["id"])

        async def find() -> Record | None:
            domain = [["party", "=", party["id"]], *([name, "=", wanted[name] or None] for name in _COMPARED)]
            return await self._client.first("party.address", domain)

        made = await self._client.create("party.address", {"party": party["id"], **wanted}, find)
        return int(made["id"])


def _name(order: Order) -> str:
    return order.buyer.name or (order.ship_to or Address()).name or "Guest"


def _code(order: Order, entity: str) -> str:
    """The same buyer has the same code; a buyer that the channel does not name is the company's guest."""
    address = order.ship_to or Address()
    who = [order.buyer.email] if order.buyer.email else [_name(order), address.postal_code, *address.lines]
    if not any(part for part in who if part != "Guest"):
        return f"{entity}-guest"
    text = "|".join(" ".join(part.lower().split()) for part in who)
    return f"OY-{hashlib.sha256(text.encode()).hexdigest()[:20]}"
