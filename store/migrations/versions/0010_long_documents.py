"""Long documents of the inbox: what follows on the beginning that stands in the event itself."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_part",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["inbox_event.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", "number"),
    )


def downgrade() -> None:
    """Puts the documents together again, so that no raw event is lost."""
    op.execute("""
        UPDATE inbox_event SET body = inbox_event.body || rest.body
        FROM (SELECT event_id, string_agg(body, ''::bytea ORDER BY number) AS body FROM inbox_part GROUP BY event_id) AS rest
        WHERE rest.event_id = inbox_event.id
    """)
    op.drop_table("inbox_part")
