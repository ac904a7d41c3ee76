-- Sets what shipments know of their history.
UPDATE shipments.shipments
SET
    status_changed_at = history.last_at,
    status_count = history.statuses,
    under_way_at = history.under_way_at,
    is_first_seen_delivered = history.is_first_seen_delivered,
    exceptions = history.exceptions
FROM (
    SELECT
        tracking_number,
        carrier,
        max(seen_at) AS last_at,
        count(*) AS statuses,
        min(seen_at) FILTER (WHERE status_class IN ('under_way', 'exception')) AS under_way_at,
        (array_agg(status_class ORDER BY seen_at, sequence))[1] = 'delivered'
            AS is_first_seen_delivered,
        count(*) FILTER (WHERE status_class = 'exception') AS exceptions
    FROM touched_shipments
    INNER JOIN shipments.status_history USING (tracking_number, carrier)
    GROUP BY tracking_number, carrier
) AS history
WHERE
    shipments.tracking_number = history.tracking_number
    AND shipments.carrier = history.carrier
