-- Staged shipments that are also in a file after :seen_at: reading older lines again must not change
-- them.
INSERT INTO later_shipments (tracking_number, carrier)
SELECT DISTINCT
    stored.tracking_number,
    stored.carrier
FROM shipments.shipments AS stored
INNER JOIN stage_lines USING (tracking_number, carrier)
WHERE stored.last_seen_at > :seen_at
