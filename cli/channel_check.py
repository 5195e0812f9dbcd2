"""Tests a connection end to end before it goes live. It only reads: nothing changes at the channel or here."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.errors import ConnectorError
from connectors.ports import Channel, ChannelFormat, OrderPage
from connectors.providers import CHANNELS
from connectors.registry import ChannelConnection, ConnectionsError
from connectors.settlement_files import prove

LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Step:
    name: str
    ok: bool
    told: str


class NotAsItShould(Exception):
    """The channel answers, and the answer is not good enough to go live with."""


async def check(connection: ChannelConnection) -> list[Step]:
    """Each step with what it found; after one that fails, those that need it are left out."""
    kind = CHANNELS.get(connection.provider)
    if kind is None:
        return [Step("connection", False, f"no channel {connection.provider!r}: use one of {', '.join(CHANNELS)}")]
    try:
        channel = kind.connect(connection)
        secrets = connection.resolved_webhook_secrets
    except ConnectionsError as error:
        return [Step("connection", False, str(error))]
    told = f"{connection.base_url}, {len(secrets)} webhook secrets" if secrets else connection.base_url
    try:
        return [Step("connection", True, told), *await _Checking(channel, kind.format).steps()]
    finally:
        await channel.aclose()


class _Checking:
    def __init__(self, channel: Channel, channel_format: ChannelFormat) -> None:
        self._channel = channel
        self._format = channel_format
        self._page = OrderPage(orders=(), cursor="", more=False)

    async def steps(self) -> list[Step]:
        first = await _tried("sign in and read orders", self._read)
        if not first.ok:
            return [first]
        further: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("understand orders", self._understand),
            ("read one order", self._one),
            ("read returns", self._returns),
            ("read settlements", self._settlements),
            ("stay within quotas", self._quotas),
        ]
        return [first, *[await _tried(name, step) for name, step in further]]

    async def _read(self) -> str:
        self._page = await self._channel.poll(self._channel.cursor_from(datetime.now(UTC) - LOOK_BACK))
        return f"{len(self._page.orders)} orders changed in the last {LOOK_BACK.days} days (first page)"

    async def _understand(self) -> str:
        parsed = [self._format.parse(each.body, self._channel.account) for each in self._page.orders]
        wrong = [r for each in parsed for r in each.refusals if r.reason != "payment_pending"]
        if wrong:
            raise NotAsItShould(f"{len(wrong)} refused; the first: {wrong[0]}")
        drift = {d.path for each in parsed for d in each.drift}
        return f"{sum(len(each.orders) for each in parsed)} orders, {len(drift)} unknown fields or words"

    async def _one(self) -> str:
        if not self._page.orders:
            return "no order to read"
        wanted = self._page.orders[0].external_id
        parsed = self._format.parse(await self._channel.order(wanted), self._channel.account)
        found = [order.key.external_id for order in parsed.orders]
        found += [refusal.external_id or "" for refusal in parsed.refusals if refusal.reason == "payment_pending"]
        if wanted not in found:
            raise NotAsItShould(f"asked for {wanted}, got {found or parsed.refusals}")
        return wanted

    async def _returns(self) -> str:
        page = await self._channel.returns(None)
        parsed = [self._format.parse_returns(each.body, self._channel.account) for each in page.returns]
        wrong = [refusal for each in parsed for refusal in each.refusals]
        if wrong:
            raise NotAsItShould(f"{len(wrong)} refused; the first: {wrong[0]}")
        return f"{sum(len(each.returns) for each in parsed)} returns (first page)"

    async def _settlements(self) -> str:
        ready = await self._channel.settlements()
        if not ready:
            return "none yet"
        newest = ready[-1]
        with tempfile.TemporaryFile() as file:
            await self._channel.settlement(newest, file)
            file.seek(0)
            proofs = prove(self._format.read_settlement(file, self._channel.account))
        sums = (
            f"{each.statement.settlement_id}: {each.statement.payout}, {each.lines} lines add up" for each in proofs
        )
        return f"{len(ready)} ready; {'; '.join(sums)}"

    async def _quotas(self) -> str:
        health = self._channel.health()
        scarce = sorted(health.quotas, key=lambda quota: quota.left / quota.burst)[:1]
        ends = f", ends {health.sunset}" if health.sunset else ""
        left = "".join(f", {q.left:.0f} of {q.burst} calls left on {q.operation}" for q in scarce)
        return f"API {health.api_version}{ends}{left}"


async def _tried(name: str, step: Callable[[], Awaitable[str]]) -> Step:
    try:
        return Step(name, True, await step())
    except (ConnectorError, ConnectionsError, NotAsItShould) as error:
        return Step(name, False, f"{type(error).__name__}: {error}")
