"""Every write to an outside system, succeeded with its reply lost: what is called again as the engine does is one.

The systems are the sandbox's twins on a real port, the callers are the real connectors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.errors import InDoubt
from models.channel import Progress
from sandbox.core import Sandbox
from sandbox.faults import Fault, FaultKind
from tests.conformance.stage import Stage, Stand
from tests.conformance.subject import Capability, Subject

Call = Callable[[bool], Awaitable[Any]]
"""One attempt; True says that an earlier one may have succeeded."""


@dataclass
class Tally:
    """What became of one kind of write."""

    write: str
    times: int = 0
    lost: int = 0
    effects: int = 0
    doubled: int = 0

    def count(self, lost: int, effects: int) -> None:
        self.times += 1
        self.lost += lost
        self.effects += effects
        self.doubled += effects > 1
        assert lost, f"{self.write}: no reply was lost: nothing is proven"
        assert effects, f"{self.write}: nothing was done at all"

    def __str__(self) -> str:
        return f"{self.write:32} {self.times:4} × {self.lost:4} lost {self.effects:4} effects {self.doubled} doubled"


async def as_the_engine_does(sandbox: Sandbox, operation: str, call: Call, losses: int) -> tuple[int, Any]:
    """Call until it is answered; the first replies are lost. How many were, and the answer."""
    fault = sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=losses))
    lost = 0
    while True:
        try:
            answer = await call(lost > 0)
        except InDoubt:
            lost += 1
            assert lost <= losses, f"{operation}: in doubt although the reply came"
        else:
            sandbox.faults.remove(fault)
            return lost, answer


async def of_channel(subject: Subject, stand: Stand, times: int) -> list[Tally]:
    stage = Stage(subject, stand)
    try:
        return [
            await _tally(stage, what, once, times)
            for what, capability, once in _ON_CHANNEL
            if capability is None or capability not in subject.without
        ]
    finally:
        await stage.aclose()


Once = Callable[[Stage, int], Awaitable[tuple[int, int]]]


async def _tally(stage: Stage, what: str, once: Once, times: int) -> Tally:
    tally = Tally(f"{stage.subject.name} {what}")
    for number in range(times):
        tally.count(*await once(stage, 1 + number % 2))
    return tally


async def _written(stage: Stage, operation: str, call: Call, losses: int) -> int:
    lost, answer = await as_the_engine_does(stage.sandbox, operation, call, losses)
    await stage.done(answer or Progress())
    return lost


async def _acknowledge(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.order(stage.sell())
    request = stage.acknowledgement(sold)
    operations, effects = stage.subject.operations, stage.subject.effects
    lost = await _written(stage, operations.acknowledge, lambda r: stage.channel.acknowledge(request, retry=r), losses)
    return lost, len(stage.effects(effects.acknowledged, sold.key.external_id))


async def _confirm(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.shippable()
    request = stage.parcel(sold, {sold.lines[0].line_id: 1})
    operation = stage.subject.operations.confirm
    lost = await _written(stage, operation, lambda r: stage.channel.confirm(request, retry=r), losses)
    return lost, len(stage.effects(stage.subject.effects.confirmed, sold.key.external_id))


async def _cancel(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.shippable()
    request = stage.cancellation(sold)
    operation = stage.subject.operations.cancel
    lost = await _written(stage, operation, lambda r: stage.channel.cancel(request, retry=r), losses)
    return lost, len(stage.effects(stage.subject.effects.cancelled, sold.key.external_id))


async def _cancel_part(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.shippable()
    request = stage.cancellation(sold, {sold.lines[0].line_id: 1})
    operation = stage.subject.operations.cancel_part
    lost = await _written(stage, operation, lambda r: stage.channel.cancel(request, retry=r), losses)
    return lost, len(stage.effects(stage.subject.effects.cancelled_part, sold.key.external_id))


async def _refund(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.shipped()
    request = stage.refund(sold)
    operation = stage.subject.operations.refund
    lost = await _written(stage, operation, lambda r: stage.channel.refund(request, retry=r), losses)
    return lost, len(stage.effects(stage.subject.effects.refunded, sold.key.external_id))


async def _decide_return(stage: Stage, losses: int) -> tuple[int, int]:
    sold = await stage.shipped(returns=True)
    found = await stage.returned_of(sold)
    (first, *_), *_ = stage.subject.return_actions
    request = stage.decision(sold, found, first)
    before = len(stage.effects(stage.subject.effects.return_decided))
    operation = stage.subject.operations.decide_return
    lost = await _written(stage, operation, lambda r: stage.channel.decide_return(request, retry=r), losses)
    return lost, len(stage.effects(stage.subject.effects.return_decided)) - before


_ON_CHANNEL: list[tuple[str, Capability | None, Once]] = [
    ("acknowledge", Capability.ACKNOWLEDGE, _acknowledge),
    ("confirm", None, _confirm),
    ("cancel", Capability.CANCEL, _cancel),
    ("cancel a part", Capability.CANCEL_PART, _cancel_part),
    ("refund", Capability.REFUND, _refund),
    ("decide a return", Capability.DECIDE_RETURN, _decide_return),
]
"""What, what the channel must be able to do for it, and one of them: how many replies were lost, how many effects."""
