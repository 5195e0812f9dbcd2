"""What keeps an order from being released: the cancel window, a price below its floor, an operator's hold."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.case import Action, CaseKind
    from models.deadline import DeadlineKind
    from models.money import Money
    from models.order import Funder, OrderLine
    from workflows import policy
    from workflows.deadlines import Deadlines
    from workflows.office import Office

HOLD = "hold"


class Holds:
    """Each has an owner, a reason, and something that happens when nobody decides in time."""

    def __init__(self, office: Office, deadlines: Deadlines) -> None:
        self._office = office
        self._life = office.life
        self._deadlines = deadlines

    @property
    def window(self) -> timedelta:
        return self._life.terms.hold_window if self._life.terms else policy.HOLD_WINDOW

    async def clear(self) -> None:
        """Returns once the order may be released. Raises `Cancelled` when that is the decision."""
        await self._let_the_cancel_window_pass()
        await self._ask_about_prices()
        while self._life.hold:
            await self._ask_about_the_hold()

    async def _let_the_cancel_window_pass(self) -> None:
        life = self._life
        if life.released_at or not life.terms or not life.terms.cancel_window:
            return
        ends = life.order.purchased_at + life.terms.cancel_window
        if ends <= workflow.now():
            return
        acts = "the order is released; until then the buyer may cancel"
        passed = False

        async def act() -> None:
            nonlocal passed
            passed = True

        self._deadlines.keep(DeadlineKind.CANCEL_WINDOW, ends, acts, lambda: self._office.ended, act)
        await self._office.journal.write(waiting_for=f"the end of the cancel window, {ends:%Y-%m-%d %H:%M} UTC")
        self._office.journal.show()
        await workflow.wait_condition(lambda: passed or self._office.ended or bool(life.order.cancel_requested))
        self._office.stop_if_ended()

    async def _ask_about_prices(self) -> None:
        life = self._life
        below = [line for line in life.order.lines if self._is_below(line)]
        if life.floor_heard or not below or not (life.terms and life.terms.price_floors):
            return
        told = "; ".join(f"{line.sku} at {_price(line)}, floor {life.floors[line.line_id]} a unit" for line in below)
        await self._office.decide(
            CaseKind.PRICE_BELOW_FLOOR,
            "price",
            f"sold below its floor price: {told}. skip accepts the price",
            (Action.SKIP, Action.CANCEL),
            expires_at=workflow.now() + self.window,
            on_expiry=life.terms.floor_hold_ends_in,
        )
        life.floor_heard = True

    def _is_below(self, line: OrderLine) -> bool:
        floor = self._life.floors.get(line.line_id)
        if floor is None or self._life.order.internal:
            return False
        price = _price(line)
        return price.currency == floor.currency and price.amount < floor.amount * line.quantity

    async def _ask_about_the_hold(self) -> None:
        hold = self._life.hold
        assert hold is not None
        await self._office.decide(
            CaseKind.OPERATOR_HOLD,
            HOLD,
            f"held by {hold.actor}: {hold.reason}. skip lets the order go on",
            (Action.SKIP, Action.AMEND, Action.CANCEL),
            expires_at=hold.expires_at,
            on_expiry=hold.on_expiry if hold.expires_at else None,
        )
        if self._life.hold is hold:
            self._life.hold = None


def _price(line: OrderLine) -> Money:
    """What the seller asks for the line: the price less the discounts that the seller gives."""
    given = (discount.amount for discount in line.discounts if discount.funded_by is Funder.SELLER)
    return line.goods - Money.total(given, line.goods.currency)
