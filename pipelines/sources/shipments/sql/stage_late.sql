-- Stages the known shipments of which the file is older than their last one; returns how many.
CREATE TEMP TABLE touched_shipments ON COMMIT DROP AS
SELECT tracking_number, carrier
FROM stage_shipments
WHERE is_late;

ANALYZE touched_shipments;

SELECT count(*) FROM touched_shipments
