-- Statuses other than the documented ones, with their number of shipments.
SELECT
    days.status,
    sum(days.parcels)::bigint AS shipments,
    (
        SELECT min(history.tracking_number || ' ' || history.carrier)
        FROM shipments.status_history AS history
        INNER JOIN shipments.shipments USING (tracking_number, carrier)
        WHERE
            history.status = days.status
            AND shipments.status = days.status
            AND history.status NOT IN (
            'in_transit', 'inbound_scan', 'scanned', 'exception', 'delivery', 'returned', 'lost',
            'cancelled'
            )
    ) AS example
FROM shipments.status_days AS days
WHERE
    days.ended_on = 'infinity'
    AND days.status NOT IN (
        'in_transit', 'inbound_scan', 'scanned', 'exception', 'delivery', 'returned', 'lost',
        'cancelled'
    )
GROUP BY days.status
ORDER BY shipments DESC, days.status
