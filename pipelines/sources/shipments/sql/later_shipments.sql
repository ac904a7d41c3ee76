-- Staged shipments that a file told of after :as_of: what is read again from before has no say.
INSERT INTO later_shipments (tracking_number, carrier)
SELECT DISTINCT
    held.tracking_number,
    held.carrier
FROM shipments.shipments AS held
INNER JOIN stage_lines USING (tracking_number, carrier)
WHERE held.last_seen_at > :as_of
