"""Access: what operators may, and how a plant is deleted by someone who may not touch its data."""

from alembic import op

from pipelines.warehouse.sql_files import execute_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPERATORS_READ = """
-- Like analysts: all that there is, and whatever the owner makes from here on.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO isobar_operator;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO isobar_operator;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO isobar_operator;
DO $$
DECLARE
    schema_name text;
BEGIN
    FOR schema_name IN SELECT nspname FROM pg_namespace WHERE nspowner = 'isobar_owner'::regrole LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO isobar_operator', schema_name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO isobar_operator', schema_name);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO isobar_operator', schema_name);
    END LOOP;
END
$$;
"""
OPERATORS_WRITE = """
-- The registry of plants.
GRANT INSERT, UPDATE, DELETE ON solar.plants TO isobar_operator;
GRANT USAGE ON SEQUENCE solar.plants_plant_id_seq TO isobar_operator;
-- Where places are, as weather.correct_place says it, or have them looked up again.
GRANT UPDATE (
    latitude, longitude, geocoding_status, geocoded_name, geocoded_at, geocoding_retry_at, geocoding_problem
) ON weather.places TO isobar_operator;
GRANT DELETE ON weather.observations, weather.hourly, weather.refreshes TO isobar_operator;
-- The quarantine: have days of plants asked for again, and refused files looked at again. To read
-- records again is to load them, which runs do.
GRANT UPDATE (retry_at) ON solar.days TO isobar_operator;
GRANT DELETE ON ops.inbox_files TO isobar_operator;
"""
DELETE_PLANT = """
-- Who may delete a plant may do so, and to nothing else, as its data's owner. Nobody may call it: a
-- trigger is not called, but who may call it could put it on a table of his own.
ALTER FUNCTION solar.delete_plant() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION solar.delete_plant() FROM PUBLIC, isobar_loader, isobar_analyst, isobar_operator;
"""


def upgrade() -> None:
    for script in (OPERATORS_READ, OPERATORS_WRITE, DELETE_PLANT):
        execute_script(op.get_bind(), script)
