-- Staged shipments that a delivery changed after :as_of: what is read again from before has no say.
INSERT INTO later_shipments (tracking_number, carrier)
SELECT DISTINCT
    held.tracking_number,
    held.carrier
FROM shipments.shipments AS held
INNER JOIN stage_lines USING (tracking_number, carrier)
WHERE held.updated_at > :as_of
