"""Add the plant's name to its health; it follows the registry."""

from alembic import op

revision = "b7d1e4093c6a"
down_revision = "9e3f5b7a1c24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE metrics.solar_plant_health ADD COLUMN plant_name text")
    op.execute(
        "UPDATE metrics.solar_plant_health AS health SET plant_name = plants.name"
        " FROM solar.plants WHERE plants.plant_id = health.plant_id"
    )
    op.alter_column(
        "solar_plant_health",
        "plant_name",
        nullable=False,
        comment="Its name, as in solar.plants.",
        schema="metrics",
    )
    op.create_foreign_key(
        "solar_plant_health_plant_name_fkey",
        "solar_plant_health",
        "plants",
        ["plant_name"],
        ["name"],
        source_schema="metrics",
        referent_schema="solar",
        onupdate="CASCADE",
        ondelete="CASCADE",
    )
