SELECT carrier, status, count(*) AS shipments
FROM enriched.shipments
GROUP BY carrier, status
ORDER BY carrier, status;
