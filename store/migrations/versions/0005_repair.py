"""Repair: whose turn a case is and what it shares, repairs of many cases, tax codes of items, trips of breakers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SHARED = sa.text("resolved_at IS NULL AND subject <> ''::text")
OPEN_TRIP = sa.text("closed_at IS NULL")
LEFT = sa.text("outcome IS NULL")


def _word(name: str, default: str) -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False)


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    op.add_column("exception_case", _word("owner", "operations"))
    op.add_column("exception_case", _word("subject", ""))
    op.add_column("exception_case", _moment("expires_at"))
    op.add_column("exception_case", sa.Column("on_expiry", sa.Text(), nullable=True))
    op.create_index("exception_case_subject", "exception_case", ["subject"], postgresql_where=SHARED)
    op.create_table(
        "repair",
        sa.Column("repair_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("amendment", postgresql.JSONB(), nullable=False),
        sa.Column("mapping_version", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("per_second", sa.Integer(), nullable=False),
        _word("state", "planned"),
        _now("planned_at"),
        _moment("started_at"),
        _moment("ended_at"),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('cases', 'mapping')", name="repair_kind"),
        sa.CheckConstraint("state IN ('planned', 'running', 'done', 'stopped')", name="repair_state"),
        sa.PrimaryKeyConstraint("repair_id"),
    )
    op.create_index("repair_by_age", "repair", ["planned_at"])
    op.create_table(
        "repair_item",
        sa.Column("repair_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        _word("reason", ""),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        _count("attempts"),
        _moment("done_at"),
        sa.CheckConstraint("outcome IS NULL OR done_at IS NOT NULL", name="repair_item_done"),
        sa.ForeignKeyConstraint(["repair_id"], ["repair.repair_id"], name="repair_item_repair"),
        sa.PrimaryKeyConstraint("repair_id", "number"),
    )
    op.create_index("repair_item_left", "repair_item", ["repair_id", "number"], postgresql_where=LEFT)
    op.create_index("repair_item_order", "repair_item", ["order_key"])
    op.create_table(
        "cause_gone",
        sa.Column("subject", sa.Text(), nullable=False),
        _now("gone_at"),
        _word("note", ""),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "item_tax_code",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("tax_code", sa.Text(), nullable=False),
        _word("actor", "operator"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_table(
        "breaker_trip",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _word("actor", "orderyard"),
        sa.Column("rate_before", sa.Float(), nullable=True),
        _now("opened_at"),
        _moment("closed_at"),
        sa.Column("closed_by", sa.Text(), nullable=True),
        _count("probes"),
        _moment("last_probe_at"),
        sa.Column("last_probe", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("breaker_trip_open", "breaker_trip", ["queue"], unique=True, postgresql_where=OPEN_TRIP)
    op.create_index("breaker_trip_by_age", "breaker_trip", ["queue", "opened_at"])


def downgrade() -> None:
    for table in ("breaker_trip", "item_tax_code", "cause_gone", "repair_item", "repair"):
        op.drop_table(table)
    op.drop_index("exception_case_subject", "exception_case")
    for column in ("on_expiry", "expires_at", "subject", "owner"):
        op.drop_column("exception_case", column)
