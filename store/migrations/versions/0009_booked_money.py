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
    # Payments of before: of all orders up to the one where the paying has stopped.
    for name, kinds in (("booked", RECEIVABLE), ("booked_back", "('refund')")):
        op.execute(
            f"UPDATE settlement_order o SET {name} = coalesce((SELECT sum(l.matched_amount) FROM settlement_line l"
            " JOIN settlement s USING (channel, account, settlement_id)"
            " WHERE (l.channel, l.account, l.settlement_id, l.order_key)"
            f" = (o.channel, o.account, o.settlement_id, o.order_key) AND l.type IN {kinds}"
            " AND o.order_key <= s.paid_to), 0)"
        )


def downgrade() -> None:
    op.drop_index("settlement_order_waiting", "settlement_order")
    for name in ("payment_waits", "booked_back", "booked"):
        op.drop_column("settlement_order", name)
    for name in ("written_off_on", "corrected_amount"):
        op.drop_column("settlement_line", name)
