CREATE OR REPLACE VIEW metrics.parcels_by_status AS
SELECT
    carrier,
    status,
    status_class,
    sum(parcels)::bigint AS parcels
FROM shipments.status_days
WHERE ended_on = 'infinity'
GROUP BY carrier, status, status_class;

COMMENT ON VIEW metrics.parcels_by_status IS
'Number of parcels by carrier and present status, of all that were ever seen, silent ones included. It
reads counts that loads keep, however many parcels there are. They add up to enriched.shipments.';
COMMENT ON COLUMN metrics.parcels_by_status.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN metrics.parcels_by_status.status IS 'Status, as in enriched.shipments.';
COMMENT ON COLUMN metrics.parcels_by_status.status_class IS
'What the status means, as in enriched.shipments.';
COMMENT ON COLUMN metrics.parcels_by_status.parcels IS 'Number of parcels.';
