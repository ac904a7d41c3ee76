"""Add the currency of a shipment's prices, which files do not name."""

import sqlalchemy as sa
from alembic import op

revision = "c40f8e92b1d7"
down_revision = "5e0c9a41d7f8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = (
        "ISO 4217 code of its prices: SHIPMENTS_CURRENCY as its last file was loaded; null where it"
        " was not set."
    )
    op.add_column(
        "shipments", sa.Column("currency", sa.Text(), comment=comment), schema="shipments"
    )
