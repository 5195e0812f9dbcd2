"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
    END $$
"""
APPEND_ONLY_TRIGGER = """
    CREATE TRIGGER order_transition_append_only BEFORE UPDATE OR DELETE ON order_transition
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "allocation",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("order_key"),
    )
    op.create_table(
        "channel_cursor",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("channel", "account"),
    )
    op.create_table(
        "exception_case",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("allowed", postgresql.JSONB(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index(
        "exception_case_open",
        "exception_case",
        ["opened_at"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("exception_case_order", "exception_case", ["order_key"], unique=False)
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("version", sa.DateTime(timezone=True), nullable=True),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("refusals", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.CheckConstraint("source IN ('webhook', 'poll', 'file', 'wms')", name="inbox_event_source"),
        sa.CheckConstraint("status IN ('received', 'delivered', 'ignored', 'dead')", name="inbox_event_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "account", "source", "delivery_id", name="inbox_event_once"),
    )
    op.create_index(
        "inbox_event_due",
        "inbox_event",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_index("inbox_event_order", "inbox_event", ["channel", "account", "external_id"], unique=False)
    op.create_index(
        "inbox_event_refused",
        "inbox_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'dead' OR refusals <> '[]'::jsonb"),
    )
    op.create_table(
        "listing_map",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("components", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("version >= 1", name="listing_map_version"),
        sa.PrimaryKeyConstraint("channel", "account", "sku", "version"),
    )
    op.create_table(
        "orders",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("delivered_version", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("raw_event_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=True),
        sa.Column("last_transition", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("purchased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'on_hold', 'accepted', 'allocated', 'released', 'partially_shipped', 'shipped', 'settled', 'closed', 'exception', 'cancelling', 'cancelled')",
            name="orders_state",
        ),
        sa.PrimaryKeyConstraint("order_key"),
        sa.UniqueConstraint("channel", "account", "external_id", name="orders_once"),
    )
    op.create_index("orders_by_age", "orders", ["created_at"], unique=False)
    op.create_index(
        "orders_by_release",
        "orders",
        ["released_at"],
        unique=False,
        postgresql_where=sa.text("released_at IS NOT NULL"),
    )
    op.create_index("orders_by_state", "orders", ["state", "channel"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "reservation",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default="held", nullable=False),
        sa.CheckConstraint("state IN ('held', 'released', 'shipped', 'returned')", name="reservation_state"),
        sa.CheckConstraint("0 <= shipped AND shipped <= quantity", name="reservation_shipped"),
        sa.PrimaryKeyConstraint("order_key", "item", "node"),
    )
    op.create_index("reservation_of_stock", "reservation", ["item", "node"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payout", sa.Numeric(), nullable=False),
        sa.Column("matched", sa.Numeric(), nullable=False),
        sa.Column("residual", sa.Numeric(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("matched + residual = payout", name="settlement_adds_up"),
        sa.PrimaryKeyConstraint("channel", "account", "settlement_id"),
    )
    op.create_index("settlement_by_age", "settlement", ["posted_at"], unique=False)
    op.create_table(
        "sku_wait",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("channel", "account", "sku", "order_key"),
    )
    op.create_index("sku_wait_order", "sku_wait", ["order_key"], unique=False)
    op.create_table(
        "stock",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_never_oversold"),
        sa.PrimaryKeyConstraint("item", "node"),
    )
    op.create_table(
        "stock_move",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity >= 1", name="stock_move_quantity"),
        sa.PrimaryKeyConstraint("order_key", "shipment_id", "item", "node"),
    )
    op.create_table(
        "order_transition",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'on_hold', 'accepted', 'allocated', 'released', 'partially_shipped', 'shipped', 'settled', 'closed', 'exception', 'cancelling', 'cancelled')",
            name="order_transition_state",
        ),
        sa.ForeignKeyConstraint(["order_key"], ["orders.order_key"], name="order_transition_order"),
        sa.PrimaryKeyConstraint("order_key", "number"),
    )
    op.create_table(
        "settlement_line",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("external_order_id", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("residual", sa.Text(), nullable=True),
        sa.CheckConstraint("NOT matched OR order_key IS NOT NULL", name="settlement_line_order"),
        sa.CheckConstraint("matched = (residual IS NULL)", name="settlement_line_matched_or_named"),
        sa.ForeignKeyConstraint(
            ["channel", "account", "settlement_id"],
            ["settlement.channel", "settlement.account", "settlement.settlement_id"],
            name="settlement_line_settlement",
        ),
        sa.PrimaryKeyConstraint("channel", "account", "settlement_id", "number"),
    )
    op.create_index("settlement_line_of_order", "settlement_line", ["order_key"], unique=False)
    op.execute(APPEND_ONLY)
    op.execute(APPEND_ONLY_TRIGGER)


def downgrade() -> None:
    op.drop_table("settlement_line")
    op.drop_table("order_transition")
    op.drop_table("stock_move")
    op.drop_table("stock")
    op.drop_table("sku_wait")
    op.drop_table("settlement")
    op.drop_table("reservation")
    op.drop_table("outbox")
    op.drop_table("orders")
    op.drop_table("listing_map")
    op.drop_table("inbox_event")
    op.drop_table("exception_case")
    op.drop_table("channel_cursor")
    op.drop_table("allocation")
    op.execute("DROP FUNCTION refuse_change()")
