-- Adds the statuses of the touched shipments to the counts, or takes them out of them.
INSERT INTO shipments.status_days AS days (
    carrier, status, status_class, began_on, ended_on, is_at_midnight, is_first, parcels
)
SELECT
    carrier,
    status,
    status_class,
    (seen_at AT TIME ZONE 'UTC')::date,
    coalesce((next_at AT TIME ZONE 'UTC')::date, 'infinity'),
    seen_at = date_trunc('day', seen_at, 'UTC'),
    is_first,
    sum(:sign)
FROM (
    SELECT
        history.carrier,
        history.status,
        history.status_class,
        history.seen_at,
        lead(history.seen_at) OVER in_order AS next_at,
        row_number() OVER in_order = 1 AS is_first
    FROM touched_shipments
    INNER JOIN shipments.status_history AS history USING (tracking_number, carrier)
    WINDOW in_order AS (
        PARTITION BY history.tracking_number, history.carrier
        ORDER BY history.seen_at, history.sequence
    )
) AS statuses
GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT (carrier, status, began_on, ended_on, is_at_midnight, is_first)
DO UPDATE SET parcels = days.parcels + excluded.parcels;

DELETE FROM shipments.status_days WHERE parcels = 0
