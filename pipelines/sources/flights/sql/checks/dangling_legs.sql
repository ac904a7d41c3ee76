-- Itineraries of the last delivery with a leg that is missing from the document or was rejected.
SELECT
    quarantine.position,
    quarantine.raw::json ->> 'id' AS itinerary_id,
    quarantine.raw::json ->> 'legs' AS legs
FROM ops.quarantine
WHERE quarantine.delivery_id = (
    SELECT delivery_id FROM ops.deliveries WHERE feed = 'flights' AND problem IS NULL ORDER BY loaded_at DESC LIMIT 1
)
    AND 'leg_unknown' = ANY(quarantine.reason_codes)
ORDER BY quarantine.quarantine_id
