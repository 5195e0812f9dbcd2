"""The local Tryton's warehouses, products and opening stock."""

from datetime import UTC, datetime
from decimal import Decimal

from stack.tryton_base import until_it_knows_the_company
from stack.tryton_plan import Goods
from stack.tryton_rpc import Record, TrytonRpc


class Shelves:
    """Warehouses, one for each node, and what stands in them. They are shared by all companies; stock is not."""

    def __init__(self, rpc: TrytonRpc, goods: Goods) -> None:
        self._rpc, self._goods = rpc, goods
        self._storage: dict[str, int] = {}
        self._products: dict[str, int] = {}
        self.unit: int = rpc.first("product.uom", [["symbol", "=", "u"]])["id"]

    def build(self, selling: Record) -> None:
        """`selling`: what is said of each product besides, where more than its stock is kept."""
        waste = self._rpc.first("stock.location", [["type", "=", "lost_found"]])["id"]
        for node in self._goods.nodes:
            self._warehouse(node, waste)
        products = [{**_product(item, self.unit), **selling} for item in self._goods.items]
        self._rpc.create("product.template", *products)
        found = self._rpc.search("product.product", [["code", "in", list(self._goods.items)]], ["code"])
        self._products = {product["code"]: product["id"] for product in found}

    def fill(self, company: int) -> None:
        """Count the opening stock of a company, whose books the administrator has open."""
        for node, storage in self._storage.items():
            lines = [
                {"product": self._products[item], "quantity": float(self._goods.units)}
                for item, nodes in self._goods.items.items()
                if node in nodes
            ]
            count = {"location": storage, "company": company, "date": datetime.now(UTC).date()}
            values = {**count, "empty_quantity": "keep", "lines": [["create", lines]]}
            made = until_it_knows_the_company(self._rpc.create, "stock.inventory", values)
            self._rpc.model("stock.inventory", "confirm", made)

    def _warehouse(self, node: str, waste: int) -> None:
        zones = [{"name": f"{node} {zone}", "type": "storage"} for zone in ("Input", "Output", "Storage")]
        inward, outward, storage = self._rpc.create("stock.location", *zones)
        places: Record = {"input_location": inward, "output_location": outward, "storage_location": storage}
        places |= {"lost_found_location": waste, "waste_locations": [["add", [waste]]]}
        self._rpc.create("stock.location", {"name": node, "code": node, "type": "warehouse", **places})
        self._storage[node] = storage


def _product(item: str, unit: int) -> Record:
    return {
        "name": item,
        "type": "goods",
        "default_uom": unit,
        "list_price": Decimal(0),
        "products": [["create", [{"suffix_code": item}]]],
    }
