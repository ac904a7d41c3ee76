-- Calls that count towards the quota, by day (UTC), and their share of what a day allows.
SELECT
    every.day::date AS day,
    coalesce(used.cost, 0)::double precision AS value,
    'of ' || to_char(%(calls_per_day)s::integer, 'FM999,999,999') || ' a day' AS detail,
    (SELECT max(requested_at) FROM weather.api_requests) AS as_of
FROM generate_series(
    current_date - interval '13 days', current_date::timestamp, interval '1 day'
) AS every (day)
LEFT JOIN (
    SELECT (requested_at AT TIME ZONE 'UTC')::date AS day, sum(cost) AS cost
    FROM weather.api_requests
    WHERE requested_at >= date_trunc('day', now() - interval '13 days', 'UTC')
    GROUP BY 1
) AS used ON used.day = every.day::date
WHERE EXISTS (SELECT FROM weather.api_requests)
ORDER BY day;
