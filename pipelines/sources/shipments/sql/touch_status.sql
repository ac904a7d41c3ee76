-- Stages the shipments that ever had a status which gets a meaning.
DROP TABLE IF EXISTS touched_shipments;

CREATE TEMP TABLE touched_shipments ON COMMIT DROP AS
SELECT DISTINCT tracking_number, carrier
FROM shipments.status_history
WHERE status = :status;

ANALYZE touched_shipments
