-- Statuses other than the four documented ones, with their number of shipments.
SELECT
    status,
    count(*) AS shipments,
    min(tracking_number || ' ' || carrier) AS example
FROM shipments.shipments
WHERE status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'delivery')
GROUP BY status
ORDER BY shipments DESC, status
