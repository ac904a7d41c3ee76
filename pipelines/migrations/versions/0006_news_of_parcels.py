"""Parcels have a class, a promised day and counts; a file has a time, and its news an order.

What 4.0 loaded keeps the time of loading as that of its files.
"""

from alembic import op
from sqlalchemy import text

from pipelines.warehouse.sql_files import execute_script

revision = "0006_news_of_parcels"
down_revision = "0005_solar_losses"
branch_labels = None
depends_on = None
STATUS_CLASS = """
CASE status WHEN 'exception' THEN 'exception' WHEN 'delivery' THEN 'delivered'
    WHEN 'returned' THEN 'returned' WHEN 'lost' THEN 'lost' WHEN 'cancelled' THEN 'cancelled'
    ELSE 'under_way' END
"""
COLUMNS = f"""
ALTER TABLE ops.deliveries ADD modified_at timestamptz;
CREATE INDEX quarantine_subject_idx ON ops.quarantine ((record_key[1]))
WHERE record_key IS NOT NULL;
ALTER TABLE shipments.addresses ADD time_zone text;
DROP INDEX shipments.status_history_unknown_idx, shipments.shipments_receiver_country_idx;
ALTER TABLE shipments.status_history
DROP CONSTRAINT status_history_pkey,
ADD sequence integer NOT NULL DEFAULT 0, ADD previous_seen_at timestamptz,
ADD previous_sequence integer, ADD status_class text NOT NULL DEFAULT 'under_way';
UPDATE shipments.status_history SET status_class = {STATUS_CLASS}
WHERE status IN ('exception', 'delivery', 'returned', 'lost', 'cancelled');
ALTER TABLE shipments.status_history
ALTER status_class DROP DEFAULT,
ADD CONSTRAINT status_history_pkey PRIMARY KEY (tracking_number, carrier, seen_at, sequence);
CREATE INDEX status_history_unknown_idx ON shipments.status_history (status, status_raw)
WHERE status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'exception', 'delivery', 'returned',
    'lost', 'cancelled');
ALTER TABLE shipments.shipments
ADD status_class text, ADD status_changed_at timestamptz, ADD status_count integer NOT NULL DEFAULT 1,
ADD last_sequence integer, ADD promised_on date, ADD promised_at timestamptz,
ADD promised_sequence integer, ADD under_way_at timestamptz, ADD is_first_seen_delivered boolean NOT NULL DEFAULT FALSE,
ADD exceptions integer NOT NULL DEFAULT 0;
UPDATE shipments.shipments
SET
    status = history.last_status,
    status_class = history.last_class,
    status_changed_at = history.last_at,
    status_count = history.statuses,
    under_way_at = history.under_way_at,
    is_first_seen_delivered = history.first_class = 'delivered',
    exceptions = history.exceptions
FROM (
    SELECT
        tracking_number, carrier, max(seen_at) AS last_at, count(*) AS statuses,
        min(seen_at) FILTER (WHERE status_class IN ('under_way', 'exception')) AS under_way_at,
        (array_agg(status_class ORDER BY seen_at))[1] AS first_class,
        (array_agg(status ORDER BY seen_at DESC))[1] AS last_status,
        (array_agg(status_class ORDER BY seen_at DESC))[1] AS last_class,
        count(*) FILTER (WHERE status_class = 'exception') AS exceptions
    FROM shipments.status_history
    GROUP BY tracking_number, carrier
) AS history
WHERE
    shipments.tracking_number = history.tracking_number
    AND shipments.carrier = history.carrier;
UPDATE shipments.shipments SET status_class = {STATUS_CLASS}, status_changed_at = first_seen_at
WHERE status_changed_at IS NULL;
ALTER TABLE shipments.shipments
ALTER status_class SET NOT NULL, ALTER status_changed_at SET NOT NULL;
CREATE INDEX shipments_open_idx ON shipments.shipments (status_changed_at)
WHERE status_class IN ('under_way', 'exception')
"""
COUNTS = """
CREATE TABLE shipments.status_days (
    carrier text, status text, began_on date, ended_on date, is_at_midnight boolean,
    is_first boolean, parcels bigint NOT NULL, status_class text NOT NULL,
    PRIMARY KEY (carrier, status, began_on, ended_on, is_at_midnight, is_first)
);
INSERT INTO shipments.status_days
SELECT
    carrier, status, (seen_at AT TIME ZONE 'UTC')::date,
    coalesce((next_at AT TIME ZONE 'UTC')::date, 'infinity'),
    seen_at = date_trunc('day', seen_at, 'UTC'), is_first, count(*), status_class
FROM (
    SELECT
        carrier, status, status_class, seen_at, lead(seen_at) OVER in_order AS next_at,
        row_number() OVER in_order = 1 AS is_first
    FROM shipments.status_history
    WINDOW in_order AS (PARTITION BY tracking_number, carrier ORDER BY seen_at)
) AS statuses
GROUP BY 1, 2, 3, 4, 5, 6, 8
"""


def upgrade() -> None:
    """Add the columns and the counts, and fill both from the history."""
    connection = op.get_bind()
    execute_script(connection, COLUMNS)
    connection.execute(text("ANALYZE shipments.shipments"))
    execute_script(connection, COUNTS)
