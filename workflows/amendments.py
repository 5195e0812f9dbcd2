"""What a person may change of an order to repair it."""

from models.case import Amendment
from models.order import Order, OrderLine


def applied(order: Order, amendment: Amendment) -> Order:
    """The order with exactly the amended data changed; unknown line ids are ignored by construction."""
    changes: dict[str, object] = {}
    if amendment.ship_to is not None:
        changes["ship_to"] = amendment.ship_to
    if amendment.service_level is not None:
        changes["service_level"] = amendment.service_level
    if amendment.sku:
        changes["lines"] = tuple(_with_sku(line, amendment.sku) for line in order.lines)
    return order.model_copy(update=changes)


def merged(earlier: Amendment, later: Amendment) -> Amendment:
    """Both, one after the other."""
    return Amendment(
        ship_to=later.ship_to or earlier.ship_to,
        service_level=later.service_level or earlier.service_level,
        sku={**earlier.sku, **later.sku},
    )


def _with_sku(line: OrderLine, skus: dict[str, str]) -> OrderLine:
    return line.model_copy(update={"sku": skus.get(line.line_id, line.sku)})
