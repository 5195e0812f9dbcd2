"""Bank statements: their lines, the payouts that they bring, and on which account a payout was booked."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DOCUMENT = ["channel", "account", "settlement_id"]
REFERENCE = ["settlement.channel", "settlement.account", "settlement.settlement_id"]


def upgrade() -> None:
    op.add_column("settlement", sa.Column("payout_on", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE settlement SET payout_on = 'bank' WHERE journal IS NOT NULL")
    op.create_table(
        "bank_line",
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("counterparty", "text")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in DOCUMENT),
        sa.Column("matched_by", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), server_default="", nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(DOCUMENT, REFERENCE, name="bank_line_settlement"),
        sa.CheckConstraint("num_nulls(channel, account, settlement_id) IN (0, 3)", name="bank_line_payout"),
        sa.PrimaryKeyConstraint("bank_account", "line_id"),
    )
    op.create_index("bank_line_of_settlement", "bank_line", DOCUMENT)
    op.create_index("bank_line_by_age", "bank_line", ["booked_on"])


def downgrade() -> None:
    op.drop_table("bank_line")
    op.drop_column("settlement", "payout_on")
