"""From the first event to an order that is taken: paid, acknowledged, screened, taxed, and with what it is made of."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.fraud import FraudActivities
    from activities.tax import TaxActivities
    from activities.terms import TermsActivities, TermsRequest
    from models.case import Action, CaseKind
    from models.channel import CancelReason
    from models.deadline import DeadlineKind
    from models.messages import CancelRequest, OrderState
    from models.order import ChannelState
    from models.systems import FraudVerdict, TaxQuote
    from models.terms import SalesTerms
    from workflows import channel_requests, documents, healing, policy
    from workflows.calls import GivenUp
    from workflows.cases import Cancelled
    from workflows.deadlines import Deadlines
    from workflows.office import Office

ACKNOWLEDGE_BY = "acknowledge_by"
BUYER = "buyer"
PAYMENT = "payment"


class Acceptance:
    def __init__(self, office: Office, deadlines: Deadlines) -> None:
        self._office = office
        self._life = office.life
        self._deadlines = deadlines
        self._heals = False

    async def become_payable(self) -> None:
        life = self._life
        if life.accepted:
            return
        if life.order.state is ChannelState.CANCELLED and not life.goods.anything_left:
            raise _at_once(life.order.cancel_reason or "cancelled on the channel", "channel")
        if life.order.test and not life.goods.anything_left:
            raise _at_once("a test order: nothing is executed", "orderyard")
        if not self._paid:
            if life.state is OrderState.RECEIVED:
                self._office.journal.enter(OrderState.ON_HOLD, "the channel has no payment yet", authority="channel")
            await self._office.journal.write(waiting_for="payment")
            self._office.journal.show()
        while not self._paid:
            self._office.stop_if_ended()
            await self._acknowledge()
            await self._wait_for_payment()
        self._office.stop_if_ended()
        await self._acknowledge()

    async def accept(self) -> None:
        """Learn the terms; then screen, and record the seller's tax, side by side: neither needs the other."""
        life = self._life
        life.terms = await self._terms()
        if life.accepted:
            self._heal()
            return
        await self._office.side_by_side(self._screen(), self._record_tax())
        self._office.stop_if_ended()
        await self._review()
        await heed_the_buyer(self._office)
        self._office.stop_if_ended()
        life.accepted = True
        self._office.journal.enter(OrderState.ACCEPTED, "screened and taxed")
        self._heal()

    def _heal(self) -> None:
        life = self._life
        if self._heals:
            return
        self._heals = True
        if life.degraded.get(healing.SCREEN) == healing.AWAY and life.released_at is None:
            self._office.spawn(healing.screen_again(self._office, self._hold_window))
        # Orders that were estimated before there was any healing of it stay as they are: see docs/versioning.md.
        if life.degraded.get(healing.TAX) == healing.ESTIMATED and workflow.patched("heal-degraded-tax"):
            life.tax_heals = True
            self._office.spawn(healing.record_tax_again(self._office))

    async def _acknowledge(self) -> None:
        """Some channels want to hear within hours that the seller takes the order, and give the address only then."""
        life = self._life
        if not self._to_acknowledge:
            return
        assert life.order.acknowledge_by is not None
        acts = "a case: the channel has not heard that we take the order"
        by = max(life.order.acknowledge_by, workflow.now() + policy.AT_LEAST)
        self._deadlines.keep(DeadlineKind.ACKNOWLEDGE, by, acts, self._heard_or_over, self._escalate_acknowledgement)

        async def acknowledge() -> None:
            request = channel_requests.acknowledgement(life.order)
            await channel_requests.acknowledge(self._office.calls, request, lambda: self._office.ended)

        try:
            await self._office.desk.attempt(CaseKind.CHANNEL_DECLINED, "acknowledge", acknowledge, skippable=True)
        except GivenUp:
            self._office.stop_if_ended()
        self._office.stop_if_ended()
        life.acknowledged = True

    async def _escalate_acknowledgement(self) -> None:
        reason = f"{self._life.order.key.channel} has not heard in time that we take the order: see whether it is away"
        await self._deadlines.case(CaseKind.ACKNOWLEDGE_OVERDUE, ACKNOWLEDGE_BY, reason, self._heard_or_over)

    def _heard_or_over(self) -> bool:
        return self._life.acknowledged or self._office.ended

    async def _wait_for_payment(self) -> None:
        if self._office.desk.carried(PAYMENT):
            await self._decide_on_payment()
            return
        due, acts = workflow.now() + policy.PAYMENT_WINDOW, "a case: the order is not paid"
        left = self._deadlines.show(DeadlineKind.PAYMENT, due, acts)
        try:
            await workflow.wait_condition(
                lambda: self._paid or self._to_acknowledge or self._office.ended,
                timeout=left,
                timeout_summary="An unpaid order becomes a case",
            )
        except TimeoutError:
            self._deadlines.has_passed(DeadlineKind.PAYMENT)
            await self._decide_on_payment()
        else:
            if self._paid:
                self._deadlines.is_met(DeadlineKind.PAYMENT)

    async def _decide_on_payment(self) -> None:
        reason = f"not paid within {policy.PAYMENT_WINDOW.days} days: retry goes on waiting, cancel ends the order"
        await self._office.decide(
            CaseKind.PAYMENT_OVERDUE,
            PAYMENT,
            reason,
            (Action.RETRY, Action.CANCEL),
            expires_at=workflow.now() + policy.PAYMENT_WINDOW,
            on_expiry=Action.CANCEL,
        )

    async def _terms(self) -> SalesTerms:
        order = self._life.order
        request = TermsRequest(order_key=order.key, currency=order.currency, at=order.purchased_at)
        while True:
            terms = await self._office.writes.do(TermsActivities.terms_of, request, "Terms of the account")
            if not terms.rate_missing:
                return terms
            reason = f"no exchange rate {terms.rate_missing} for {order.purchased_at:%Y-%m-%d}: add it (rates set)"
            subject = f"rate:{terms.rate_missing}"
            allowed = (Action.RETRY, Action.CANCEL)
            await self._office.decide(CaseKind.RATE_MISSING, "terms", reason, allowed, subject=subject)

    async def _screen(self) -> None:
        if self._life.screened:
            return
        order = self._life.order

        async def screen() -> FraudVerdict | None:
            try:
                return await self._office.calls.outside(
                    FraudActivities.screen,
                    order,
                    policy.FRAUD_QUEUE,
                    "Screen for fraud",
                    give_up=lambda: self._office.ended,
                )
            except GivenUp:
                return None

        self._life.verdict = await self._office.desk.attempt(CaseKind.FRAUD_REVIEW, "screen", screen, skippable=True)
        self._life.screened = not self._office.ended

    async def _review(self) -> None:
        life, verdict = self._life, self._life.verdict
        if verdict is None:
            life.degraded["screen"] = "fraud service declined: accepted by the operator"
            return
        if verdict.degraded:
            life.degraded[healing.SCREEN] = healing.AWAY
        if verdict.decision == "review":
            reasons = ", ".join(verdict.reasons) or "no reason given"
            await self._office.decide(
                CaseKind.FRAUD_REVIEW,
                "review",
                f"fraud score {verdict.score}: {reasons}. skip accepts the order",
                (Action.SKIP, Action.CANCEL),
                expires_at=workflow.now() + self._hold_window,
                on_expiry=Action.CANCEL,
                score=verdict.score,
            )

    async def _record_tax(self) -> None:
        """The seller's own tax; what the channel remits is not ours to record."""
        life = self._life
        if not life.order.totals.seller_tax or life.tax:
            return
        revision = 0

        async def quote() -> TaxQuote | None:
            nonlocal revision
            revision = life.revision
            try:
                return await self._office.calls.outside(
                    TaxActivities.quote_tax,
                    documents.as_it_stands(life),
                    policy.TAX_QUEUE,
                    "Record the seller's tax",
                    give_up=lambda: self._office.ended,
                )
            except GivenUp:
                return None

        life.tax_asked = True  # Before the call: one whose answer is lost has to be undone as well.
        amend = self._office.amend
        quoted = await self._office.desk.attempt(CaseKind.TAX_DECLINED, "tax", quote, skippable=True, amend=amend)
        if self._office.ended:
            return
        if quoted is None:
            life.degraded["tax"] = "tax engine declined: skipped by the operator, the channel's figure stands"
            life.tax_asked = False
            return
        life.tax, life.tax_told = quoted, revision
        if quoted.degraded:
            life.degraded[healing.TAX] = healing.ESTIMATED

    @property
    def _hold_window(self) -> timedelta:
        return self._life.terms.hold_window if self._life.terms else policy.HOLD_WINDOW

    @property
    def _paid(self) -> bool:
        order = self._life.order
        if order.internal:
            return self._life.received.amount >= order.receivable.amount
        return order.state is not ChannelState.PENDING

    @property
    def _to_acknowledge(self) -> bool:
        order = self._life.order
        return order.acknowledge_by is not None and not self._life.acknowledged and not order.internal


async def heed_the_buyer(office: Office) -> None:
    """A buyer's wish to cancel is put to a person, once, unless the terms grant it. It may come at any time."""
    life = office.life
    if not life.order.cancel_requested or (life.buyer_heard and not office.desk.carried(BUYER)):
        return
    life.buyer_heard = True
    wish = f"the buyer asks to cancel: {life.order.cancel_requested}"
    if life.terms and workflow.now() < life.order.purchased_at + life.terms.cancel_window:
        raise Cancelled(CancelRequest(reason=wish, actor="buyer", authority="buyer", why=CancelReason.BUYER))
    allowed = (Action.SKIP, Action.CANCEL)
    await office.decide(CaseKind.CANCEL_REQUESTED, BUYER, f"{wish}. skip goes on with the order", allowed)


def _at_once(reason: str, by: str) -> Cancelled:
    return Cancelled(CancelRequest(reason=reason, actor=by, authority=by))
