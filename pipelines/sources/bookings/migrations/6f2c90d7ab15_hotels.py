"""Create the table of hotels, which operators fill."""

import sqlalchemy as sa
from alembic import op

revision = "6f2c90d7ab15"
down_revision = "2b8e64d1c0fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hotels",
        sa.Column(
            "hotel_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The hotel, as its system numbers it.",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="What people call it."),
        sa.Column("city", sa.Text(), nullable=True, comment="Where it is."),
        sa.Column(
            "rooms", sa.Integer(), nullable=True, comment="Rooms that it has to let each night."
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("hotels_name_check")),
        sa.CheckConstraint("rooms > 0", name=op.f("hotels_rooms_check")),
        sa.PrimaryKeyConstraint("hotel_id", name=op.f("hotels_pkey")),
        schema="bookings",
        comment="What the events do not say of hotels. Operators keep it with INSERT, UPDATE and"
        " DELETE; a hotel without a row has no name and no occupancy.",
    )
