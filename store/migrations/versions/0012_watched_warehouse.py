"""How far a warehouse was read that is watched, because it reports nothing by itself."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = "'orders', 'backlog', 'returns'"


def upgrade() -> None:
    _allow(f"{BEFORE}, 'reports'")


def downgrade() -> None:
    """A warehouse that is watched again later is watched from then on."""
    op.execute("DELETE FROM channel_cursor WHERE stream = 'reports'")
    _allow(BEFORE)


def _allow(streams: str) -> None:
    op.drop_constraint("channel_cursor_stream", "channel_cursor", type_="check")
    op.create_check_constraint("channel_cursor_stream", "channel_cursor", f"stream IN ({streams})")
