CREATE OR REPLACE VIEW enriched.shipment_statuses AS
SELECT
    tracking_number, carrier, seen_at, status, status_raw, status_class, sequence
FROM shipments.status_history;

COMMENT ON VIEW enriched.shipment_statuses IS
'Status changes of each shipment, one row each: status_history of enriched.shipments as rows, for
tools that do not read JSON.';
COMMENT ON COLUMN enriched.shipment_statuses.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN enriched.shipment_statuses.status IS
'Status since seen_at, as in enriched.shipments.';
COMMENT ON COLUMN enriched.shipment_statuses.status_raw IS 'The status as sent.';
COMMENT ON COLUMN enriched.shipment_statuses.seen_at IS 'Time of the first file with the status.';
COMMENT ON COLUMN enriched.shipment_statuses.status_class IS
'What the status means, as in enriched.shipments.';
COMMENT ON COLUMN enriched.shipment_statuses.sequence IS
'Number of the file among those of the same time, from 0: order by seen_at, sequence.';
