"""Routing by rules that are data: nodes, versioned rules, decisions by number, waiting orders, counted reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FORMER_NODES = """
    UPDATE allocation SET body = (body - 'decision' - 'considered') || jsonb_build_object('short', '{}'::jsonb, 'nodes', (
        SELECT coalesce(jsonb_agg((node - 'entity') || jsonb_build_object('units', (
            SELECT coalesce(jsonb_object_agg(line_id, units), '{}'::jsonb) FROM (
                SELECT pick->>'line_id' AS line_id, max((pick->>'quantity')::int / (pick->>'per_unit')::int) AS units
                FROM jsonb_array_elements(node->'picks') AS pick GROUP BY 1
            ) AS counted
        ))), '[]'::jsonb)
        FROM jsonb_array_elements(body->'nodes') AS node
    ))
"""


def upgrade() -> None:
    op.create_table(
        "node",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "routing_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("in_force_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version >= 1", name="routing_rules_version"),
        sa.PrimaryKeyConstraint("version"),
    )
    op.add_column("allocation", sa.Column("decision", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.alter_column("allocation", "decision", server_default=None)
    op.add_column("allocation", sa.Column("inputs", postgresql.JSONB(), nullable=True))
    op.drop_constraint("allocation_pkey", "allocation")
    op.create_primary_key("allocation_pkey", "allocation", ["order_key", "decision"])
    op.create_check_constraint("allocation_decision", "allocation", "decision >= 1")
    op.execute("""UPDATE allocation SET body = body || '{"short": [], "decision": 1}'::jsonb""")
    op.alter_column("allocation", "body", type_=postgresql.JSON(), postgresql_using="body::json")
    op.create_table(
        "node_load",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("order_key", "node", "decision"),
    )
    op.create_index("node_load_of_day", "node_load", ["node", "day"])
    op.create_table(
        "stock_wait",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_key", "item"),
    )
    op.create_index("stock_wait_of_item", "stock_wait", ["item", "since"])
    op.create_table(
        "stock_report",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('shortfall', 'receipt')", name="stock_report_kind"),
        sa.PrimaryKeyConstraint("kind", "order_key", "report_id"),
    )


def downgrade() -> None:
    for table in ("stock_report", "stock_wait", "node_load", "routing_rules", "node"):
        op.drop_table(table)
    op.alter_column("allocation", "body", type_=postgresql.JSONB(), postgresql_using="body::jsonb")
    # One decision an order is what the former version knows: the newest that reserved something and is still held.
    op.execute("""
        DELETE FROM allocation WHERE body->'nodes' = '[]'::jsonb OR NOT EXISTS (
            SELECT 1 FROM reservation WHERE reservation.order_key = allocation.order_key AND state IN ('held', 'shipped')
        )
    """)
    op.execute("""
        DELETE FROM allocation USING allocation AS newer
        WHERE newer.order_key = allocation.order_key AND newer.decision > allocation.decision
    """)
    op.execute(FORMER_NODES)
    op.drop_constraint("allocation_pkey", "allocation")
    op.drop_constraint("allocation_decision", "allocation")
    op.drop_column("allocation", "inputs")
    op.drop_column("allocation", "decision")
    op.create_primary_key("allocation_pkey", "allocation", ["order_key"])
