-- Sum by day first, so that the month is computed once per day, not once per count. Months without
-- events between others have a row of zeros.
WITH months AS (
    SELECT
        date_trunc('month', day::timestamp) AS month,
        sum(bookings)::bigint AS bookings,
        sum(cancellations)::bigint AS cancellations
    FROM (
        SELECT day, sum(bookings) AS bookings, sum(cancellations) AS cancellations
        FROM metrics.hotel_bookings_by_event_day
        WHERE hotel_id = ANY (%(hotels)s::bigint[]) AND day >= date_trunc('month', current_date - interval '24 months')::date
        GROUP BY day
    ) AS days
    GROUP BY month
)

SELECT
    every.month::date AS month,
    coalesce(bookings, 0) AS bookings,
    coalesce(cancellations, 0) AS cancellations
FROM generate_series(
    (SELECT min(month) FROM months), (SELECT max(month) FROM months), interval '1 month'
) AS every (month)
LEFT JOIN months ON every.month = months.month
ORDER BY every.month;
