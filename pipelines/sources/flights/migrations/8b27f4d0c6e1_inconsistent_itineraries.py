"""Write which itineraries have a leg with impossible times: a page reads no legs for it."""

import sqlalchemy as sa
from alembic import op

revision = "8b27f4d0c6e1"
down_revision = "1f6b8e20c9d7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "itineraries",
        sa.Column("is_inconsistent", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="flights",
    )
    op.execute(
        """
        UPDATE flights.itineraries
        SET is_inconsistent = TRUE
        FROM flights.itinerary_legs
        INNER JOIN flights.legs
            ON itinerary_legs.leg_id = legs.leg_id
            AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
        WHERE itineraries.itinerary_id = itinerary_legs.itinerary_id
            AND legs.time_verdict = 'impossible'
        """
    )
    op.alter_column("itineraries", "is_inconsistent", server_default=None, schema="flights")
