-- Statuses that are none of the words the briefs name, with how many shipments have them.
SELECT
    status,
    count(*) AS shipments,
    min(tracking_number || ' ' || carrier) AS example
FROM shipments.shipments
WHERE status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'delivery')
GROUP BY status
ORDER BY shipments DESC, status
