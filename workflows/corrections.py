"""Takes over what a corrected mapping reads from the same payload, and says where that is not possible any more."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.case import Action, CaseKind
    from models.goods import Stage
    from models.life import OrderLife
    from models.messages import Correction
    from models.order import Order
    from workflows import amendments
    from workflows.office import Office

PROGRESS = {"version", "state", "parcels", "refunds", "cancel_requested", "acknowledge_by"}
CONTENT = tuple(name for name in Order.model_fields if name not in PROGRESS)
"""What a payload says of an order beside how far it is, which later payloads have told."""


def take_over(office: Office, correction: Correction) -> None:
    """Before anything is shipped the order is replaced and the systems restated; afterwards it is a person's turn.

    What people have changed of the order since it was read stays as they changed it.
    """
    life = office.life
    if reason := _obstacle(life, correction.order):
        office.spawn(_ask(office, correction, reason))
        return
    content = {name: getattr(correction.order, name) for name in CONTENT}
    life.order = amendments.applied(life.order.model_copy(update=content), life.amended)
    life.revision += 1
    office.plan_anew(skus=True)


def _obstacle(life: OrderLife, corrected: Order) -> str | None:
    """Why the order as it is read now cannot replace the one that is under way; None when it can."""
    known = {line.line_id: (line.sku, line.quantity) for line in life.order.lines}
    now = {line.line_id: (line.sku, line.quantity) for line in corrected.lines}
    if life.goods.anything_left:
        return "parcels have left and are invoiced: correct it by a refund, a return, or a change in the ERP"
    if life.at(Stage.RELEASED) and known != now:
        return "a warehouse is shipping other goods than the order says now: cancel the order, or let it go on"
    if known.keys() != now.keys():
        return f"its lines are {', '.join(now)}, and were {', '.join(known)}: cancel the order and capture it anew"
    gone = life.counted.cancelled
    if fewer := [line.line_id for line in corrected.lines if line.quantity < gone.get(line.line_id, 0)]:
        return f"more units of line {', '.join(fewer)} are cancelled than it has now: settle the difference by hand"
    return None


async def _ask(office: Office, correction: Correction, reason: str) -> None:
    step = f"mapping_{correction.mapping_version}"
    why = f"mapping version {correction.mapping_version} reads this order otherwise, and {reason}; skip when it is done"
    await office.desk.settle(CaseKind.CHANNEL_DIFFERS, step, why, (Action.SKIP,), interruptible=False)
