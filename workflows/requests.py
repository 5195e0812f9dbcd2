"""Decides on wishes to cancel or change an order, one after the other, while the order goes on.

The race between a cancellation and the warehouse ends here: what no warehouse knows of is cancelled at once; for the
rest the warehouse is asked, and its answer is believed.
"""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.stock import Holdings, StockActivities
    from models.case import Amendment
    from models.fulfilment import HeldPick
    from models.goods import FulfilmentPart, Goods, Stage
    from models.life import Cancellation, Change
    from models.messages import CancelOutcome, CancelRequest, CancelStatus, ChangeRequest
    from models.order import Order
    from workflows import amendments
    from workflows.office import Office
    from workflows.parcels import tell_buyer
    from workflows.shipping import Shipping

Units = Mapping[str, int]


class Requests:
    def __init__(self, office: Office, shipping: Shipping) -> None:
        self._office = office
        self._life = office.life
        self._shipping = shipping
        self._being_decided: set[int] = set()
        self.asks_the_warehouse = False

    def cancel(self, request: CancelRequest) -> Cancellation:
        """Put a wish to cancel in line."""
        cancellation = Cancellation(number=len(self._life.cancellations) + 1, request=request)
        self._life.cancellations.append(cancellation)
        return cancellation

    def outcome(self, number: int) -> CancelOutcome | None:
        return self._life.cancellations[number - 1].outcome

    def change(self, request: ChangeRequest) -> int:
        """Put a change in line; its place."""
        self._life.changes.append(Change(request=request))
        return len(self._life.changes) - 1

    async def attend(self) -> None:
        """Decide on what comes in, for as long as the order lives."""
        while True:
            await workflow.wait_condition(lambda: bool(self._in_line) or self._changes_wait)
            for cancellation in self._in_line:
                await self._decide(cancellation)
            for place, change in enumerate(self._life.changes):
                if not change.done and change.refused is None:
                    await self._make(place, change)

    @property
    def pending(self) -> bool:
        return self._changes_wait or any(each.outcome is None for each in self._life.cancellations)

    @property
    def _changes_wait(self) -> bool:
        return any(not change.done and change.refused is None for change in self._life.changes)

    @property
    def _in_line(self) -> list[Cancellation]:
        """Wishes that nobody has begun to decide on."""
        return [
            each for each in self._life.cancellations if each.outcome is None and each.number not in self._being_decided
        ]

    async def give_up(self, request: CancelRequest) -> bool:
        """The order itself gives up what has not left; True when nothing of it is left at all."""
        self._office.forward = False
        await self._decide(self.cancel(request))
        self._office.forward = not self._office.ended
        return self._office.ended

    async def _decide(self, cancellation: Cancellation) -> None:
        request = cancellation.request
        self._being_decided.add(cancellation.number)
        async with self._office.deciding:
            wanted = self._wanted(request)
            units = await self._stop(wanted)
            self._take_off(units)
            if not self._life.goods.unfinished and not self._life.goods.anything_left:
                self._life.ended_by = request
            else:
                await self._hold_what_is_wanted()
            self._office.wake()
        if self._office.ended:
            # Confirmed only when no step forward is under way. (Not while deciding: such a step may wait for that.)
            await workflow.wait_condition(lambda: not self._office.forward)
        late = {name: count - units.get(name, 0) for name, count in wanted.items() if count > units.get(name, 0)}
        self._put_outcome(cancellation, self._answer(request, units, late))
        if late or not (units or self._office.ended):
            await self._offer_return(request, late)
        await self._office.changed()

    def _put_outcome(self, cancellation: Cancellation, outcome: CancelOutcome) -> None:
        self._life.cancellations[cancellation.number - 1] = cancellation.model_copy(update={"outcome": outcome})

    def refusal_of(self, change: ChangeRequest) -> str | None:
        """Why a change cannot be made, in words; None when it can."""
        life, lines = self._life, {line.line_id: line for line in self._life.order.lines}
        quantities = life.goods.quantities()
        for line_id in (*change.sku, *change.quantity):
            if line_id not in lines:
                return f"no line {line_id!r} in this order: it has {', '.join(lines)}"
        for line_id, quantity in change.quantity.items():
            now = _ordered(life.goods, line_id)
            if not 0 < quantity < now:
                return (
                    f"line {line_id}: the quantity can only go down from {now}, not to {quantity}; 0 is a cancellation"
                )
        if change.ship_to and (missing := change.ship_to.missing):
            return f"the address lacks {', '.join(missing)}"
        touched = set(change.sku) | set(change.quantity)
        if change.ship_to or change.service_level:
            touched = set(lines)
        begun = {name for name in lines if life.goods.untouched(name) < life.goods.wanted(name)}
        gone = [name for name in lines if name in touched and (name in begun or quantities[name].shipped)]
        if gone:
            return f"too late: line {', '.join(gone)} is released or shipped; cancel it, or have it returned"
        return None

    async def _make(self, place: int, change: Change) -> None:
        """Take over a change; what was planned for the changed lines is planned anew."""
        request = change.request
        async with self._office.deciding:
            refused = self.refusal_of(request)
            if refused is None:
                self._apply(request)
                await self._hold_what_is_wanted()
        done = change.model_copy(update={"done": refused is None, "refused": refused})
        self._life.changes[place] = done
        self._office.wake()
        if refused is None:
            await self._office.changed()

    def _apply(self, request: ChangeRequest) -> None:
        life = self._life
        life.order = _changed(life.order, request)
        fewer = {name: _ordered(life.goods, name) - quantity for name, quantity in request.quantity.items()}
        if fewer:
            wish = CancelRequest(reason=request.reason or "fewer are wanted", actor=request.actor, units=fewer)
            self._take_off(fewer)
            self._put_outcome(self.cancel(wish), self._answer(wish, fewer, {}))
        if request.sku or request.ship_to or request.service_level:
            made = Amendment(ship_to=request.ship_to, service_level=request.service_level, sku=request.sku)
            life.amended = amendments.merged(life.amended, made)
            self._office.plan_anew(skus=bool(request.sku))
        life.revision += 1

    def _wanted(self, request: CancelRequest) -> dict[str, int]:
        """Units that the request is about: those it names, or all that have not left as a whole."""
        unfinished = {name: line.unfinished for name, line in self._life.goods.quantities().lines.items()}
        if not request.units:
            return {name: count for name, count in unfinished.items() if count}
        return {name: count for name, count in request.units.items() if count > 0 and name in unfinished}

    async def _stop(self, wanted: Units) -> dict[str, int]:
        """How many of these units can be cancelled, once the warehouses that have them were asked."""
        without_asking = _possible(self._life.goods, wanted)
        if without_asking == dict(wanted):
            return without_asking
        for part in reversed(self._life.at(Stage.RELEASED)):
            lines = {pick.line_id for pick in part.remaining}
            if any(wanted.get(name, 0) > without_asking.get(name, 0) for name in lines):
                await self._stop_part(part)
        return _possible(self._life.goods, wanted)

    async def _stop_part(self, part: FulfilmentPart) -> None:
        """What it had not shipped stays reserved at its node, to be released anew as far as it is still wanted."""
        self.asks_the_warehouse = True
        rest = await self._shipping.stop(part)
        self.asks_the_warehouse = False
        if not rest:
            return
        life, number = self._life, len(self._life.parts) + 1
        life.put(
            FulfilmentPart(
                fulfilment_id=fulfilment_id(life.order, part.node, life.parts),
                number=number,
                node=part.node,
                entity=part.entity,
                picks=rest,
            )
        )

    def _take_off(self, units: Units) -> None:
        """Count units as cancelled, and take them out of what is planned."""
        if not units:
            return
        life = self._life
        life.counted = life.counted.plus("cancelled", units)
        life.revision += 1
        life.routing_wanted = True
        for part, picks in life.goods.surplus(Stage.PLANNED):
            rest = part.without(picks)
            life.put(rest if rest.picks else rest.moved_to(Stage.ENDED))

    async def _hold_what_is_wanted(self) -> None:
        """Reserved is what fulfilments still have to ship, and nothing else."""
        await self._office.writes.do(StockActivities.keep, holdings(self._office), "Undo: give back what is not wanted")

    def _answer(self, request: CancelRequest, units: Units, late: Units) -> CancelOutcome:
        if units or self._office.ended:
            reason = request.reason if not late else f"{request.reason}; too late for {_in_words(late)}"
            return CancelOutcome(
                status=CancelStatus.CONFIRMED,
                reason=reason,
                units=dict(units),
                declined_units=dict(late),
                return_offered=bool(late),
            )
        leaving = ", ".join(dict.fromkeys(part.node for part in self._life.at(Stage.RELEASED))) or "everything"
        reason = f"too late: {leaving} ships already" if late else f"too late: {self._life.order.key} is shipped"
        return CancelOutcome(
            status=CancelStatus.DECLINED, reason=reason, declined_units=dict(late), return_offered=True
        )

    async def _offer_return(self, request: CancelRequest, late: Units) -> None:
        """Too late becomes an offer to send the goods back; and somebody has to see that it ends well."""
        self._life.late_cancel = request
        email = self._life.order.buyer.email
        if email and not self._life.order.internal:
            values = {"email": email, "units": _in_words(late) or "all units"}
            number = len(self._life.cancellations)
            await tell_buyer(self._office, "return_offered", f"return-offer:{number}", values, workflow.now())


