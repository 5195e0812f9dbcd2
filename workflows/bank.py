"""Bank statements: what was read is matched with the settlements' payouts, and booked in the ERP."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.bank import BankActivities
    from models.base import Model
    from workflows import policy


class BankRun(Model):
    overdue_after: timedelta = policy.PAYOUT_WINDOW
    """A payout that the bank has not shown so long after it was sent is a case."""


class BankResult(Model):
    matched: int
    booked: int
    refused: int
    missing: int


@workflow.defn
class BankStatementWorkflow:
    """Goes on where it stopped: what is matched stays matched, and what is booked is noted line by line."""

    @workflow.run
    async def run(self, request: BankRun) -> BankResult:
        lines = await workflow.execute_activity_method(
            BankActivities.match_bank_lines,
            request.overdue_after,
            **policy.long_read(policy.SETTLEMENT_QUEUE, "Match the bank's lines with payouts"),
        )
        books = await workflow.execute_activity_method(
            BankActivities.book_bank_lines,
            lines,
            **policy.long_read(policy.SETTLEMENT_QUEUE, "Book the bank's lines"),
        )
        return BankResult(matched=lines.matched, booked=books.booked, refused=books.refused, missing=lines.missing)
