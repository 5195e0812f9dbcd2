"""Where returns stand: the newest report counts, and they are found by any of their numbers."""

from __future__ import annotations

from models.return_process import ReturnFile
from models.returns import ReturnProcessState
from store import return_processes
from store.database import Database
from tests.models.examples_returns import FILE, KEY, NOON


async def keep(database: Database, *files: ReturnFile) -> None:
    for file in files:
        async with database.session() as session:
            await return_processes.keep(session, file)


async def test_a_report_that_comes_late_does_not_take_the_return_back(database: Database) -> None:
    later = FILE.entered(ReturnProcessState.PARTLY_RECEIVED, NOON, "BER-1 received B1")
    await keep(database, FILE, later, FILE)
    async with database.session() as session:
        assert await return_processes.get(session, FILE.workflow_id) == later


async def test_a_return_is_found_by_each_of_its_numbers_its_order_and_its_state(database: Database) -> None:
    file = FILE.model_copy(update={"rma": "RMA-9"})
    await keep(database, file)
    async with database.session() as session:
        for number in ("RMA-9", FILE.return_id, FILE.workflow_id):
            assert await return_processes.by_number(session, number) == [file]
        assert await return_processes.by_number(session, "other") == []
        assert await return_processes.find(session, order_key=KEY) == [file]
        assert await return_processes.find(session, state=ReturnProcessState.APPROVED) == [file]
        assert await return_processes.find(session, state=ReturnProcessState.CLOSED) == []
