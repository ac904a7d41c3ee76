"""Name days complete, their requests requested_at, and what speaks against a sensor an issue."""

from alembic import op

revision = "9e3f5b7a1c24"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, schema in (("days", "solar"), ("solar_plant_health", "metrics")):
        op.alter_column(table, "asked_at", new_column_name="requested_at", schema=schema)
    op.alter_column(
        "solar_plant_health", "suspicions", new_column_name="sensor_issues", schema="metrics"
    )
    op.execute(
        "ALTER TABLE solar.days DROP CONSTRAINT days_status_check, DROP CONSTRAINT days_held_check"
    )
    op.execute("UPDATE solar.days SET status = 'complete' WHERE status = 'held'")
    op.execute(
        "ALTER TABLE solar.days"
        " ADD CONSTRAINT days_status_check"
        " CHECK (status IN ('complete', 'partial', 'empty', 'failed')),"
        " ADD CONSTRAINT days_complete_check"
        " CHECK ((status = 'complete') = (hours_present = hours_expected))"
    )
