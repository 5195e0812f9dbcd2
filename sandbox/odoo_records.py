"""The Odoo twin's records: models, domains, commands on lists, and how a record is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Record = dict[str, Any]

LINKS: Mapping[str, str] = {
    "account_id": "account.account",
    "default_account_id": "account.account",
    "suspense_account_id": "account.account",
    "company_id": "res.company",
    "country_id": "res.country",
    "currency_id": "res.currency",
    "in_type_id": "stock.picking.type",
    "journal_id": "account.journal",
    "location_dest_id": "stock.location",
    "location_id": "stock.location",
    "lot_stock_id": "stock.location",
    "move_id": "account.move",
    "order_id": "sale.order",
    "partner_id": "res.partner",
    "picking_id": "stock.picking",
    "picking_type_id": "stock.picking.type",
    "pricelist_id": "product.pricelist",
    "product_id": "product.product",
    "sale_id": "sale.order",
    "sale_line_id": "sale.order.line",
    "warehouse_id": "stock.warehouse",
}
"""Field -> model that it names a record of; read as `[id, name]`."""
LISTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("sale.order", "order_line"): ("sale.order.line", "order_id"),
    ("account.move", "invoice_line_ids"): ("account.move.line", "move_id"),
    ("account.move", "line_ids"): ("account.move.line", "move_id"),
    ("stock.picking", "move_ids"): ("stock.move", "picking_id"),
}
"""Field that holds records -> their model, and their field that leads back."""


class OdooError(Exception):
    """An error as Odoo answers it: the name of a Python exception, and a sentence."""

    def __init__(self, name: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.name, self.message, self.status = name, message, status


class Records:
    def __init__(self) -> None:
        self._models: dict[str, dict[int, Record]] = {}
        self._numbers: dict[str, int] = {}

    def add(self, model: str, **values: Any) -> int:
        """A record with its lists' commands carried out."""
        made = len(self._models.setdefault(model, {})) + 1 + self._numbers.get(f"gone {model}", 0)
        record: Record = {"id": made}
        self._models[model][made] = record
        self.set(model, made, values)
        return made

    def set(self, model: str, record: int, values: Mapping[str, Any]) -> None:
        for field, value in values.items():
            if (model, field) in LISTS:
                inner, back = LISTS[model, field]
                for command, _, line in value:
                    if command != 0:
                        raise OdooError("builtins.ValueError", f"the twin knows no command {command} on {field}")
                    self.add(inner, **{back: record}, **line)
            elif isinstance(value, list) and value and isinstance(value[0], list) and value[0][0] == 6:
                self.get(model, record)[field] = list(value[0][2])
            else:
                self.get(model, record)[field] = value

    def remove(self, model: str, record: int) -> None:
        self.get(model, record)
        del self._models[model][record]
        self._numbers[f"gone {model}"] = self._numbers.get(f"gone {model}", 0) + 1

    def get(self, model: str, record: int) -> Record:
        try:
            return self._models[model][record]
        except KeyError:
            text = f"Record does not exist or has been deleted. (Record: {model}({record},))"
            raise OdooError("odoo.exceptions.MissingError", text, 404) from None

    def all(self, model: str, **wanted: Any) -> list[Record]:
        found = self._models.get(model, {}).values()
        return [each for each in found if all(each.get(name) == value for name, value in wanted.items())]

    def number(self, name: str) -> int:
        """1, 2, 3 … of a sequence."""
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._numbers[name]

    def search(self, model: str, domain: Iterable[Any]) -> list[Record]:
        """Records that match all terms, in the order of their ids."""
        terms = [tuple(term) for term in domain]
        found = sorted(self._models.get(model, {}).values(), key=lambda record: int(record["id"]))
        return [record for record in found if all(self._matches(record, *term) for term in terms)]

    def read(self, record: Record, fields: Iterable[str]) -> Record:
        return {"id": record["id"], **{field: self._shown(field, record.get(field, False)) for field in fields}}

    def _matches(self, record: Record, path: str, operator: str, value: Any) -> bool:
        field, _, rest = path.partition(".")
        if rest:
            linked = record.get(field)
            return linked is not None and self._matches(self.get(LINKS[field], linked), rest, operator, value)
        return _OPERATORS[operator](record.get(field, False), value)

    def _shown(self, field: str, value: Any) -> Any:
        if field in LINKS and value:
            linked = self.get(LINKS[field], value)
            return [value, linked.get("name") or linked.get("code") or ""]
        return value


def _within(held: Any, values: Any) -> bool:
    return bool(set(held) & set(values)) if isinstance(held, list) else held in values


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda held, value: bool(held == value),
    "!=": lambda held, value: bool(held != value),
    "in": _within,
    "<=": lambda held, value: bool(held <= value),
    ">=": lambda held, value: bool(held >= value),
    "=like": lambda held, value: fnmatchcase(str(held or ""), str(value).replace("%", "*")),
    # The twin's places have no places in them.
    "child_of": lambda held, value: bool(held == value),
}
