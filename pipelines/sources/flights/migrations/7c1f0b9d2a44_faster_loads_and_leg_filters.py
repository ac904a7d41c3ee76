"""Drop the foreign keys of itinerary_legs, made anew from its parents; integer stops, unconverted."""

import sqlalchemy as sa
from alembic import op

revision = "7c1f0b9d2a44"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for columns in ("itinerary_id", "leg_id_leg_seen_from_at"):
        op.drop_constraint(
            f"itinerary_legs_{columns}_fkey", "itinerary_legs", schema="flights", if_exists=True
        )
    op.alter_column("legs", "stops", type_=sa.Integer(), schema="flights")
