"""What a person reads on an order's page in the Temporal UI: how it stands, for what it waits, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from models.case import ExceptionCase
from models.messages import CancelOutcome, CancelStatus, OrderSnapshot, Transition

LONGEST = 18_000
"""Characters; Temporal takes 20,000 bytes of details once they are encoded."""
BUCKETS = {
    "open": "to be reserved",
    "reserved": "reserved",
    "released": "at a warehouse",
    "shipped": "shipped",
    "cancelled": "cancelled",
    "returned": "come back",
    "refunded": "paid back",
}
ANSWERS = {
    CancelStatus.REQUESTED: "not decided yet",
    CancelStatus.CONFIRMED: "confirmed",
    CancelStatus.DECLINED: "declined",
    CancelStatus.IN_DOUBT: "in doubt",
}


def told(snapshot: OrderSnapshot, transitions: Sequence[Transition]) -> str:
    waits = f" · waits for {snapshot.waiting_for}" if snapshot.waiting_for else ""
    parts = [
        [f"**{_word(snapshot.state)}**{waits}"],
        _section("Somebody has to decide", [line for case in snapshot.cases for line in _case(case)]),
        _section("Goods", _goods(snapshot)),
        _section("Money", _money(snapshot)),
        _section("Wishes to cancel", map(_cancellation, snapshot.cancellations)),
        _section("Done without a system that was away", (f"{s}: {how}" for s, how in snapshot.degraded.items())),
        _section("Does not know yet how the order stands", snapshot.untold),
        _section("Deadlines", _deadlines(snapshot)),
        _section("Decided", reversed(snapshot.decided)),
        _section("What happened", (_event(each) for each in reversed(transitions))),
    ]
    return "\n".join(line for part in parts for line in part)[:LONGEST]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    """Markdown sees a list only after an empty line."""
    items = [f"- {line}" for line in lines]
    return ["", f"**{title}**", "", *items] if items else []


def _case(case: ExceptionCase) -> Iterator[str]:
    yield f"**{_word(case.kind)}**, for {case.owner}: {case.reason}"
    expiry = ""
    if case.expires_at and case.on_expiry:
        expiry = f"; if nobody does by {case.expires_at:%Y-%m-%d %H:%M} UTC: {case.on_expiry}"
    yield f"`exceptions resolve '{case.case_id}' {'|'.join(case.allowed)}`{expiry}"


def _goods(snapshot: OrderSnapshot) -> Iterator[str]:
    for line_id, line in snapshot.quantities.lines.items():
        counts = ((getattr(line, name), word) for name, word in BUCKETS.items())
        stands = ", ".join(f"{count} {word}" for count, word in counts if count)
        yield f"line {line_id}: {line.ordered} ordered: {stands}"
    for parcel in snapshot.shipments:
        heard = "" if parcel.confirmed else ", the channel has not heard of it yet"
        invoice = f", invoice {parcel.invoice}" if parcel.invoice else ""
        yield f"parcel {parcel.tracking} ({parcel.carrier}) from {parcel.node}: {_units(parcel.units)}{invoice}{heard}"
    if snapshot.erp_order:
        yield f"sales order {snapshot.erp_order} in the ERP"


def _money(snapshot: OrderSnapshot) -> Iterator[str]:
    named = {"expected from the channel": snapshot.expected, "received": snapshot.received}
    named |= {"fees": snapshot.fees, "paid back to the buyer": snapshot.refunded}
    return (f"{name}: {amount}" for name, amount in named.items() if amount is not None)


def _cancellation(outcome: CancelOutcome) -> str:
    done = f"; cancelled: {_units(outcome.units)}" if outcome.units else ""
    late = f"; too late: {_units(outcome.declined_units)}" if outcome.declined_units else ""
    offered = "; the buyer is offered a return" if outcome.return_offered else ""
    return f"{ANSWERS[outcome.status]}: {outcome.reason}{done}{late}{offered}"


def _deadlines(snapshot: OrderSnapshot) -> Iterator[str]:
    for each in sorted(snapshot.deadlines, key=lambda deadline: deadline.due):
        if not each.met:
            past = " (has passed)" if each.passed else ""
            yield f"{each.due:%Y-%m-%d %H:%M} UTC, {_word(each.kind)}{past}: {each.acts}"


def _event(event: Transition) -> str:
    by = event.actor if event.actor == event.authority else f"{event.actor}, {event.authority}"
    return f"{event.at:%Y-%m-%d %H:%M:%S} **{_word(event.state)}**: {event.cause} ({by})"


def _units(units: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of line {line_id}" for line_id, count in units.items()) or "part of a bundle"


def _word(name: str) -> str:
    return name.replace("_", " ")
