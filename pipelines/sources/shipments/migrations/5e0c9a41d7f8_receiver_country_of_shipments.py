"""Have the country of the receiver in shipments, with an index for lists of one country."""

import sqlalchemy as sa
from alembic import op

revision = "5e0c9a41d7f8"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    country = sa.Column(
        "receiver_country_code",
        sa.Text(),
        comment="ISO 3166-1 alpha-2 code of the receiver's country, as in shipments.addresses:"
        " lists of one country are read from an index.",
    )
    op.add_column("shipments", country, schema="shipments")
    op.execute(
        "UPDATE shipments.shipments SET receiver_country_code = country_code"
        " FROM shipments.addresses WHERE receiver_address = address"
    )
    op.create_index(
        "shipments_receiver_country_idx",
        "shipments",
        ["receiver_country_code", sa.text("updated_at DESC"), "tracking_number"],
        schema="shipments",
    )
