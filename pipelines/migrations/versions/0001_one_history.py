"""4.0: one history instead of one a source. Tables that are new in 4.0 are created as declared."""

from alembic import op

from pipelines.migrations.dropped import drop, note_earlier

revision = "0001_one_history"
down_revision = None
branch_labels = None
depends_on = None
#: Isobar 3.0 announced loads on a channel, and ran the statements of a source as a role of its own.
#: It kept deliveries that were rejected as a whole apart from the others.
OF_3 = """
DO $$
DECLARE
    role_name text;
    trigger_name text;
    thing record;
    is_left boolean := TRUE;
BEGIN
    FOR trigger_name IN
        SELECT tgname FROM pg_trigger
        WHERE tgfoid = to_regproc('ops.announce_delivery') AND tgrelid = 'ops.deliveries'::regclass
    LOOP
        EXECUTE format('DROP TRIGGER %I ON ops.deliveries', trigger_name);
    END LOOP;
    DROP FUNCTION IF EXISTS ops.announce_delivery;
    WHILE is_left LOOP -- each once nothing of 3.0 uses it; what others use or have stops it
        is_left := FALSE;
        FOR thing IN
            SELECT identified.*
            FROM pg_depend
            INNER JOIN pg_shdepend USING (classid, objid)
            CROSS JOIN pg_identify_object(classid, objid, 0) AS identified
            WHERE pg_depend.refclassid = 'pg_namespace'::regclass
                AND pg_depend.refobjid = to_regnamespace('as_source')
                AND pg_shdepend.refobjid = 'isobar_owner'::regrole
                AND pg_shdepend.deptype = 'o'
                AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        LOOP
            BEGIN
                EXECUTE format('DROP %s IF EXISTS %s', thing.type, thing.identity);
                is_left := TRUE;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    DROP SCHEMA IF EXISTS as_source;
    FOR role_name IN
        SELECT rolname FROM pg_roles
        WHERE rolname ~ '^isobar_source_' AND pg_has_role(current_user, oid, 'USAGE')
    LOOP
        EXECUTE format('DROP OWNED BY %I', role_name);
    END LOOP;
END
$$;
ALTER TABLE ops.deliveries RENAME COLUMN source TO feed;
ALTER INDEX ops.deliveries_source_name_loaded_at_idx RENAME TO deliveries_feed_name_loaded_at_idx;
ALTER TABLE ops.deliveries ADD problem text, ADD bad_records jsonb;
INSERT INTO ops.deliveries (
    feed, name, sha256, byte_count, received_at, loaded_at, run_id, read_count,
    loaded_count, unchanged_count, rejected_count, problem, bad_records
)
SELECT
    coalesce(files.source, records.source),
    coalesce(files.name, records.name),
    '',
    coalesce(files.byte_count, 0),
    coalesce(files.looked_at, records.rejected_at),
    coalesce(files.looked_at, records.rejected_at),
    coalesce(files.run_id, records.run_id),
    0,
    0,
    0,
    0,
    coalesce(files.problem, 'Too many of its records are bad.'),
    records.bad_records
FROM (SELECT * FROM ops.inbox_files WHERE problem IS NOT NULL) AS files
FULL JOIN (
    SELECT
        source,
        name,
        max(rejected_at) AS rejected_at,
        max(run_id) AS run_id,
        jsonb_agg(
            to_jsonb(one)
            - ARRAY['reject_id', 'source', 'name', 'run_id', 'rejected_at', 'bytes']
            ORDER BY reject_id
        ) AS bad_records
    FROM (
        SELECT
            *,
            sum(octet_length(raw)) OVER (PARTITION BY source, name ORDER BY reject_id)
                AS bytes
        FROM ops.unloaded_rejects
    ) AS one
    WHERE bytes <= 10000000
    GROUP BY source, name
) AS records ON files.source = records.source AND files.name = records.name;
DROP TABLE ops.unloaded_rejects;
ALTER TABLE ops.inbox_files DROP COLUMN problem;
DROP TABLE IF EXISTS ops.failing_views;
ALTER TABLE shipments.articles ALTER unit_price TYPE numeric;
ALTER TABLE shipments.shipments ADD sent_from_address text, ALTER total_value TYPE numeric;
ALTER TABLE solar.days DROP CONSTRAINT days_status_check, ADD CONSTRAINT days_status_check
CHECK (status IN ('complete', 'partial', 'empty', 'failed', 'closed'));
DROP TABLE IF EXISTS bookings.audits;
ALTER TABLE bookings.polls DROP COLUMN IF EXISTS problem, DROP COLUMN IF EXISTS run_id;
ALTER TABLE IF EXISTS ops.last_look DROP COLUMN IF EXISTS checks, DROP COLUMN IF EXISTS facts;
ALTER TABLE ops.sql_objects DROP COLUMN IF EXISTS plugin;
DO $$
DECLARE
    version_table regclass;
BEGIN
    FOR version_table IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'ops'::regnamespace AND starts_with(relname, 'revision_') AND relkind = 'r'
    LOOP
        EXECUTE format('DROP TABLE %s', version_table);
    END LOOP;
END
$$;
"""


def upgrade() -> None:
    """Drop the version tables of 3.0, and call a feed so; the views of what changes go first."""
    # What is dropped here is of a source that is known only while it is there.
    note_earlier(op.get_bind())
    readers = ["metrics.health", "ops.newest", "weather.weather_requests"]
    drop(op.get_bind(), ["enriched.shipments", "enriched.shipment_articles", *readers])
    op.execute(OF_3)
