-- Notes that a file told of the staged shipments, those in later_shipments aside.
UPDATE shipments.shipments
SET last_seen_at = :seen_at
FROM (SELECT DISTINCT tracking_number, carrier FROM stage_lines) AS told
WHERE
    shipments.tracking_number = told.tracking_number
    AND shipments.carrier = told.carrier
    AND shipments.last_seen_at < :seen_at
