-- How did the status of a parcel change?
--
-- The time of a status is that of the first file that has it: when the file was last modified.
--
-- carrier: DHL
SELECT seen_at, status, status_class, status_raw
FROM enriched.shipment_statuses
WHERE carrier = %(carrier)s AND tracking_number = (
    SELECT tracking_number FROM enriched.shipments WHERE carrier = %(carrier)s AND is_on_its_way
    ORDER BY tracking_number DESC LIMIT 1
)
ORDER BY seen_at, sequence;
