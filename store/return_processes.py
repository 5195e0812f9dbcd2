"""Where each return's process stands: for people, and for goods that come after it has ended."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.order import OrderKey
from models.return_process import ReturnFile
from models.returns import ReturnProcessState
from store.tables import ReturnProcessRow


async def keep(session: AsyncSession, file: ReturnFile) -> None:
    """Keep a file as it is now. One with a shorter history than the kept one is old, and changes nothing."""
    content = {
        "order_key": str(file.order_key) if file.order_key else None,
        "return_id": file.return_id,
        "rma": file.rma,
        "state": file.state.value,
        "body": file.model_dump(mode="json"),
    }
    new = insert(ReturnProcessRow).values(workflow_id=file.workflow_id, **content)
    length = func.jsonb_array_length
    kept = new.on_conflict_do_update(
        index_elements=["workflow_id"],
        set_={**content, "updated_at": func.now()},
        where=length(col(ReturnProcessRow.body)["history"]) <= length(new.excluded.body["history"]),
    )
    await session.execute(kept)


async def get(session: AsyncSession, workflow_id: str) -> ReturnFile | None:
    row = await session.get(ReturnProcessRow, workflow_id, populate_existing=True)
    return row.file() if row else None


async def by_number(session: AsyncSession, number: str) -> list[ReturnFile]:
    """Returns whose RMA, return id or workflow id this is, the newest first."""
    names = (ReturnProcessRow.rma, ReturnProcessRow.return_id, ReturnProcessRow.workflow_id)
    found = select(ReturnProcessRow).where(
        (col(names[0]) == number) | (col(names[1]) == number) | (col(names[2]) == number)
    )
    rows = await session.scalars(found.order_by(col(ReturnProcessRow.opened_at).desc()))
    return [row.file() for row in rows]


async def find(
    session: AsyncSession,
    *,
    state: ReturnProcessState | None = None,
    order_key: OrderKey | None = None,
    limit: int = 200,
) -> list[ReturnFile]:
    """Returns, the newest first."""
    found = select(ReturnProcessRow).order_by(col(ReturnProcessRow.opened_at).desc()).limit(limit)
    if state is not None:
        found = found.where(col(ReturnProcessRow.state) == state)
    if order_key is not None:
        found = found.where(col(ReturnProcessRow.order_key) == str(order_key))
    return [row.file() for row in await session.scalars(found)]
