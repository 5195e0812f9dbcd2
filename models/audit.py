"""What a channel says of its orders, compared with what we know of them."""

from __future__ import annotations

from enum import StrEnum

from models.base import Model, Moment
from models.messages import OrderState
from models.order import ChannelState, Order, OrderKey

_SHIPPED = frozenset({OrderState.SHIPPED, OrderState.SETTLED, OrderState.CLOSED})
_NOT_SHIPPED = frozenset({ChannelState.PENDING, ChannelState.OPEN})


class Verdict(StrEnum):
    MISSING = "missing"
    """We never heard of it: captured now."""
    BEHIND = "behind"
    """The channel has a newer version: captured now."""
    DIFFERS = "differs"
    """The same version, and we disagree: a case."""
    REFUSED = "refused"
    """The channel's payload cannot be understood: it is among the dead letters."""


class Finding(Model):
    """One order in which channel and registry do not agree."""

    order_key: OrderKey
    verdict: Verdict
    subject: str
    """What it is about: `order`, `version`, `total`, `state`, or a refusal's reason."""
    channel: str
    """What the channel says."""
    ours: str


class AuditReport(Model):
    """One comparison of a window. `seen == agreed + in_flight + len(findings)`."""

    channel: str
    account: str
    since: Moment
    until: Moment
    """Orders that changed later are still on their way: they are counted as `in_flight`."""
    seen: int = 0
    agreed: int = 0
    in_flight: int = 0
    findings: tuple[Finding, ...] = ()

    def and_then(self, other: AuditReport) -> AuditReport:
        """Both together: a further page of the same window."""
        return self.model_copy(
            update={
                "seen": self.seen + other.seen,
                "agreed": self.agreed + other.agreed,
                "in_flight": self.in_flight + other.in_flight,
                "findings": (*self.findings, *other.findings),
            }
        )


def compare(theirs: Order, ours: Order | None, state: OrderState | None) -> Finding | None:
    """The difference between the channel's order and ours (and where its process stands), if there is one."""
    if ours is None or state is None:
        return _finding(theirs, Verdict.MISSING, "order", theirs.state.value, "unknown")
    if theirs.is_news_to(ours):
        return _finding(theirs, Verdict.BEHIND, "version", str(theirs.version), str(ours.version))
    if ours.is_news_to(theirs):
        return None  # The channel's list lags behind what it told us itself.
    if theirs.total != ours.total:
        return _finding(theirs, Verdict.DIFFERS, "total", str(theirs.total), str(ours.total))
    if _contradicts(theirs.state, state):
        return _finding(theirs, Verdict.DIFFERS, "state", theirs.state.value, state.value)
    return None


def _contradicts(channel: ChannelState, ours: OrderState) -> bool:
    """True for ends that cannot both be true; what is under way may disagree for a while."""
    if channel is ChannelState.CANCELLED:
        return ours in _SHIPPED
    return (ours is OrderState.CANCELLED) or (ours in _SHIPPED and channel in _NOT_SHIPPED)


def _finding(order: Order, verdict: Verdict, subject: str, channel: str, ours: str) -> Finding:
    return Finding(order_key=order.key, verdict=verdict, subject=subject, channel=channel, ours=ours)
