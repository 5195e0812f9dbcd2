"""What the ERP was told of an order's payments, and how corrections and write-offs stand in its books."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ZERO = sa.text("0")
RECEIVABLE = "('sale', 'goods', 'shipping', 'gift_wrap', 'promotion', 'tax', 'tax_withheld')"


def upgrade() -> None:
    op.add_column("settlement_line", sa.Column("corrected_amount", sa.Numeric(), nullable=False, server_default=ZERO))
    op.add_column("settlement_line", sa.Column("written_off_on", sa.Date(), nullable=True))
    op.add_column("settlement_line", sa.Column("given_up_amount", sa.Numeric(), nullable=True))
    op.execute("UPDATE settlement_line SET given_up_amount = residual_amount WHERE settled_by LIKE 'written off%'")
    op.create_table(
        "order_write_off",
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("entity", sa.Text(), server_default="", nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("booked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("order_key", "nth"),
    )
    waits = sa.Column("payment_waits", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("settlement_order", waits)
    op.create_index(
        "settlement_order_waiting",
        "settlement_order",
        ["channel", "account", "settlement_id", "order_key"],
        postgresql_where=sa.text("payment_waits"),
    )
    for name in ("booked", "booked_back"):
        op.add_column("settlement_order", sa.Column(name, sa.Numeric(), nullable=False, server_default=ZERO))
    # Nobody noted which orders were not invoiced yet when they were paid. Those of a first posting are asked for once
    # more: the ERP knows what it has by its reference. What was posted again counts as paid: it was, in full.
    op.execute(
        "UPDATE settlement_order o SET payment_waits = true FROM settlement s"
        " WHERE (s.channel, s.account, s.settlement_id) = (o.channel, o.account, o.settlement_id)"
        " AND s.revision = 1 AND s.journal IS NOT NULL"
    )
    for name, kinds in (("booked", RECEIVABLE), ("booked_back", "('refund')")):
        op.execute(
            f"UPDATE settlement_order o SET {name} = coalesce((SELECT sum(l.matched_amount) FROM settlement_line l"
            " JOIN settlement s USING (channel, account, settlement_id)"
            " WHERE (l.channel, l.account, l.settlement_id, l.order_key)"
            f" = (o.channel, o.account, o.settlement_id, o.order_key) AND l.type IN {kinds}"
            " AND s.revision > 1 AND o.order_key <= s.paid_to), 0)"
        )


def downgrade() -> None:
    op.drop_index("settlement_order_waiting", "settlement_order")
    for name in ("payment_waits", "booked_back", "booked"):
        op.drop_column("settlement_order", name)
    op.drop_table("order_write_off")
    for name in ("given_up_amount", "written_off_on", "corrected_amount"):
        op.drop_column("settlement_line", name)
