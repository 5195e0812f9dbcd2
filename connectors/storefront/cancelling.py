"""What of a cancellation is left to do, by the order as it stands at the shop."""

from __future__ import annotations

from connectors.errors import Declined, SchemaDrift
from connectors.storefront.parse import parse
from models.channel import Cancellation


def still_to_cancel(body: bytes, request: Cancellation) -> dict[str, int]:
    """Units that are open still. Raises `Declined` (`already_shipped`) where too few are open or cancelled."""
    parsed = parse(body, request.order_key.account)
    if not parsed.orders:
        refused = parsed.refusals[0]
        raise SchemaDrift(refused.reason, refused.path, refused.value, refused.remedy)
    lines = {line.line_id: line for line in parsed.orders[0].lines}
    rest: dict[str, int] = {}
    for line_id, wanted in request.units.items():
        line = lines.get(line_id)
        if line is None:
            raise Declined(f"{request.order_key} has no line {line_id}", code="unknown_line", field=line_id)
        if wanted > line.open + line.cancelled:
            left = f"{line.shipped} of {line.quantity} units of line {line_id} have left"
            raise Declined(f"{request.order_key}: {left}", code="already_shipped", field=line_id)
        if units := min(wanted, line.open):
            rest[line_id] = units
    return rest
