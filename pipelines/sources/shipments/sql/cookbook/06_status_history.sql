-- How did the status of a parcel change?
--
-- The time of a status is the time when its file was loaded.
--
-- carrier: DHL
SELECT seen_at, status, status_raw
FROM shipments.status_history
WHERE carrier = %(carrier)s AND tracking_number = (
    SELECT max(tracking_number) FROM enriched.shipments WHERE carrier = %(carrier)s AND status = 'in_transit'
)
ORDER BY seen_at;
