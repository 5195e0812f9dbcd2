"""Time-outs, retries, queues and deadlines, in one place."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

ORDERS_QUEUE = "orders"
ERP_QUEUE = "erp"
WMS_QUEUE = "wms"
TAX_QUEUE = "tax"
FRAUD_QUEUE = "fraud"
NOTIFY_QUEUE = "notify"
SETTLEMENT_QUEUE = "settlement"
REPAIR_QUEUE = "repair"
INVENTORY_QUEUE = "inventory"

PAYMENT_WINDOW = timedelta(days=7)
"""An unpaid order that waits longer becomes a case."""
HOLD_WINDOW = timedelta(days=3)
"""A hold that nobody decides on ends after so long, where the account's terms say nothing else."""
PROMISE = timedelta(days=3)
"""How long goods may be back-ordered, where neither order nor terms say anything."""
CONFIRM_WITHIN = timedelta(hours=24)
"""How soon a channel must have heard of a parcel, where the terms say nothing else."""
AT_LEAST = timedelta(minutes=15)
"""A deadline that was over when we heard of the order gives us so long before it acts."""
IN_DOUBT_AFTER = timedelta(seconds=30)
"""Whoever asks to cancel is answered `in doubt` when the warehouse has not said anything for so long."""
SILENT_NODE = timedelta(hours=1)
"""A warehouse that reports nothing for so long is asked."""
SHIP_BY_DEFAULT = timedelta(days=3)
"""Ship-by of an order whose channel states none, counted from its release."""
IN_FLIGHT = timedelta(minutes=5)
"""An order that changed so recently may still be on its way to us: an audit leaves it alone."""
UNRESOLVED = 2 * SILENT_NODE
"""Stock that has been told differently for so long is a case: by then a silent warehouse has been asked, too."""
LOST_WORKER = timedelta(seconds=10)
"""A worker that gives no sign of life for so long has died, and its calls are made again."""
SETTLEMENT_WINDOW = timedelta(days=35)
"""Two 14-day settlement periods and a week: money that is not there by then is overdue."""
PAYOUT_WINDOW = timedelta(days=7)
"""A payout that no bank statement shows so long after it was sent is looked into: banks need two to five days."""

RETURN_WINDOW = timedelta(days=30)
"""So long after the last parcel left, a return is accepted without asking anybody."""
RETURN_DECISION = timedelta(days=3)
"""A return that nobody decides about in this time is refused."""
GOODS_BACK = timedelta(days=30)
"""Goods that are not back so long after their return was accepted are waited for no more."""
INSPECTION = timedelta(days=5)
"""A parcel that came back with something strange in it is booked as reported, if nobody corrects it in this time."""

_UNTIL_DONE = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=2)
)
_BEST_EFFORT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=5)


def channel_queue(channel: str) -> str:
    return f"channel-{channel}"


def outside(queue: str, summary: str) -> ActivityConfig:
    """A call to an outside system: tried until it is done or declined."""
    return ActivityConfig(
        task_queue=queue,
        start_to_close_timeout=timedelta(seconds=60),
        heartbeat_timeout=LOST_WORKER,
        retry_policy=_UNTIL_DONE,
        summary=summary[:200],
    )


def best_effort(queue: str, summary: str) -> ActivityConfig:
    """A call that the order can do without."""
    return outside(queue, summary) | ActivityConfig(retry_policy=_BEST_EFFORT)


def long_read(queue: str, summary: str) -> ActivityConfig:
    """Reading many documents from a channel."""
    return outside(queue, summary) | ActivityConfig(start_to_close_timeout=timedelta(minutes=30))


def long_fetch(queue: str, summary: str) -> ActivityConfig:
    """Reading documents whose pages have to wait for the channel's quota: 250,000 lines of Mirakl take 2 h 40."""
    return outside(queue, summary) | ActivityConfig(start_to_close_timeout=timedelta(hours=6))


def store(summary: str) -> LocalActivityConfig:
    """A quick write to our own database."""
    return LocalActivityConfig(
        start_to_close_timeout=timedelta(seconds=10), retry_policy=_UNTIL_DONE, summary=summary[:200]
    )
