"""Posting of settlement documents that the inbox holds, in steps that go on where they stopped."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import temporal_errors
from connectors.errors import SchemaDrift
from connectors.ports import ChannelFormat, Refusal
from connectors.settlement_files import Proof, prove
from models.base import Model
from models.settlement import Entry, SettlementKey, SettlementLine, SettlementResult
from models.settlement_rules import RuleSet
from store import (
    documents,
    inbox,
    reserves,
    settlement_cases,
    settlement_posting,
    settlement_repost,
    settlement_rules,
    write_offs,
)
from store.database import Database
from store.settlement_matching import match_next, sweep

log = structlog.get_logger(__name__)

BATCH_LINES = 1000
BATCH_ORDERS = 200


class PostedSettlement(Model):
    """The result, or why the document was refused whole."""

    result: SettlementResult | None = None
    refused: str | None = None
    more: tuple[SettlementResult, ...] = ()
    """Of a document with several settlements, the others."""


class ProvenDocument(Model):
    """The settlements of a document, each proven to add up; or why it was refused whole."""

    settlements: tuple[SettlementKey, ...] = ()
    refused: str | None = None


class Source(NamedTuple):
    """Where a document came from."""

    event_id: int
    channel: str
    account: str


class SettlementActivities:
    def __init__(
        self,
        formats: Mapping[str, ChannelFormat],
        database: Database,
        entities: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        """`entities`: channel and account -> the legal entity that its money is booked for."""
        self._formats = formats
        self._database = database
        self._entities = entities or {}

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        return (
            self.post_settlement,
            self.prove_settlement,
            self.keep_settlement,
            self.match_settlement,
            self.reopen_settlement,
        )

    @activity.defn
    async def post_settlement(self, event_id: int) -> PostedSettlement:
        """All steps in one, for workflows that began before there were steps."""
        proven = await self.prove_settlement(event_id)
        if proven.refused:
            return PostedSettlement(refused=proven.refused)
        await self.keep_settlement(event_id)
        results = [await self.match_settlement(key) for key in proven.settlements]
        return PostedSettlement(result=results[0], more=tuple(results[1:]))

    @activity.defn
    async def prove_settlement(self, event_id: int) -> ProvenDocument:
        """The sum check comes first: a document whose lines do not add up is quarantined whole, with the difference."""
        with temporal_errors():
            event = await self._source(event_id)
            rules = await self._rules(event.channel)
            async with self._document(event_id) as file:
                reading = self._formats[event.channel].read_settlement(file, event.account, rules)
                try:
                    proofs = await asyncio.to_thread(prove, reading)
                except SchemaDrift as drift:
                    return await self._quarantine(event_id, drift)
            await self._begin(event, proofs, rules)
            return ProvenDocument(settlements=tuple(proof.statement.key for proof in proofs))

    @activity.defn
    async def keep_settlement(self, event_id: int) -> None:
        """Keep the lines, in batches; those that are kept already are only counted."""
        with temporal_errors():
            event = await self._source(event_id)
            rules = await self._rules(event.channel)
            async with self._document(event_id) as file:
                reading = self._formats[event.channel].read_settlement(file, event.account, rules)
                batches = _batches(each for each in reading if isinstance(each, Entry))
                while batch := await asyncio.to_thread(next, batches, None):
                    await self._keep(event, batch)

    @activity.defn
    async def match_settlement(self, key: SettlementKey) -> SettlementResult:
        """Match and tell the orders, in batches; prove the sum again from the store."""
        with temporal_errors():
            rules = await self._rules(key.channel)
            more = True
            while more:
                async with self._database.session() as session:
                    state = await settlement_posting.progress(session, key)
                    more = not state.posted and await match_next(session, key, rules, BATCH_ORDERS)
            async with self._database.session() as session:
                if not state.posted:
                    await reserves.release(session, key)
                    await sweep(session, key, rules)
                    await write_offs.open_what_changed(session, key)
                result = await settlement_posting.finish(session, key)
                await settlement_cases.sync(session, key)
            log.info("settlement posted", settlement_id=key.settlement_id, payout=str(result.payout))
            return result

    @activity.defn
    async def reopen_settlement(self, key: SettlementKey) -> int:
        """Undo its matching under the rules that are in force now; returns the revision."""
        with temporal_errors():
            rules = await self._rules(key.channel)
            async with self._database.session() as session:
                return await settlement_repost.reopen(session, key, rules)

    async def _source(self, event_id: int) -> Source:
        async with self._database.session() as session:
            found = await inbox.source_of(session, event_id)
        if found is None:
            raise ApplicationError(f"no inbox event {event_id}", type="NoSuchEvent", non_retryable=True)
        return Source(event_id, *found)

    async def _rules(self, channel: str) -> RuleSet:
        async with self._database.session() as session:
            return await settlement_rules.in_force(session, self._formats[channel].settlement_rules)

    @asynccontextmanager
    async def _document(self, event_id: int) -> AsyncIterator[BinaryIO]:
        with tempfile.TemporaryFile() as file:
            async with self._database.session() as session:
                await documents.copy_payload(session, event_id, file)
            file.seek(0)
            yield file

    async def _quarantine(self, event_id: int, drift: SchemaDrift) -> ProvenDocument:
        log.warning("settlement refused", event_id=event_id, reason=str(drift))
        refusal = Refusal(reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy)
        async with self._database.session() as session:
            await inbox.finish(session, event_id, "dead", "settlement refused whole", [refusal])
        return ProvenDocument(refused=str(drift))

    async def _begin(self, event: Source, proofs: Sequence[Proof], rules: RuleSet) -> None:
        entity = self._entities.get((event.channel, event.account), "")
        async with self._database.session() as session:
            for proof in sorted(proofs, key=lambda each: each.statement.settlement_id):
                state = await settlement_posting.begin(
                    session,
                    proof.statement,
                    proof.lines,
                    rules_version=rules.version,
                    event_id=event.event_id,
                    entity=entity,
                )
                if not state.posted and state.event_id != event.event_id:
                    raise ApplicationError(
                        f"{proof.statement.key} is being posted from document {state.event_id}: waiting until it is",
                        type="BeingPosted",
                    )

    async def _keep(self, event: Source, batch: Sequence[Entry]) -> None:
        by_settlement: dict[str, list[SettlementLine]] = {}
        for entry in batch:
            by_settlement.setdefault(entry.settlement_id, []).append(entry.line)
        async with self._database.session() as session:
            for name in sorted(by_settlement):
                key = SettlementKey(channel=event.channel, account=event.account, settlement_id=name)
                state = await settlement_posting.progress(session, key)
                if state.status == "keeping":
                    new = [line for line in by_settlement[name] if line.number > state.kept]
                    await settlement_posting.keep(session, key, new)


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, BATCH_LINES)):
        yield batch
