"""What decides about a return without a person, and how its units are named on the channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from models.order import Order
from models.return_process import ReturnFacts, ReturnFile
from models.returns import ChannelReturn


def objection(file: ReturnFile, facts: ReturnFacts, window: timedelta) -> str | None:
    """Why a person has to decide; None when the policy accepts the return."""
    if facts.order is None:
        return "no order is known for these goods: name it, or take them in without one"
    if not file.wanted:
        return "the return names no line of the order: say which units come back"
    for line_id, units in file.wanted.items():
        if units > (sent := facts.sent.get(line_id, 0)):
            return f"line {line_id}: {units} units are to come back, {sent} were sent and are not returned yet"
    if facts.sent_at is None or file.requested_at > facts.sent_at + window:
        sent_on = f"sent on {facts.sent_at:%Y-%m-%d}" if facts.sent_at else "nobody knows when it was sent"
        return f"asked for on {file.requested_at:%Y-%m-%d}, {sent_on}: the return window of {window.days} days is over"
    return None


def wanted_of(told: ChannelReturn, order: Order | None) -> dict[str, int]:
    """Channel line id -> units, also where the channel names the SKU alone."""
    by_sku = {line.sku: line.line_id for line in order.lines} if order else {}
    wanted: dict[str, int] = {}
    for line in told.lines:
        if line_id := line.line_id or by_sku.get(line.sku):
            wanted[line_id] = wanted.get(line_id, 0) + line.quantity
    return wanted


def units_on_channel(told: ChannelReturn, order: Order | None, units: Mapping[str, int]) -> dict[str, int]:
    """The return's lines -> units of them, for units of the order's lines; others are left out."""
    by_sku = {line.sku: line.line_id for line in order.lines} if order else {}
    left = dict(units)
    found: dict[str, int] = {}
    for line in told.lines:
        line_id = line.line_id or by_sku.get(line.sku, "")
        if taken := min(left.get(line_id, 0), line.quantity):
            found[line.return_line_id] = taken
            left[line_id] -= taken
    return found
