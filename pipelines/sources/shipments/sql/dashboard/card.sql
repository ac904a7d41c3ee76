-- Parcels on their way at the end of each of the last 14 days, and those at risk now.
WITH changes AS (
    SELECT greatest(first_seen_at, current_date - interval '14 days') AS at, 1 AS change
    FROM shipments.shipments
    UNION ALL
    -- One whose delivery was set back is on its way, and was at all times.
    SELECT greatest(min(history.seen_at), current_date - interval '14 days'), -1
    FROM shipments.status_history AS history
    INNER JOIN shipments.shipments USING (tracking_number, carrier)
    WHERE history.status = 'delivery' AND shipments.status = 'delivery'
    GROUP BY tracking_number, carrier
),

days AS (
    SELECT at::date AS day, sum(change) AS change
    FROM changes
    GROUP BY at::date
)

SELECT
    every.day::date AS day,
    (sum(coalesce(days.change, 0)) OVER (ORDER BY every.day))::bigint AS value,
    (
        SELECT CASE count(*) WHEN 0 THEN 'none at risk by the weather' ELSE count(*) || ' at risk by the weather' END
        FROM enriched.shipments
        WHERE weather_risk <> 'none' AND status <> 'delivery'
    ) AS detail
FROM generate_series(
    current_date - interval '14 days', current_date::timestamp, interval '1 day'
) AS every (day)
LEFT JOIN days ON days.day = every.day::date
WHERE EXISTS (SELECT FROM shipments.shipments)
ORDER BY day;
