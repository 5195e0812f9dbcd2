"""Keeps ERP, tax engine and channel in step with an order that was cancelled in part, changed, or ended.

These are the order's compensations. Each system is told the state that is wanted now, absolutely, so that twice is
once; each has its own pace, so that one that is down for days holds up no other; and each is told until it knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.erp import CancelErpOrder, ErpActivities
    from activities.tax import TaxActivities, TaxDocument
    from models.case import CaseKind
    from models.life import ChannelCancel
    from models.order import ChannelState
    from workflows import channel_requests, documents, policy
    from workflows.office import Office

Answer = TypeVar("Answer")


class Mirrors:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._life = office.life
        self._telling: set[str] = set()

    def keep(self) -> None:
        """Watch over all three, in the reverse order of what was done: what stops most is told first."""
        watched = {
            "erp": (self._erp_behind, self._tell_erp),
            "tax": (self._tax_behind, self._tell_tax),
            "channel": (self._channel_behind, self._tell_channel),
        }
        for name, (behind, tell) in watched.items():
            self._office.spawn(self._watch(name, behind, tell))

    @property
    def behind(self) -> tuple[str, ...]:
        """Systems that do not know yet how the order stands."""
        found = {"erp": self._erp_behind(), "tax": self._tax_behind(), "channel": self._channel_behind()}
        return tuple(name for name, is_behind in found.items() if is_behind or name in self._telling)

    async def in_step(self) -> None:
        """Wait until every system knows."""
        await workflow.wait_condition(lambda: not self.behind)

    async def _watch(self, name: str, behind: Callable[[], bool], tell: Callable[[], Awaitable[None]]) -> None:
        while True:
            await workflow.wait_condition(behind)
            self._telling.add(name)
            await tell()
            self._telling.discard(name)

    @property
    def _gone(self) -> bool:
        """True when nothing of the order is left for the books."""
        return self._office.ended and not self._life.goods.anything_left

    def _erp_behind(self) -> bool:
        """What is being posted for the first time is not behind; once that has been answered, it may be."""
        life = self._life
        return self._is_behind(asked=life.erp_asked, told=life.erp_told)

    def _tax_behind(self) -> bool:
        """What is being recorded late is not behind: of two that say it at once, the older might be heard last."""
        life = self._life
        settled = life.tax_committed or life.tax_heals
        return not settled and self._is_behind(asked=life.tax_asked, told=life.tax_told)

    def _is_behind(self, *, asked: bool, told: int | None) -> bool:
        if not asked or (self._office.forward and told is None):
            return False
        return self._gone or told != self._life.revision

    async def _tell_erp(self) -> None:
        if self._gone:
            await self._compensate("cancel_erp_order", self._cancel_erp_order)
            self._life.erp_asked = False
            return
        life = self._life
        telling, skus, items = life.revision, documents.skus(life), documents.items(life)
        await self._compensate("change_erp_order", self._change_erp_order)
        life.erp_told, life.erp_skus, life.erp_items = telling, skus, items

    async def _cancel_erp_order(self) -> None:
        key, correlation_id = self._life.order.key, str(self._life.order.correlation_id)
        await self._office.calls.outside(
            ErpActivities.cancel_erp_order,
            CancelErpOrder(order_key=key, correlation_id=correlation_id),
            policy.ERP_QUEUE,
            "Undo: cancel the sales order",
        )

    async def _change_erp_order(self) -> None:
        await self._office.calls.outside(
            ErpActivities.change_erp_order,
            documents.erp_order(self._life),
            policy.ERP_QUEUE,
            f"Restate the sales order: {documents.in_words(self._life)}",
        )

    async def _tell_tax(self) -> None:
        if self._gone:
            # Nothing is being recorded late by now; the wait is a turn that recorded orders took, and without it they
            # would void the tax before they tell the channel: `tests/histories` do not replay.
            await workflow.wait_condition(lambda: not self._life.tax_heals)
            await self._compensate("void_tax", self._void_tax)
            self._life.tax_asked = False
            return
        telling = self._life.revision
        await self._compensate("change_tax", self._restate_tax)
        self._life.tax_told = telling

    async def _void_tax(self) -> None:
        order = self._life.order
        await self._office.calls.outside(
            TaxActivities.void_tax,
            TaxDocument(document=str(order.key), correlation_id=str(order.correlation_id)),
            policy.TAX_QUEUE,
            "Undo: void the tax document",
        )

    async def _restate_tax(self) -> None:
        self._life.tax = await self._office.calls.outside(
            TaxActivities.record_tax,
            documents.as_it_stands(self._life),
            policy.TAX_QUEUE,
            "Restate the seller's tax",
        )

    def _channel_behind(self) -> bool:
        return self._life.channel_cancel is not None or bool(self._untold())

    def _untold(self) -> dict[str, int]:
        """Cancelled units that the channel has not been told of, and does not know by itself."""
        life = self._life
        if self._office.forward and self._office.ended:
            return {}  # Only when nothing more is sent out.
        if life.order.test or life.order.internal or life.seen.state is ChannelState.CANCELLED:
            return {}
        known = {line.line_id: line.cancelled for line in life.seen.lines}
        untold = {
            name: units - max(life.channel_told.get(name, 0), known.get(name, 0))
            for name, units in life.counted.cancelled.items()
        }
        return {name: units for name, units in untold.items() if units > 0}

    async def _tell_channel(self) -> None:
        life = self._life
        if life.channel_cancel is None:
            life.channel_cancels += 1
            life.channel_cancel = self._cancel_of(self._untold())
        telling = life.channel_cancel

        async def cancel() -> None:
            if life.seen.state is not ChannelState.CANCELLED:
                await channel_requests.cancel(self._office.calls, channel_requests.cancellation(life.order, telling))

        await self._compensate(documents.CANCEL_ON_CHANNEL, cancel)
        life.channel_told = {**life.channel_told, **telling.known_then}
        life.channel_cancel = None

    def _cancel_of(self, units: dict[str, int]) -> ChannelCancel:
        life = self._life
        latest = life.ended_by or life.cancellations[-1].request
        return ChannelCancel(
            number=life.channel_cancels,
            units=units,
            known_then={name: life.counted.cancelled[name] for name in units},
            whole=self._gone,
            why=latest.why,
            note=latest.reason,
        )

    async def _compensate(self, step: str, call: Callable[[], Awaitable[None]]) -> None:
        await self._office.desk.attempt(CaseKind.COMPENSATION_FAILED, step, call, skippable=True, cancellable=False)
