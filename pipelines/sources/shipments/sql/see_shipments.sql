-- Records that the staged shipments were in a file, unless they are in a later one.
UPDATE shipments.shipments
SET last_seen_at = :seen_at
FROM stage_shipments AS present
WHERE
    shipments.tracking_number = present.tracking_number
    AND shipments.carrier = present.carrier
    AND shipments.last_seen_at < :seen_at
