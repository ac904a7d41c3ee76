"""Index when periods begin by block ranges, and when they end only where they have."""

import sqlalchemy as sa
from alembic import op

revision = "c31d7a85e6b2"
down_revision = "7c1f0b9d2a44"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_closed = sa.text("seen_until_at IS NOT NULL")
    for table in ("airlines", "agents", "legs", "prices"):
        begin, end = f"{table}_seen_from_at_idx", f"{table}_seen_until_at_idx"
        for name in (begin, end):
            op.drop_index(name, table, schema="flights")
        op.create_index(begin, table, ["seen_from_at"], schema="flights", postgresql_using="brin")
        op.create_index(end, table, ["seen_until_at"], schema="flights", postgresql_where=is_closed)
