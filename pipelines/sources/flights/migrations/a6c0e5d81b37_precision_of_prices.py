"""Give prices a precision and ratings a type that every driver knows."""

import sqlalchemy as sa
from alembic import op

revision = "a6c0e5d81b37"
down_revision = "8b27f4d0c6e1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, columns in {
        "snapshots": ("lowest_price", "median_price", "highest_price"),
        "prices": ("price_amount",),
        "itineraries": ("price_amount",),
    }.items():
        for name in columns:
            op.alter_column(table, name, type_=sa.Numeric(16, 2), schema="flights")
    for table in ("agents", "prices", "itineraries"):
        op.alter_column(table, "agent_rating", type_=sa.Double(), schema="flights")
