"""Returns in their own process: what came back, what of it was restocked, and the ledger of refunds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
PROCESS_STATES = (
    "state IN ('requested', 'review', 'approved', 'partly_received', 'received', 'refunding', 'closed', 'refused',"
    " 'cancelled', 'lapsed')"
)


def upgrade() -> None:
    op.create_table(
        "refund",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("state IN ('reserved', 'done', 'refused')", name="refund_state"),
        sa.CheckConstraint("total >= 0", name="refund_total"),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("refund_of_order", "refund", ["order_key", "created_at"])
    op.create_table(
        "return_count",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("units >= 1", name="return_count_units"),
        sa.PrimaryKeyConstraint("receipt_id", "line_id"),
    )
    op.create_index("return_count_of_order", "return_count", ["order_key"])
    op.create_table(
        "restock",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("restocked_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("condition IN ('resell', 'scrap', 'reject')", name="restock_condition"),
        sa.CheckConstraint("quantity >= 1", name="restock_quantity"),
        sa.PrimaryKeyConstraint("receipt_id", "item", "node", "condition"),
    )
    op.create_table(
        "return_process",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("rma", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(PROCESS_STATES, name="return_process_state"),
        sa.PrimaryKeyConstraint("workflow_id"),
    )
    op.create_index("return_process_of_order", "return_process", ["order_key"])
    op.create_index("return_process_by_rma", "return_process", ["rma"])


def downgrade() -> None:
    for table in ("return_process", "restock", "return_count", "refund"):
        op.drop_table(table)
