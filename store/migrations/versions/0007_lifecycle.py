"""The life of an order in full: back-orders, price floors and pre-orders, exchange rates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = (
    "'received', 'on_hold', 'accepted', 'back_ordered', 'allocated', 'released', 'partially_shipped', 'shipped', "
    "'settled', 'closed', 'exception', 'cancelling', 'cancelled'"
)
FORMER_STATES = STATES.replace("'back_ordered', ", "")
CHECKS = (("orders", "orders_state"), ("order_transition", "order_transition_state"))


def upgrade() -> None:
    _states(STATES)
    op.add_column("listing_map", sa.Column("floor", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("listing_map", sa.Column("available_from", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "exchange_rate",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("books_currency", sa.Text(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("currency", "books_currency", "valid_on"),
        sa.CheckConstraint("rate > 0", name="exchange_rate_positive"),
    )


def downgrade() -> None:
    op.drop_table("exchange_rate")
    op.drop_column("listing_map", "available_from")
    op.drop_column("listing_map", "floor")
    op.execute("UPDATE orders SET state = 'accepted' WHERE state = 'back_ordered'")
    op.execute("ALTER TABLE order_transition DISABLE TRIGGER USER")
    op.execute("UPDATE order_transition SET state = 'accepted' WHERE state = 'back_ordered'")
    op.execute("ALTER TABLE order_transition ENABLE TRIGGER USER")
    _states(FORMER_STATES)


def _states(listed: str) -> None:
    for table, name in CHECKS:
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"state IN ({listed})")
