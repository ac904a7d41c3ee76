SELECT carrier, status, parcels
FROM metrics.parcels_by_status
ORDER BY carrier, status;
