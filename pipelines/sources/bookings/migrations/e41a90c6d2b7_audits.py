"""Keep when each hotel was audited, and what was found, so that an audit need not read all events."""

import sqlalchemy as sa
from alembic import op

revision = "e41a90c6d2b7"
down_revision = "c8d5f13a70be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("hotel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("load_number", sa.BigInteger(), nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hotel_id", name=op.f("audits_pkey")),
        schema="bookings",
    )
    op.create_table(
        "findings",
        sa.Column("finding_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("hotel_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.BigInteger()),
        sa.Column("status", sa.Text()),
        sa.Column("room_reservation_id", sa.Uuid()),
        sa.Column("event_at", sa.DateTime(timezone=True)),
        sa.Column("booked_before_at", sa.DateTime(timezone=True)),
        sa.Column("axis", sa.Text()),
        sa.Column("bookings", sa.Integer()),
        sa.Column("recounted_bookings", sa.Integer()),
        sa.Column("cancellations", sa.Integer()),
        sa.Column("recounted_cancellations", sa.Integer()),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("findings_pkey")),
        schema="bookings",
    )
    op.create_index(
        op.f("findings_hotel_id_day_idx"), "findings", ["hotel_id", "day"], schema="bookings"
    )
