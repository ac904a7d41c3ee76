-- Statuses that have no meaning yet, as sent.
SELECT DISTINCT status, status_raw
FROM shipments.status_history
WHERE status NOT IN (
    'in_transit', 'inbound_scan', 'scanned', 'exception', 'delivery', 'returned', 'lost',
    'cancelled'
)
