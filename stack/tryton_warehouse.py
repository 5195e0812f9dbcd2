"""Sets a new Tryton database up as a warehouse, as its administrator would: places, goods, and nothing about money."""

from collections.abc import Mapping
from typing import Any

from stack.tryton_base import create_countries, create_currencies, create_key, work_for
from stack.tryton_goods import Shelves
from stack.tryton_plan import Goods
from stack.tryton_rpc import TrytonRpc

GROUPS = ("Stock", "Party Administration")
"""Rights of the integration's user. Without `Stock Cancellation`: what has left is not called back."""
KEEPER = "Warehouse Keepers Ltd."


def set_up(rpc: TrytonRpc, goods: Goods) -> dict[str, Any]:
    """Everything that `connection` needs to know: the company that runs the warehouses, and its key."""
    currencies, countries = create_currencies(rpc), create_countries(rpc)
    address = {"street": "1 Dock Road", "city": "Headquarters", "country": countries["DE"]}
    party = {"name": KEEPER, "code": "keeper", "addresses": [["create", [address]]]}
    [keeper] = rpc.create("party.party", party)
    values = {"party": keeper, "currency": currencies["EUR"], "timezone": "UTC"}
    [company] = rpc.create("company.company", values)
    work_for(rpc, company)
    shelves = Shelves(rpc, goods)
    shelves.build({})
    shelves.fill(company)
    groups = [group["id"] for group in rpc.search("res.group", [["name", "in", GROUPS]])]
    return {"company": company, "key": create_key(rpc, "orderyard", "Orderyard", company, groups)}


def connection(base_url: str, database: str, known: Mapping[str, Any], goods: Goods) -> dict[str, Any]:
    """The `wms` entry of a connections file."""
    return {
        "provider": "tryton",
        "base_url": base_url,
        "credentials": {"key": known["key"]},
        "options": {"database": database, "company": known["company"]},
    }
