"""Whatever files of an account come, and in whatever order: each movement is kept once, under a name that stays."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import permutations
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.bank.statement import read_statement
from models.bank import StatementLine, not_kept
from models.money import Money
from store import bank
from store.database import Database
from store.tables import BankLineRow
from tests.bank.files import Moved, camt
from tests.bank.scene import FIRST, key, settled

P = ParamSpec("P")
T = TypeVar("T")
PAID = Moved("90.11", f"Payout {FIRST}", reference="NTRF-771")
RETURNED = Moved("-90.11", "returned", on="2026-09-17", reference="NTRF-771")
MONDAY, THURSDAY, MONTH = camt(PAID), camt(RETURNED), camt(PAID, RETURNED)

moved = st.builds(
    Moved,
    amount=st.sampled_from(["90.11", "-90.11", "5.00"]),
    text=st.sampled_from(["a", "b"]),
    on=st.sampled_from(["2026-09-14", "2026-09-15", "2026-09-16", "2026-09-17"]),
    reference=st.sampled_from(["", "R-1", "R-2"]),
    counterparty=st.just("Bank"),
)


def known_by(entry: Moved) -> tuple[str, ...]:
    """What tells a movement from another one that is not in the same file."""
    return entry.reference, entry.on, entry.amount, "" if entry.reference else entry.text


def kept_of(files: Iterable[list[Moved]]) -> list[StatementLine]:
    """What a store has that is given these files one after the other."""
    kept: dict[tuple[str, str], StatementLine] = {}
    for file in files:
        for line in not_kept(read_statement(camt(*file)), kept):
            assert (line.bank_account, line.line_id) not in kept
            kept[line.bank_account, line.line_id] = line
    return list(kept.values())


def contents(lines: Iterable[StatementLine]) -> Counter[tuple[str, Money, str]]:
    return Counter((str(line.booked_on), line.amount, line.text) for line in lines)


def stated(entries: Iterable[Moved]) -> Counter[tuple[str, Money, str]]:
    return Counter((entry.on, Money.of(entry.amount, "EUR"), entry.text) for entry in entries)


@given(st.data(), st.lists(moved, max_size=8))
def test_files_of_whole_days_in_any_order_keep_each_movement_once(data: st.DataObject, entries: list[Moved]) -> None:
    days = sorted({entry.on for entry in entries})
    chosen = data.draw(st.lists(st.sets(st.sampled_from(days)), max_size=5)) if days else []
    files = [data.draw(st.permutations([entry for entry in entries if entry.on in days])) for days in chosen]
    read = set().union(*chosen)
    assert contents(kept_of(files)) == stated(entry for entry in entries if entry.on in read)


@given(st.lists(moved, max_size=8), st.lists(st.integers(0, 8), max_size=5))
def test_files_that_were_exported_before_the_day_was_over_keep_each_movement_once(
    entries: list[Moved], lengths: list[int]
) -> None:
    assert contents(kept_of(entries[:length] for length in lengths)) == stated(entries[: max(lengths, default=0)])


@given(st.data(), st.lists(moved, max_size=8, unique_by=known_by))
def test_files_that_are_cut_anywhere_keep_each_movement_once(data: st.DataObject, entries: list[Moved]) -> None:
    file = st.lists(st.sampled_from(entries), unique=True) if entries else st.just([])
    files: list[list[Moved]] = data.draw(st.lists(file, max_size=6))
    assert contents(kept_of(files)) == stated({entry for each in files for entry in each})


@given(st.data(), st.lists(moved, min_size=1, max_size=8))
def test_a_movement_keeps_its_name_whatever_is_read_later(data: st.DataObject, entries: list[Moved]) -> None:
    first = data.draw(st.lists(st.sampled_from(entries), unique=True))
    before = kept_of([first])
    assert kept_of([first, entries])[: len(before)] == before


def test_a_movement_that_the_bank_words_anew_is_the_same_movement() -> None:
    worded = Moved("90.11", "PAYOUT, AMAZON", reference="NTRF-771")
    again = Moved("-90.11", "RETURN OF 14 SEPTEMBER", on="2026-09-17", reference="NTRF-771")
    assert len(kept_of([[PAID], [RETURNED], [worded], [again], [worded, again]])) == 2


@pytest.mark.parametrize("files", list(permutations([MONDAY, THURSDAY, MONTH])))
async def test_a_return_under_the_reference_of_its_payment_is_kept_beside_it(
    database: Database, files: tuple[bytes, ...]
) -> None:
    for content in (*files, *files):
        async with database.session() as session:
            await bank.keep(session, read_statement(content))
    async with database.session() as session:
        rows = await session.scalars(select(BankLineRow))
        assert contents(bank.line_of(row) for row in rows) == stated([PAID, RETURNED])


async def test_two_files_that_are_kept_at_once_keep_each_movement_once(database: Database) -> None:
    async def keep(content: bytes) -> int:
        async with database.session() as session:
            return await bank.keep(session, read_statement(content))

    assert sum(await asyncio.gather(*(keep(content) for content in (MONDAY, MONTH, THURSDAY, MONTH)))) == 2


class Counting(ThreadPoolExecutor):
    """Threads beside the event loop, which say how often they were asked."""

    asked = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.asked += 1
        return super().submit(fn, *args, **kwargs)


async def test_lines_are_matched_beside_the_event_loop_that_sends_the_heartbeats(database: Database) -> None:
    await settled(database, FIRST, "90.11")
    async with database.session() as session:
        await bank.keep(session, read_statement(MONDAY))
        beside = Counting()
        asyncio.get_running_loop().set_default_executor(beside)
        assert [match.key for match in await bank.match(session)] == [key(FIRST)]
    assert beside.asked == 1
