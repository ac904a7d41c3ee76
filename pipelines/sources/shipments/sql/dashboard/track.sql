-- Parcels with a number, of every carrier.
SELECT *
FROM enriched.shipments
WHERE tracking_number = %(tracking_number)s
ORDER BY carrier
LIMIT 20;
