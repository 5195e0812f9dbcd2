"""Settlements in steps, matched in part, with findings, rules as data, and the journal they are posted by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FAULTS = (
    "fault IN ('short_paid', 'over_paid', 'missing', 'duplicate', 'fee_differs', 'refund_without_return', "
    "'return_without_refund', 'reserve', 'late', 'unknown_label', 'unknown_order', 'no_order')"
)
DOCUMENT = ["channel", "account", "settlement_id"]
REFERENCE = ["settlement.channel", "settlement.account", "settlement.settlement_id"]


def upgrade() -> None:
    _settlement()
    _lines()
    op.create_table(
        "settlement_order",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*DOCUMENT, "order_key")),
        *(sa.Column(name, sa.Numeric(), nullable=False) for name in ("received", "fees", "refunds")),
        sa.ForeignKeyConstraint(DOCUMENT, REFERENCE, name="settlement_order_settlement"),
        sa.PrimaryKeyConstraint(*DOCUMENT, "order_key"),
    )
    op.create_index("settlement_order_key", "settlement_order", ["order_key"])
    op.create_table(
        "settlement_finding",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("order_key", "channel", "account", "fault", "component", "currency", "settlement_id")
        ),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.CheckConstraint(FAULTS, name="settlement_finding_fault"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "settlement_finding_open",
        "settlement_finding",
        ["order_key", "fault", "component"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "settlement_rules",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("channel", "version"),
    )


def _settlement() -> None:
    for column in (
        sa.Column("status", sa.Text(), server_default=sa.text("'posted'"), nullable=False),
        sa.Column("kept", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("matched_to", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("rules_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in ("starts_at", "ends_at", "deposited_at")),
        sa.Column("entity", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("journal", sa.Text(), nullable=True),
        sa.Column("paid_to", sa.Text(), nullable=True),
    ):
        op.add_column("settlement", column)
    op.execute("UPDATE settlement SET kept = lines")
    op.create_check_constraint("settlement_status", "settlement", "status IN ('keeping', 'matching', 'posted')")


def _lines() -> None:
    for column in (
        sa.Column("labels", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("marketplace", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("matched_amount", sa.Numeric(), nullable=True),
        sa.Column("residual_amount", sa.Numeric(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
    ):
        op.add_column("settlement_line", column)
    # A line of before is matched or not, as a whole, and its labels are the one text that was kept.
    op.execute(
        "UPDATE settlement_line SET labels = jsonb_build_array(label),"
        " matched_amount = CASE WHEN matched THEN amount ELSE 0 END,"
        " residual_amount = CASE WHEN matched THEN 0 ELSE amount END"
    )
    op.alter_column("settlement_line", "matched_amount", nullable=False)
    op.alter_column("settlement_line", "residual_amount", nullable=False)
    op.create_check_constraint("settlement_line_adds_up", "settlement_line", "matched_amount + residual_amount = amount")
    op.create_check_constraint("settlement_line_fault", "settlement_line", FAULTS)
    op.create_index("settlement_line_by_order", "settlement_line", [*DOCUMENT, "external_order_id"])
    op.create_index(
        "settlement_line_open",
        "settlement_line",
        [*DOCUMENT, "number"],
        postgresql_where=sa.text("residual_amount <> 0 AND settled_by IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("settlement_rules")
    op.drop_table("settlement_finding")
    op.drop_table("settlement_order")
    op.drop_index("settlement_line_open", "settlement_line")
    op.drop_index("settlement_line_by_order", "settlement_line")
    op.drop_constraint("settlement_line_fault", "settlement_line")
    op.drop_constraint("settlement_line_adds_up", "settlement_line")
    for name in ("settled_by", "rule", "fault", "residual_amount", "matched_amount", "marketplace", "labels"):
        op.drop_column("settlement_line", name)
    op.drop_constraint("settlement_status", "settlement")
    for name in ("paid_to", "journal", "entity", "deposited_at", "ends_at", "starts_at", "event_id", "rules_version", "revision"):
        op.drop_column("settlement", name)
    for name in ("matched_to", "kept", "status"):
        op.drop_column("settlement", name)
