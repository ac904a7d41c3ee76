-- Statuses that have no meaning yet.
SELECT DISTINCT status
FROM shipments.status_history
WHERE status NOT IN (
    'in_transit', 'inbound_scan', 'scanned', 'exception', 'delivery', 'returned', 'lost',
    'cancelled'
)
