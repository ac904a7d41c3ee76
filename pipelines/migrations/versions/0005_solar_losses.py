"""Solar plants have a capacity and a tariff; the new table of losses is filled by its views."""

from alembic import op

revision = "0005_solar_losses"
down_revision = "0004_flight_offers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.execute(
        """
        ALTER TABLE solar.plants
            ADD capacity_kwp double precision,
            ADD tariff_per_kwh numeric,
            ADD tariff_currency text,
            ADD CONSTRAINT plants_capacity_kwp_check
                CHECK (capacity_kwp > 0 AND capacity_kwp < 'Infinity'),
            ADD CONSTRAINT plants_tariff_per_kwh_check
                CHECK (tariff_per_kwh >= 0 AND tariff_per_kwh < 'Infinity'),
            ADD CONSTRAINT plants_tariff_with_currency_check
                CHECK ((tariff_per_kwh IS NULL) = (tariff_currency IS NULL)),
            ADD CONSTRAINT plants_tariff_currency_check CHECK (tariff_currency ~ '^[A-Z]{3}$');
        """
    )
