"""Data of an earlier release comes to this one as it was.

An earlier release is the cookbook's rows with other views and the version tables of 3.0.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings.counts import refresh
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import plugins
from pipelines_tests.checksums import checksum, columns_of
from pipelines_tests.cookbook import known_data
from pipelines_tests.cookbook.known_shipments import PROMISED
from pipelines_tests.cookbook.known_solar import CAPACITIES_KWP
from pipelines_tests.warehouse.schemas import LACKED_BY_4_0, condition, differences

#: As an old clone has left them: with another column, and one that this version has no more.
OLD_VIEWS = """
SET ROLE isobar_owner;
DROP TABLE ops.revision, ops.source_parts;
CREATE TABLE ops.revision_ops (version_num varchar(32) PRIMARY KEY);
CREATE TABLE ops.revision_solar (version_num varchar(32) PRIMARY KEY);
DROP TABLE ops.last_look CASCADE;
ALTER TABLE shipments.shipments DROP sent_from_address CASCADE;
ALTER TABLE solar.days DROP CONSTRAINT days_status_check, ADD CONSTRAINT days_status_check
    CHECK (status IN ('complete', 'partial', 'empty', 'failed'));
ALTER TABLE ops.deliveries DROP problem CASCADE, DROP bad_records;
ALTER TABLE ops.deliveries RENAME COLUMN feed TO source;
ALTER INDEX ops.deliveries_feed_name_loaded_at_idx RENAME TO deliveries_source_name_loaded_at_idx;
DROP VIEW IF EXISTS enriched.shipments, enriched.shipment_articles CASCADE;
ALTER TABLE shipments.articles ALTER unit_price TYPE numeric(10, 2);
ALTER TABLE shipments.shipments ALTER total_value TYPE numeric(24, 2);
CREATE VIEW enriched.shipments AS SELECT total_value FROM shipments.shipments;
CREATE VIEW enriched.shipment_articles AS SELECT unit_price FROM shipments.articles;
GRANT SELECT ON enriched.shipments TO PUBLIC;
CREATE VIEW enriched.buses_parcels AS SELECT total_value, stop_id
FROM enriched.shipments LEFT JOIN buses.stops ON FALSE;
GRANT SELECT ON enriched.buses_parcels TO PUBLIC;
DROP VIEW enriched.itineraries CASCADE;
CREATE VIEW enriched.itineraries AS SELECT itinerary_id AS number FROM flights.itineraries;
CREATE VIEW enriched.gone AS SELECT number FROM enriched.itineraries;
UPDATE ops.sql_objects SET sha256 = repeat('0', 64) WHERE name = 'enriched.itineraries';
CREATE FUNCTION ops.announce_delivery() RETURNS trigger
LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER announce_delivery AFTER UPDATE ON ops.deliveries
FOR EACH ROW EXECUTE FUNCTION ops.announce_delivery();
CREATE SCHEMA as_source;
CREATE VIEW as_source.days AS SELECT 1 AS day;
CREATE VIEW as_source.weeks AS TABLE as_source.days;
CREATE FUNCTION as_source.months() RETURNS SETOF as_source.weeks
LANGUAGE sql AS 'TABLE as_source.weeks';
INSERT INTO ops.sql_objects (name, sha256)
VALUES ('enriched.gone', repeat('0', 64)), ('ops.announce_delivery', repeat('0', 64));
RESET ROLE;
"""
#: Tables and columns that 4.0 has no more, and a file that 3.0 rejected as a whole.
OLD_TABLES = """
SET ROLE isobar_owner;
CREATE TABLE ops.failing_views (name text PRIMARY KEY);
CREATE TABLE bookings.audits (hotel_id integer PRIMARY KEY);
ALTER TABLE bookings.polls ADD problem text, ADD run_id text;
ALTER TABLE ops.sql_objects ADD plugin text;
ALTER TABLE ops.inbox_files ADD problem text;
CREATE VIEW metrics.health AS SELECT files.problem, failing.name
FROM ops.inbox_files AS files, ops.failing_views AS failing;
CREATE TABLE ops.unloaded_rejects (
    reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL,
    name text NOT NULL, record_number bigint NOT NULL, position text NOT NULL, raw text NOT NULL,
    reasons text[] NOT NULL, reason_codes text[] NOT NULL, run_id text,
    rejected_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ops.unloaded_rejects (source, name, record_number, position, raw, reasons, reason_codes)
VALUES ('shipments', 'bad.csv', 2, 'line 2', 'a,b', ARRAY['it is short'], ARRAY['short']);
INSERT INTO ops.inbox_files (
    source, name, byte_count, modified_ns, changed_ns, reading, problem
)
VALUES ('shipments', 'bad.csv', 9, 1, 1, 'utf-8', 'all of it is bad');
RESET ROLE;
"""
TAKEN_OVER = """
DELETE FROM ops.deliveries USING ops.inbox_files AS file
WHERE problem IS NOT NULL AND file.name = deliveries.name AND file.sha256 IS NULL
RETURNING feed, problem, deliveries.byte_count::int, bad_records -> 0 ->> 'raw'
"""
VIEWS = """
SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE nspname IN ('enriched', 'metrics') AND relkind = 'v' ORDER BY 1
"""
#: Columns that have another name since, by what they are called now.
RENAMED = {("ops.deliveries", "source"): "feed"}


@pytest.fixture
def present(server: Connections, template: str, tmp_path: Path) -> Iterator[str]:
    """The name of a database of this version with the cookbook's rows."""
    (tmp_path / "known").mkdir()
    with made(server, template) as name:
        with (
            psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as opened,
            Warehouse(server.url(LOADER, name)) as warehouse,
        ):
            known_data.put(warehouse, opened, tmp_path / "known")
        yield name


def test_rows_and_views_are_correct_after_migrating_an_earlier_release(
    server: Connections, present: str, tmp_path: Path
) -> None:
    parcels = "CREATE OR REPLACE VIEW enriched.{name}_parcels AS SELECT total_value, stop_id"
    parcels += " FROM enriched.shipments LEFT JOIN {name}.stops ON FALSE"
    plugins.write(tmp_path, "buses", {"sql/views/enriched.{name}_parcels.sql": parcels})
    with made(server, present) as name, plugins.installed(tmp_path):
        url = server.url(SUPERUSER, name)
        with psycopg.connect(url, autocommit=True) as old:
            old.execute(f"GRANT CREATE ON DATABASE {name} TO isobar_owner")
            migrate(url)
            old.execute("INSERT INTO buses.stops VALUES (1, 'Market'), (2, 'Bridge')")
            old.execute(OLD_VIEWS)
            old.execute(LACKED_BY_4_0)
            rows = {
                table: (columns, checksum(old, table, columns))
                for table, columns in columns_of(old).items()
                if not table.startswith(("ops.revision_", "ops.sql_objects"))
            }
            old.execute(OLD_TABLES)
        migrate(url)
        assert (differences(url), condition(url)) == ([], "current")
        with (
            psycopg.connect(url) as migrated,
            psycopg.connect(server.url(SUPERUSER, present)) as never_old,
        ):
            taken_over = migrated.execute(TAKEN_OVER).fetchall()
            assert taken_over == [("shipments", "all of it is bad", 9, "a,b")]
            migrated.execute("DELETE FROM ops.inbox_files WHERE name = 'bad.csv'")
            for table, (columns, was) in rows.items():
                named = [RENAMED.get((table, one), one) for one in columns]
                assert checksum(migrated, table, named) == was, table
            migrated.rollback()
            with Warehouse(server.url(LOADER, name)) as warehouse:
                assert refresh(warehouse)[1], "the books are made, and all is counted anew"
            views = [name for (name,) in never_old.execute(VIEWS).fetchall()]
            now = {name for (name,) in migrated.execute(VIEWS).fetchall()}
            assert now == {*views, "enriched.buses_stops", "enriched.buses_parcels"}
            granted = "SELECT bool_and('=r/isobar_owner' = ANY(relacl::text[])) FROM pg_class"
            granted += " WHERE relname IN ('shipments', 'buses_parcels') AND relkind = 'v'"
            assert migrated.execute(granted).fetchone() == (True,)
            for plant, capacity in CAPACITIES_KWP.items():  # which 4.0 has no column for
                values = (capacity, plant.plant_id)
                migrated.execute(
                    "UPDATE solar.plants SET capacity_kwp = %s WHERE plant_id = %s", values
                )
            for number, promised_on in PROMISED.items():  # nor for these
                migrated.execute(
                    "UPDATE shipments.shipments SET promised_on = %s WHERE tracking_number LIKE %s",
                    [promised_on, f"%{20261000 + number}"],
                )
            gone = "SELECT to_regproc('ops.announce_delivery'), to_regclass('ops.failing_views'),"
            gone += " to_regclass('bookings.audits'), to_regnamespace('as_source')"
            assert migrated.execute(gone).fetchone() == (None, None, None, None)
            for view in views:
                query = f"SELECT md5(string_agg(x::text, '' ORDER BY x::text)) FROM {view} AS x"
                query += " WHERE x::text !~ 'buses'"  # a plug-in that the other one lacks
                assert migrated.execute(query).fetchone() == never_old.execute(query).fetchone(), (
                    view
                )


def test_an_offer_that_lost_a_leg_in_4_0_is_whole_again(server: Connections, present: str) -> None:
    """Its row had one leg, and that of an offer without any was away."""
    with made(server, present) as name:
        url = server.url(SUPERUSER, name)
        state = "SELECT * FROM {} WHERE itinerary_id IN ('it_1', 'it_2') ORDER BY 1, 2"
        views = ("enriched.itineraries", "enriched.itinerary_legs", "metrics.flight_prices")
        with psycopg.connect(url, autocommit=True) as old:
            before = [old.execute(state.format(view)).fetchall() for view in views]
            old.execute(LACKED_BY_4_0)
            old.execute("DELETE FROM flights.itineraries WHERE itinerary_id = 'it_2'")
            old.execute("DELETE FROM flights.itinerary_legs WHERE itinerary_id = 'it_2'")
            old.execute("DELETE FROM flights.itinerary_legs WHERE leg_id = 'leg_2'")
            old.execute("UPDATE flights.itineraries SET leg_count = 1, return_on = NULL")
            old.execute("UPDATE ops.revision SET version_num = '0002_parts_of_sources'")
        migrate(url)
        assert (differences(url), condition(url)) == ([], "current")
        with psycopg.connect(url, autocommit=True) as migrated:
            assert [migrated.execute(state.format(view)).fetchall() for view in views] == before
