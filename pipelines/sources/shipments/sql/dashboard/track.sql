-- Parcels with a number, of every carrier.
-- Work: flat, 80 buffers
SELECT *
FROM enriched.shipments
WHERE tracking_number = %(tracking_number)s
ORDER BY carrier
LIMIT 20;
