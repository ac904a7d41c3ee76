"""Let operators enter where hotels are, so that they have weather and can be joined by place."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "c8d5f13a70be"
down_revision = "6f2c90d7ab15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("country_code", sa.Text()),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column(
            "place_key",
            sa.Text(),
            sa.Computed(
                "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text",
                persisted=True,
            ),
        ),
    )
    for column in columns:
        op.add_column("hotels", column, schema="bookings")
    for name, condition in {
        "country_code": "country_code ~ '^[A-Z]{2}$'",
        "coordinates": "(latitude IS NULL) = (longitude IS NULL)",
        "latitude": "latitude BETWEEN -90 AND 90",
        "longitude": "longitude BETWEEN -180 AND 180",
    }.items():
        constraint = op.f(f"hotels_{name}_check")
        op.create_check_constraint(constraint, "hotels", condition, schema="bookings")
