"""Give the value of a shipment a precision that every driver knows."""

import sqlalchemy as sa
from alembic import op

revision = "e71b4f0d92c5"
down_revision = "90d3c7b1fe24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("shipments", "total_value", type_=sa.Numeric(24, 2), schema="shipments")
