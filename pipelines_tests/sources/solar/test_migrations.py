"""Columns and values that were renamed are so in a database with rows, too."""

import psycopg

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.solar_rows import add_plant
from pipelines_tests.warehouse.schemas import differences

FORMER_NAMES = """
ALTER TABLE solar.days DROP CONSTRAINT days_status_check, DROP CONSTRAINT days_complete_check;
UPDATE solar.days SET status = 'held' WHERE status = 'complete';
ALTER TABLE solar.days RENAME requested_at TO asked_at;
ALTER TABLE solar.days
    ADD CONSTRAINT days_status_check CHECK (status IN ('held', 'partial', 'empty', 'failed')),
    ADD CONSTRAINT days_held_check CHECK ((status = 'held') = (hours_present = hours_expected));
ALTER TABLE metrics.solar_plant_health RENAME requested_at TO asked_at;
ALTER TABLE solar.syncs RENAME response_count TO answers;
ALTER TABLE metrics.solar_plant_health RENAME sensor_issues TO suspicions;
ALTER TABLE metrics.solar_plant_health DROP COLUMN plant_name;
DELETE FROM ops.alembic_version_solar;
ALTER TABLE ops.deliveries RENAME purged_count TO forgotten_count;
ALTER TABLE ops.deliveries
    RENAME CONSTRAINT deliveries_purged_check TO deliveries_forgotten_check;
DROP INDEX ops.deliveries_source_name_loaded_at_idx;
ALTER TABLE ops.deliveries ADD UNIQUE (source, name, sha256);
DROP TABLE ops.unloaded_rejects;
DROP TABLE ops.sources CASCADE;
DROP TABLE ops.failing_views CASCADE;
DROP TRIGGER reject_open_delivery ON ops.deliveries;
DROP TRIGGER announce_delivery ON ops.deliveries;
ALTER TABLE ops.deliveries DROP COLUMN is_open;
ALTER TABLE ops.quarantine
    DROP COLUMN record_number,
    DROP COLUMN reason_codes CASCADE,
    DROP COLUMN is_final;
DELETE FROM ops.alembic_version_ops;
ALTER TABLE flights.itineraries
    DROP COLUMN origin_airport CASCADE,
    DROP COLUMN destination_airport CASCADE,
    DROP COLUMN departure_on CASCADE,
    DROP COLUMN return_on CASCADE,
    DROP COLUMN total_duration_minutes CASCADE,
    DROP COLUMN is_inconsistent CASCADE;
DROP TABLE flights.rejected_offers CASCADE;
ALTER TABLE flights.snapshots RENAME rejection_reason TO refusal;
UPDATE ops.alembic_version_flights SET version_num = 'c31d7a85e6b2';
"""


def test_stored_days_become_complete_after_the_migration(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    add_plant(owner, 1)
    owner.execute(
        "INSERT INTO solar.days"
        " (plant_id, day, status, hours_expected, hours_present, requested_at)"
        " VALUES (1, '2020-06-01', 'complete', 24, 24, now()),"
        " (1, '2020-06-02', 'partial', 24, 3, now())"
    )
    owner.execute(FORMER_NAMES)
    migrate(server.url(SUPERUSER, database))
    days = owner.execute("SELECT status FROM solar.days ORDER BY day").fetchall()
    assert days == [("complete",), ("partial",)]
    assert differences(server.url(SUPERUSER, database)) == []