def holdings(office: Office) -> Holdings:
    """What an order is to hold at each node."""
    life = office.life
    held: dict[tuple[str, str], int] = {}
    for part in (*life.at(Stage.PLANNED), *life.at(Stage.RELEASED)):
        for pick in part.remaining:
            held[part.node, pick.item] = held.get((part.node, pick.item), 0) + pick.quantity
    # A parcel that is counted here and not yet taken out of stock needs its reservation until it is.
    for parcel in life.parcels:
        if not parcel.counted:
            for pick in parcel.shipment.picks:
                at = (parcel.shipment.node, pick.item)
                held[at] = held.get(at, 0) + pick.quantity
    kept = tuple(HeldPick(node=node, item=item, quantity=count) for (node, item), count in sorted(held.items()))
    return Holdings(order_key=life.order.key, held=kept, waits=bool(life.goods.needs()))


def fulfilment_id(order: Order, node: str, parts: list[FulfilmentPart]) -> str:
    """`<order>#<node>` for a node's first part of the order, `<order>#<node>.2` for its second."""
    nth = sum(part.node == node for part in parts) + 1
    return f"{order.key}#{node}" if nth == 1 else f"{order.key}#{node}.{nth}"


def _ordered(goods: Goods, line_id: str) -> int:
    """Units of a line that are not cancelled."""
    line = goods.quantities()[line_id]
    return line.ordered - line.cancelled


def _possible(goods: Goods, wanted: Units) -> dict[str, int]:
    """Of the wanted units, those that no warehouse ships or has been told to ship."""
    can = {name: min(count, goods.untouched(name)) for name, count in wanted.items()}
    return {name: count for name, count in can.items() if count > 0}


def _changed(order: Order, request: ChangeRequest) -> Order:
    changes: dict[str, object] = {}
    if request.ship_to:
        changes["ship_to"] = request.ship_to
    if request.service_level:
        changes["service_level"] = request.service_level
    if request.sku:
        changes["lines"] = tuple(
            line.model_copy(update={"sku": request.sku.get(line.line_id, line.sku)}) for line in order.lines
        )
    return order.model_copy(update=changes)


def _in_words(units: Units) -> str:
    return ", ".join(f"{count} of line {name}" for name, count in units.items())
