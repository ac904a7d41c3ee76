-- Records that the staged shipments were in a file, except shipments in later_shipments.
UPDATE shipments.shipments
SET last_seen_at = :seen_at
FROM (SELECT DISTINCT tracking_number, carrier FROM stage_lines) AS present
WHERE
    shipments.tracking_number = present.tracking_number
    AND shipments.carrier = present.carrier
    AND shipments.last_seen_at < :seen_at
