"""What has left and what is cancelled of each line: as stated, or as the order's state implies where it is not."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.errors import SchemaDrift
from connectors.storefront.contract import Line, OrderState
from models.order import ChannelState, Order


@dataclass(frozen=True)
class Counted:
    shipped: int
    cancelled: int


class Quantities:
    def __init__(self, state: OrderState) -> None:
        self._state = state

    def of(self, line: Line, path: str) -> Counted:
        """Raises `SchemaDrift` when more has left or is cancelled than was ordered."""
        shipped, cancelled = line.quantity_shipped, line.quantity_cancelled
        if cancelled is None:
            cancelled = line.quantity - (shipped or 0) if self._state == "cancelled" else 0
        if shipped is None:
            shipped = line.quantity - cancelled if self._state in ("shipped", "delivered") else 0
        if cancelled < 0 or shipped < 0 or cancelled + shipped > line.quantity:
            stated = f"{line.quantity_shipped} shipped and {line.quantity_cancelled} cancelled of {line.quantity}"
            raise SchemaDrift("wrong_quantity", path, stated, "A unit is shipped or cancelled, and only once.")
        return Counted(shipped, cancelled)

    def check(self, order: Order) -> None:
        """Raises `SchemaDrift` when state and lines contradict: whichever is wrong, goods are at risk."""
        shipped = sum(line.shipped for line in order.lines)
        left = sum(line.open for line in order.lines)
        fits = {
            ChannelState.PENDING: left and not shipped,
            ChannelState.OPEN: left and not shipped,
            ChannelState.PARTIALLY_SHIPPED: left and shipped,
            ChannelState.SHIPPED: shipped and not left,
            ChannelState.CANCELLED: not shipped and not left,
        }
        if not fits[order.state]:
            cancelled = sum(line.cancelled for line in order.lines)
            stated = f"{self._state}, but {shipped} units shipped, {cancelled} cancelled, {left} open"
            remedy = "State quantity_shipped and quantity_cancelled of each line, or the state that they make."
            raise SchemaDrift("state_differs", "state", stated, remedy)
