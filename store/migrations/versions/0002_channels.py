"""Channels in full: their health, drift, returns, stock and audits; dead letters that are edited or discarded."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATUS = "status IN ('received', 'delivered', 'ignored', 'dead', 'discarded')"
SOURCES = "source IN ('webhook', 'poll', 'backlog', 'file', 'wms')"
FORMER_SOURCES = "source IN ('webhook', 'poll', 'file', 'wms')"
DUE = sa.text("status = 'received'")
FORMER_STATUS = "status IN ('received', 'delivered', 'ignored', 'dead')"
RETURN_STATES = "state IN ('requested', 'approved', 'received', 'closed', 'refused', 'cancelled')"


def upgrade() -> None:
    op.add_column("inbox_event", sa.Column("edited_body", sa.LargeBinary(), nullable=True))
    op.add_column("inbox_event", sa.Column("edited_by", sa.Text(), nullable=True))
    op.drop_constraint("inbox_event_status", "inbox_event")
    op.create_check_constraint("inbox_event_status", "inbox_event", STATUS)
    op.drop_constraint("inbox_event_source", "inbox_event")
    op.create_check_constraint("inbox_event_source", "inbox_event", SOURCES)
    op.drop_index("inbox_event_due", "inbox_event")
    op.create_index(
        "inbox_event_due",
        "inbox_event",
        [sa.text("((((channel || '/'::text) || account) || '/'::text) || source)"), "next_attempt_at", "id"],
        postgresql_where=DUE,
    )
    op.add_column(
        "channel_cursor", sa.Column("stream", sa.Text(), server_default=sa.text("'orders'"), nullable=False)
    )
    op.drop_constraint("channel_cursor_pkey", "channel_cursor")
    op.create_primary_key("channel_cursor_pkey", "channel_cursor", ["channel", "account", "stream"])
    op.create_check_constraint(
        "channel_cursor_stream", "channel_cursor", "stream IN ('orders', 'backlog', 'returns')"
    )
    op.create_table(
        "channel_health",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("sunset", sa.Date(), nullable=True),
        sa.Column("credential_expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quotas", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("newest_version", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("channel", "account"),
    )
    op.create_table(
        "schema_drift",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("count >= 1", name="schema_drift_count"),
        sa.CheckConstraint("kind IN ('unknown_field', 'unknown_value')", name="schema_drift_kind"),
        sa.PrimaryKeyConstraint("channel", "api_version", "kind", "path", "value"),
    )
    op.create_table(
        "channel_return",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("raw_event_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(RETURN_STATES, name="channel_return_state"),
        sa.PrimaryKeyConstraint("channel", "account", "return_id"),
    )
    op.create_index("channel_return_of_order", "channel_return", ["order_key"])
    op.create_table(
        "channel_stock",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("quantity >= 0", name="channel_stock_quantity"),
        sa.PrimaryKeyConstraint("channel", "account", "sku"),
    )
    op.create_table(
        "channel_audit",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("channel_audit_by_account", "channel_audit", ["channel", "account", "id"])


def downgrade() -> None:
    for table in ("channel_audit", "channel_stock", "channel_return", "schema_drift", "channel_health"):
        op.drop_table(table)
    op.execute("DELETE FROM channel_cursor WHERE stream <> 'orders'")
    op.drop_constraint("channel_cursor_stream", "channel_cursor")
    op.drop_constraint("channel_cursor_pkey", "channel_cursor")
    op.drop_column("channel_cursor", "stream")
    op.create_primary_key("channel_cursor_pkey", "channel_cursor", ["channel", "account"])
    op.drop_index("inbox_event_due", "inbox_event")
    op.create_index("inbox_event_due", "inbox_event", ["next_attempt_at", "id"], postgresql_where=DUE)
    op.drop_constraint("inbox_event_source", "inbox_event")
    op.execute("UPDATE inbox_event SET source = 'file', delivery_id = 'backlog:' || delivery_id WHERE source = 'backlog'")
    op.create_check_constraint("inbox_event_source", "inbox_event", FORMER_SOURCES)
    op.execute("UPDATE inbox_event SET status = 'dead' WHERE status = 'discarded'")
    op.drop_constraint("inbox_event_status", "inbox_event")
    op.create_check_constraint("inbox_event_status", "inbox_event", FORMER_STATUS)
    op.drop_column("inbox_event", "edited_by")
    op.drop_column("inbox_event", "edited_body")
